"""Updates `locale/*.po` from the templates and the code: `make messages`.

New texts are added untranslated, removed ones are deleted, and untranslated ones are listed.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from movierec.data.movielens import GENRES
from serving.i18n.languages import ENGLISH, GENRE_CONTEXT, LANGUAGES, LOCALE_FOLDER

REPOSITORY_ROOT = Path(__file__).parents[2]
EXTRACTION_METHODS = [("templates/**.html", "jinja2"), ("serving/**.py", "python")]
JINJA_OPTIONS = {
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "newstyle_gettext": "true",
    "trimmed": "true",
    "silent": "false",
}
EXTRACTION_KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def extract_messages() -> Catalog:
    """All translatable texts of templates and code, and the names of the genres."""
    catalogue = Catalog(project="movierec", charset="utf-8")
    options = {"templates/**.html": JINJA_OPTIONS}
    found = extract_from_dir(
        REPOSITORY_ROOT,
        EXTRACTION_METHODS,
        options,
        EXTRACTION_KEYWORDS,
        directory_filter=lambda path: ".venv" not in path,
    )
    for _file, _line, message, _comments, context in found:
        catalogue.add(message, context=context)
    for genre in GENRES:
        catalogue.add(genre, context=GENRE_CONTEXT)
    return catalogue


def read_catalog(code: str) -> Catalog:
    """The translations in `locale/<code>.po`."""
    source = LOCALE_FOLDER / f"{code}.po"
    with source.open("rb") as file:
        return read_po(file, locale=code)


def update_catalog(code: str) -> Catalog:
    """Rewrites `locale/<code>.po` with exactly the extracted texts. Existing translations stay."""
    catalogue = read_catalog(code)
    catalogue.update(extract_messages(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with (LOCALE_FOLDER / f"{code}.po").open("wb") as file:
        write_po(file, catalogue, width=110, no_location=True, omit_header=True, sort_output=True)
    return catalogue


def iter_faults(catalogue: Catalog) -> Iterator[str]:
    """A sentence for each text that is not translated, or whose translation has other placeholders."""
    for message in catalogue:
        if message.id and not all(list_plural_forms(message)):
            yield f"not translated: {message.id!r}"
        elif message.id and any(
            find_placeholders(form) != find_placeholders(_get_longest_text(message))
            for form in list_plural_forms(message)
        ):
            yield f"other placeholders: {message.id!r}"


def list_plural_forms(message: Message) -> list[str]:
    """The translation in all its plural forms; an empty text for a missing one."""
    return list(message.string) if isinstance(message.string, list | tuple) else [message.string or ""]


def find_placeholders(text: str) -> set[str]:
    """The placeholders of a text, such as `%(n)s`."""
    return set(re.findall(r"%\(\w+\)[sd]", text))


def _get_longest_text(message: Message) -> str:
    """The text itself; of singular and plural the plural, as the singular may leave out the number."""
    return message.id if isinstance(message.id, str) else message.id[-1]


if __name__ == "__main__":
    for language in LANGUAGES.keys() - {ENGLISH}:
        wrong = list(iter_faults(update_catalog(language)))
        sys.stdout.write("".join(f"{language}.po: {fault}\n" for fault in wrong) or f"{language}.po: complete\n")
