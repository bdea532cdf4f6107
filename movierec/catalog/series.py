"""Series of movies, as far as titles tell: "Matrix, The (1999)" and "Matrix Reloaded, The (2003)" begin alike."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_YEAR_OR_OTHER_TITLE = re.compile(r"\s*\([^)]*\)")
_ARTICLE = re.compile(r",\s*(?:the|an?|l[ae]s?|der|die|das|el|il)$", re.IGNORECASE)
_NUMBERED_PART = re.compile(r"\b(?:part|vol\.?|volume|episode|chapter)\b.*$", re.IGNORECASE)
_NUMBER = re.compile(r"\s+(?:[IVX]+|\d{1,2})$")
MAX_SERIES = 30  # movies; more begin alike by chance


def get_series_title(title: str) -> tuple[str, ...]:
    """The words of a MovieLens title that all movies of a series have: without year, article, number and subtitle.

    ("toy", "story") for "Toy Story 2 (1999)", ("star", "wars") for "Star Wars: Episode IV - A New Hope (1977)".
    """
    text = _ARTICLE.sub("", _YEAR_OR_OTHER_TITLE.sub("", title).strip())
    text = _NUMBER.sub("", _NUMBERED_PART.sub("", text.split(":")[0]).strip())
    return tuple(re.findall(r"\w+", text.lower()))


def find_series(titles: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of movies that may be of one series, as two arrays of positions in `titles`; each pair in both directions.

    The words of one begin the words of the other. A title whose words begin more than MAX_SERIES others says nothing.
    """
    words = [get_series_title(title) for title in titles]
    by_beginning: dict[tuple[str, ...], list[int]] = {}
    for at, each in enumerate(words):
        for length in range(1, len(each) + 1):
            by_beginning.setdefault(each[:length], []).append(at)
    pairs = set()
    for at, each in enumerate(words):
        others = by_beginning.get(each, [])
        if 1 < len(others) <= MAX_SERIES:
            pairs |= {pair for other in others if other != at for pair in ((at, other), (other, at))}
    rows = np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
