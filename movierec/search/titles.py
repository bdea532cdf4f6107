"""Normalises titles and queries: case, accents and punctuation, alternative titles, tokens."""

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
    """A text between two spaces, in parts: "spider-man" is one token of two parts."""

    parts: tuple[str, ...]

    @property
    def joined(self) -> str:
        """All parts without separators: "spiderman"."""
        return "".join(self.parts)


def normalize_text(text: str) -> str:
    """The text in lower case without accents: "Amélie" becomes "amelie", "Łódź" "lodz", "Groß" "gross"."""
    text = text.casefold().translate(LETTER_REPLACEMENTS)
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def tokenize_title(text: str) -> list[Token]:
    """The tokens of a text, in order. Tokens of signs alone ("$") are kept only if there are no others."""
    found = []
    for piece in APOSTROPHES.sub("", normalize_text(text)).split():
        parts = PART_PATTERN.findall(piece)
        found.append(Token(tuple(parts) or (piece,)))
    words = [chunk for chunk in found if chunk.joined.isalnum()]
    return words or found


def drop_articles(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without English articles; unchanged if there are only articles."""
    return [chunk for chunk in tokens if chunk.joined not in ARTICLES or len(chunk.parts) > 1] or list(tokens)


def title_key(tokens: Sequence[Token]) -> str:
    """A key that different spellings of a name share: its words in order, without articles."""
    return " ".join(part for chunk in drop_articles(tokens) for part in chunk.parts)


def alternative_titles(title: str) -> list[str]:
    """All names in a display title: "Seven (a.k.a. Se7en)" gives "Seven", "Se7en" and the whole title."""
    others = [_ALIAS_PREFIX.sub("", name).strip() for name in _BRACKET_PATTERN.findall(title)]
    main = _BRACKET_PATTERN.sub(" ", title).strip()
    return [main, *filter(None, others), title] if others and main else [title]
