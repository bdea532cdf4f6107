"""Texts that people type: made storable and harmless, or refused with a key that the templates put in words."""

import re
import unicodedata

LONGEST_REVIEW = 5_000
LONGEST_NAME = 40
SHORTEST_NAME = 2
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1_000
NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
NAME = re.compile(r"[\w.@+-]+( [\w.@+-]+)*")

TRIED_FIRST = """
12345678 123456789 1234567890 0123456789 987654321 password password1 password123 passw0rd p@ssw0rd qwertyui
qwertyuiop qwerty123 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx asdfghjk asdfghjkl iloveyou princess sunshine football
baseball superman starwars trustno1 whatever letmein1 welcome1 admin123 administrator changeme abcd1234 abc12345
movierec
"""
COMMON_PASSWORDS = frozenset(TRIED_FIRST.split())


class Refused(ValueError):  # noqa: N818  an answer, not a fault
    """`field` is the form's field, `problem` a key of `templates/partials/problem.html`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


def storable(text: str) -> str:
    """Without what no database or page can hold; lines end with \\n, as browsers count them."""
    return NOT_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def review_of(text: str) -> str:
    """Raises Refused for an empty review and for one that is too long."""
    found = storable(text).strip()
    if not any(character.isprintable() and not character.isspace() for character in found):
        raise Refused("text", "review_is_empty")
    if len(found) > LONGEST_REVIEW:
        raise Refused("text", "review_is_too_long")
    return found


def name_of(text: str, *, shortest: int = 1) -> str:
    """Letters, digits and . _ - @ +, in words. Raises Refused."""
    found = unicodedata.normalize("NFC", " ".join(storable(text).split()))
    if len(found) < shortest:
        raise Refused("name", "name_is_too_short")
    if len(found) > LONGEST_NAME:
        raise Refused("name", "name_is_too_long")
    if not NAME.fullmatch(found):
        raise Refused("name", "name_has_other_characters")
    return found


def name_key(name: str) -> str:
    """Names with the same key are one name: case and compatible forms do not tell them apart."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def new_password_of(text: str, *, name: str) -> str:
    """Long enough and not one that is tried first; nothing else is asked of it. Raises Refused."""
    if len(text) < SHORTEST_PASSWORD:
        raise Refused("password", "password_is_too_short")
    if len(text) > LONGEST_PASSWORD:
        raise Refused("password", "password_is_too_long")
    plain = name_key(text)
    if plain in COMMON_PASSWORDS or plain == name_key(name) or len(set(plain)) < 3:
        raise Refused("password", "password_is_common")
    return text
