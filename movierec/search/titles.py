"""Titles as people type them: case, accents and punctuation folded, the names a movie goes by, words."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

ARTICLES = frozenset({"the", "a", "an"})
LETTER_REPLACEMENTS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "&": " and "}
)
APOSTROPHES = re.compile("['’‘`´]")
PART_PATTERN = re.compile(r"[^\W_]+")
NUMERALS = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10"}
NUMERALS |= {digits: roman for roman, digits in NUMERALS.items()}

_BRACKET_PATTERN = re.compile(r"\s\(([^()]+)\)")
_ALIAS_PREFIX = re.compile(r"^a\.?k\.?a\.?:?\s+", re.IGNORECASE)


class Token(NamedTuple):
    """What stands between two spaces: "spider-man" is one chunk of two parts."""

    parts: tuple[str, ...]

    @property
    def joined(self) -> str:
        return "".join(self.parts)


def normalize_text(text: str) -> str:
    """Lower case without accents: "Amélie" is "amelie", "Łódź" is "lodz", "Groß" is "gross"."""
    text = text.casefold().translate(LETTER_REPLACEMENTS)
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def tokenize_title(text: str) -> list[Token]:
    """In their order. A chunk of signs alone ("$") stands for itself."""
    found = []
    for piece in APOSTROPHES.sub("", normalize_text(text)).split():
        parts = PART_PATTERN.findall(piece)
        found.append(Token(tuple(parts) or (piece,)))
    words = [chunk for chunk in found if chunk.joined.isalnum()]
    return words or found


def drop_articles(tokens: Sequence[Token]) -> list[Token]:
    """English articles say nothing, wherever they stand; a text of nothing else keeps them."""
    return [chunk for chunk in tokens if chunk.joined not in ARTICLES or len(chunk.parts) > 1] or list(tokens)


def title_key(tokens: Sequence[Token]) -> str:
    """What two spellings of one name share: its words in order, without articles."""
    return " ".join(part for chunk in drop_articles(tokens) for part in chunk.parts)


def alternative_titles(title: str) -> list[str]:
    """The names in a display title: "Seven (a.k.a. Se7en)" goes by "Seven", "Se7en" and the whole."""
    others = [_ALIAS_PREFIX.sub("", name).strip() for name in _BRACKET_PATTERN.findall(title)]
    main = _BRACKET_PATTERN.sub(" ", title).strip()
    return [main, *filter(None, others), title] if others and main else [title]
