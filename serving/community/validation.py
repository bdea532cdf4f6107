"""Validation of texts that visitors type. Errors carry a key of PROBLEM_TEXTS."""

import re
import unicodedata

from zxcvbn import zxcvbn

from serving.community.names import has_one_alphabet, is_reserved, normalize_name

MAX_REVIEW_LENGTH = 5_000
MAX_NAME_LENGTH = 40
MIN_NAME_LENGTH = 2
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1_000
UNSTORABLE_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
NAME_PATTERN = re.compile(r"[\w.@+-]+( [\w.@+-]+)*")

ESTIMATED_LENGTH = 72  # zxcvbn reads no more
MIN_PASSWORD_SCORE = 2  # of zxcvbn: more than a million guesses
# What zxcvbn's English lists lack: this site, and the commonest Russian passwords.
LOCAL_TEXT = "movierec movie movies cinema пароль привет йцукен йцукенг солнышко любовь наташа максим фильм кино"
LOCAL_WORDS = LOCAL_TEXT.split()


class InvalidInputError(ValueError):
    """The text is not accepted: `field` is the form's field, `problem` a key of PROBLEM_TEXTS."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


def strip_unstorable(text: str) -> str:
    """Removes characters that databases or pages cannot hold; all line ends become line feeds."""
    return UNSTORABLE_CHARACTERS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def validate_review(text: str) -> str:
    """The cleaned review. Raises InvalidInputError if it is empty or too long."""
    found = strip_unstorable(text).strip()
    if not any(character.isprintable() and not character.isspace() for character in found):
        raise InvalidInputError("text", "review_is_empty")
    if len(found) > MAX_REVIEW_LENGTH:
        raise InvalidInputError("text", "review_is_too_long")
    return found


def validate_name(text: str, *, min_length: int = 1) -> str:
    """The cleaned name: words of letters, digits and . _ - @ +. Raises InvalidInputError.

    Other people see it, so it may not pass for that of somebody who runs the site.
    """
    found = unicodedata.normalize("NFC", " ".join(strip_unstorable(text).split()))
    if len(found) < min_length:
        raise InvalidInputError("name", "name_is_too_short")
    if len(found) > MAX_NAME_LENGTH:
        raise InvalidInputError("name", "name_is_too_long")
    if not NAME_PATTERN.fullmatch(found):
        raise InvalidInputError("name", "name_has_other_characters")
    if not has_one_alphabet(found):
        raise InvalidInputError("name", "name_mixes_alphabets")
    if is_reserved(found):
        raise InvalidInputError("name", "name_is_reserved")
    return found


def validate_new_password(text: str, *, name: str) -> str:
    """The password, if it is long enough and hard to guess; there are no other rules. Raises InvalidInputError."""
    if len(text) < MIN_PASSWORD_LENGTH:
        raise InvalidInputError("password", "password_is_too_short")
    if len(text) > MAX_PASSWORD_LENGTH:
        raise InvalidInputError("password", "password_is_too_long")
    plain = normalize_name(text)
    estimate = zxcvbn(plain[:ESTIMATED_LENGTH], user_inputs=[*LOCAL_WORDS, normalize_name(name)])
    if plain == normalize_name(name) or estimate["score"] < MIN_PASSWORD_SCORE:
        raise InvalidInputError("password", "password_is_common")
    return text
