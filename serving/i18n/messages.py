"""Keeps `locale/*.po` in step with the templates: `make messages`.

New texts are added without a translation, vanished ones leave, and what is still to be translated is listed.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from movierec.data.movielens import GENRES
from serving.i18n.languages import ENGLISH, GENRE, LANGUAGES, LOCALE

ROOT = Path(__file__).parents[2]
METHODS = [("templates/**.html", "jinja2"), ("serving/**.py", "python")]
JINJA = {
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "newstyle_gettext": "true",
    "trimmed": "true",
    "silent": "false",
}
KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def extracted() -> Catalog:
    """Every text of the pages, and the names of the genres."""
    catalogue = Catalog(project="movierec", charset="utf-8")
    options = {"templates/**.html": JINJA}
    found = extract_from_dir(ROOT, METHODS, options, KEYWORDS, directory_filter=lambda path: ".venv" not in path)
    for _file, _line, message, _comments, context in found:
        catalogue.add(message, context=context)
    for genre in GENRES:
        catalogue.add(genre, context=GENRE)
    return catalogue


def read(code: str) -> Catalog:
    source = LOCALE / f"{code}.po"
    with source.open("rb") as file:
        return read_po(file, locale=code)


def update(code: str) -> Catalog:
    """Writes `locale/<code>.po` with exactly the extracted texts; translations that are there stay."""
    catalogue = read(code)
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with (LOCALE / f"{code}.po").open("wb") as file:
        write_po(file, catalogue, width=110, no_location=True, omit_header=True, sort_output=True)
    return catalogue


def faults(catalogue: Catalog) -> Iterator[str]:
    """What is not translated, and what has lost or gained a placeholder."""
    for message in catalogue:
        if message.id and not all(forms(message)):
            yield f"not translated: {message.id!r}"
        elif message.id and any(placeholders(form) != placeholders(_longest(message)) for form in forms(message)):
            yield f"other placeholders: {message.id!r}"


def forms(message: Message) -> list[str]:
    """The translation, in all its plural forms; empty ones where it lacks."""
    return list(message.string) if isinstance(message.string, list | tuple) else [message.string or ""]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text))


def _longest(message: Message) -> str:
    """The text; of two forms the plural one, the singular may go without its number."""
    return message.id if isinstance(message.id, str) else message.id[-1]


if __name__ == "__main__":
    for language in LANGUAGES.keys() - {ENGLISH}:
        wrong = list(faults(update(language)))
        sys.stdout.write("".join(f"{language}.po: {fault}\n" for fault in wrong) or f"{language}.po: complete\n")
