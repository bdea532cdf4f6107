"""Names that could pass for somebody else's: reserved words, mixed alphabets, letters that look like others."""

import re
import unicodedata

RESERVED_TEXT = """
admin administrator anonymous deleted guest help helpdesk moderator mod movierec official operator owner root security
staff superuser support sysadmin system team webmaster админ администратор модератор поддержка система
"""
RESERVED_NAMES = frozenset(RESERVED_TEXT.split())
RESERVED_WORDS = frozenset({"admin", "administrator", "moderator", "movierec", "админ", "администратор", "модератор"})

# Alphabets that people do write in one name. All others stand alone.
MIXED_ALPHABETS = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)

# Lower-case Cyrillic, Greek and Armenian letters, and what they look like: from confusables.txt of Unicode (UTS 39).
LOOKALIKES = str.maketrans(
    dict(
        zip(
            "авгеикмнопрстухѕіјԁԛԝһѵѡґӏαβγεικνορτυχωϲաոսօցհյ",
            "abreukmhonpctyxsijdqwhvwrlabyeikvoptuxwcwnuoghj",
            strict=True,
        )
    )
)
LETTERS_OF_SIGNS = str.maketrans("013457@", "oieasta")  # as in adm1n


def has_one_alphabet(name: str) -> bool:
    """Whether the letters are of one alphabet, or of several that are written together."""
    alphabets = {
        unicodedata.name(character, "?").split()[0]
        for character in unicodedata.normalize("NFKC", name)
        if unicodedata.category(character).startswith("L")
    }
    return len(alphabets) <= 1 or any(alphabets <= mixed for mixed in MIXED_ALPHABETS)


def is_reserved(name: str) -> bool:
    """Whether the name, or a word of it, is that of somebody who runs the site, however it is spelt."""
    for spelling in (name.casefold(), make_skeleton(name)):
        words = {_simplify(word) for word in re.split(r"[^\w@]|_", spelling)}
        joined = {_simplify(spelling), _simplify(re.sub(r"[\W_]", "", spelling))}
        if joined & RESERVED_NAMES or words & RESERVED_WORDS:
            return True
    return False


def make_skeleton(name: str) -> str:
    """The name in lower case, with Latin letters for those that look like them."""
    return normalize_name(name).translate(LOOKALIKES)


def normalize_name(name: str) -> str:
    """The form in which names are compared: case and compatible characters make no difference."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _simplify(word: str) -> str:
    """The word without digits at its end and without accents, with letters for the digits that stand for them."""
    decomposed = unicodedata.normalize("NFKD", re.sub(r"\d+$", "", word).translate(LETTERS_OF_SIGNS))
    return unicodedata.normalize("NFC", "".join(each for each in decomposed if not unicodedata.combining(each)))
