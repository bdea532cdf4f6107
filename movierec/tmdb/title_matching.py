"""Finds a movie among the results of a search by title and year at TMDB."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

BRACKETS_AT_END = re.compile(r"\s*\(([^()]*)\)$")
ALIAS_PREFIX = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
PART_SEPARATOR = re.compile(r": | - ")
MAX_YEARS_APART = 1  # MovieLens and TMDB count festivals and premieres differently


def alternative_titles(title: str) -> list[str]:
    """The names in a title: the main one first, then those in brackets at its end."""
    others: list[str] = []
    while (found := BRACKETS_AT_END.search(title)) and found.start():
        others.insert(0, ALIAS_PREFIX.sub("", found[1].strip()))
        title = title[: found.start()]
    return [title, *(name for name in others if name)]


def normalize_title(title: str) -> str:
    """Only the letters and digits, in lower case without accents; "&" counts as "and"."""
    text = unicodedata.normalize("NFKD", title.replace("&", " and ")).casefold()
    return "".join(letter for letter in text if letter.isalnum())


def find_best_match(results: Iterable[Mapping[str, Any]], title: str, year: int | None) -> int | None:
    """The id of the result that has one of the title's names and a year at most MAX_YEARS_APART away; None if none
    fits.

    Of several the nearest year, then the first in `results`. For a title in parts, such as "Star Wars: Episode IV - A
    New Hope", one part is enough if the year is the same. No match is better than the picture of another movie.
    """
    whole = {normalize_title(name) for name in alternative_titles(title)}
    parts = (
        {normalize_title(part) for part in PART_SEPARATOR.split(alternative_titles(title)[0]) if " " in part}
        if year
        else set()
    )
    fitting = []
    for place, result in enumerate(results):
        called = {normalize_title(str(result.get(field) or "")) for field in ("title", "original_title")} - {""}
        found = _parse_release_year(result)
        apart = abs(found - year) if found and year else 0 if year is None else None
        is_it = called & whole and apart is not None and apart <= MAX_YEARS_APART
        if isinstance(result.get("id"), int) and (is_it or (called & parts and apart == 0)):
            fitting.append((not is_it, apart, place, result["id"]))
    return min(fitting)[-1] if fitting else None


def _parse_release_year(result: Mapping[str, Any]) -> int | None:
    digits = str(result.get("release_date") or "")[:4]
    return int(digits) if digits.isdecimal() else None
