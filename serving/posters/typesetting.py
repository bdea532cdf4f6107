"""Titles set into a box without knowing the font: letter widths are estimated, on the wide side."""

import unicodedata

BOX_WIDTH, BOX_HEIGHT = 332, 216
SIZES = (74, 64, 56, 48, 42, 36, 31, 27, 24)
LINE = 1.1  # of the font size


def set_title(title: str) -> tuple[list[str], int]:
    """The title in lines, in the largest of SIZES that fits its box; the end is cut where none does."""
    title = " ".join(title.split()).replace(" - ", "\u00a0– ")  # no line starts with a dash
    for size in SIZES:
        lines = wrapped(title, size)
        fits = all(text_width(line) * size <= BOX_WIDTH for line in lines)
        if fits and len(lines) <= lines_at(size):
            return balanced(title, size, len(lines)), size
    size = SIZES[-1]
    lines = wrapped(" ".join(piece for word in title.split(" ") for piece in broken(word, size)), size)
    if len(lines) > lines_at(size):
        lines = [*lines[: lines_at(size) - 1], lines[lines_at(size) - 1].rstrip(" ,:;.")[:-1] + "…"]
    return lines, size


def lines_at(size: int) -> int:
    return int(BOX_HEIGHT / (size * LINE))


def balanced(text: str, size: int, n: int) -> list[str]:
    """The same text in `n` lines that are about as long as each other."""
    found = wrapped(text, size)
    for width in range(BOX_WIDTH, 0, -6):
        lines = wrapped(text, size, width)
        if len(lines) > n:
            break
        found = lines
    return found


def wrapped(text: str, size: int, width: int = BOX_WIDTH) -> list[str]:
    """Lines filled word by word."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer) * size > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def broken(word: str, size: int) -> list[str]:
    """A word in pieces that fit a line."""
    pieces = [""]
    for letter in word:
        if text_width(pieces[-1] + letter) * size > BOX_WIDTH:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def text_width(text: str) -> float:
    """About how wide a bold sans-serif sets the text, in ems; on the wide side, fonts differ."""
    return sum(letter_width(letter) for letter in text)


def letter_width(letter: str) -> float:
    if letter in "iIjl.,:;'!|()[] \u00a0":
        return 0.36
    if letter in "mwMW@%—…" or unicodedata.east_asian_width(letter) in "WF":
        return 1.02
    return 0.78 if letter.isupper() or letter in "&?" else 0.66
