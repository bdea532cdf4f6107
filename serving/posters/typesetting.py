"""Sets titles into a box. The font is unknown, so letter widths are estimated generously."""

import unicodedata

BOX_WIDTH, BOX_HEIGHT = 332, 216
FONT_SIZES = (74, 64, 56, 48, 42, 36, 31, 27, 24)
LINE_HEIGHT = 1.1  # of the font size


def set_title(title: str) -> tuple[list[str], int]:
    """The lines of the title and the font size: the largest of FONT_SIZES at which it fits the box.

    If it fits at none, it is cut at the smallest.
    """
    title = " ".join(title.split()).replace(" - ", "\u00a0– ")  # no line starts with a dash
    for size in FONT_SIZES:
        lines = wrap_text(title, size)
        fits = all(estimate_text_width(line) * size <= BOX_WIDTH for line in lines)
        if fits and len(lines) <= count_fitting_lines(size):
            return balance_lines(title, size, len(lines)), size
    size = FONT_SIZES[-1]
    lines = wrap_text(" ".join(piece for word in title.split(" ") for piece in break_word(word, size)), size)
    if len(lines) > count_fitting_lines(size):
        lines = [
            *lines[: count_fitting_lines(size) - 1],
            lines[count_fitting_lines(size) - 1].rstrip(" ,:;.")[:-1] + "…",
        ]
    return lines, size


def count_fitting_lines(size: int) -> int:
    """How many lines of this font size fit the height of the box."""
    return int(BOX_HEIGHT / (size * LINE_HEIGHT))


def balance_lines(text: str, size: int, n: int) -> list[str]:
    """The text in `n` lines of about the same length."""
    found = wrap_text(text, size)
    for width in range(BOX_WIDTH, 0, -6):
        lines = wrap_text(text, size, width)
        if len(lines) > n:
            break
        found = lines
    return found


def wrap_text(text: str, size: int, width: int = BOX_WIDTH) -> list[str]:
    """The text in lines that are filled word by word, up to `width` units."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and estimate_text_width(longer) * size > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def break_word(word: str, size: int) -> list[str]:
    """The word cut into pieces that fit one line."""
    pieces = [""]
    for letter in word:
        if estimate_text_width(pieces[-1] + letter) * size > BOX_WIDTH:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def estimate_text_width(text: str) -> float:
    """The estimated width of bold sans-serif text in ems, rather too wide than too narrow."""
    return sum(estimate_letter_width(letter) for letter in text)


def estimate_letter_width(letter: str) -> float:
    """The estimated width of one letter in ems."""
    if letter in "iIjl.,:;'!|()[] \u00a0":
        return 0.36
    if letter in "mwMW@%—…" or unicodedata.east_asian_width(letter) in "WF":
        return 1.02
    return 0.78 if letter.isupper() or letter in "&?" else 0.66
