"""The languages of the pages: which one a visitor reads, its texts, its numbers and dates.

Texts are English in the templates; `locale/<language>.po` holds the others and is read as it is.
"""

import io
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

LANGUAGES = {"en": "English", "ru": "Русский"}  # each by its own name, as the switch shows them
ENGLISH = "en"
LOCALE = Path(__file__).parents[1] / "locale"
COOKIE, PARAMETER = "lang", "lang"
A_YEAR = 365 * 24 * 3600  # seconds
GENRE = "genre"  # the context of the names of genres


class Sentence(NamedTuple):
    """A text with values that Python hands to a template: `Sentence(N_("page %(n)s"), {"n": 3})`."""

    text: str
    values: Mapping[str, object] = {}

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


def N_(text: str) -> str:  # noqa: N802  the usual name
    """Marks a text for `make messages`; the template translates it with `|translated`."""
    return text


class Language:
    """One language: what its templates call for texts, numbers and dates."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.translations = translations(code)
        self._plain: dict[str, Markup] = {}  # a page has two hundred texts

    def text(self, english: str, **values: object) -> Markup:
        """A text of a template; the values in it are escaped."""
        if values:
            return Markup(self.translations.gettext(english)) % values  # noqa: S704  our own texts
        if english not in self._plain:
            self._plain[english] = Markup(self.translations.gettext(english)) % {}  # noqa: S704
        return self._plain[english]

    def translated(self, text: str | Sentence) -> str:
        """For texts made in Python; an unknown one stays as it is. Not marked as safe: templates escape it."""
        said = text if isinstance(text, Sentence) else Sentence(text)
        return str(said._replace(text=self.translations.gettext(said.text)))

    def genre(self, name: str) -> str:
        return str(self.translations.pgettext(GENRE, name))

    def number(self, value: float, digits: int = 0) -> str:
        """With `digits` places after the point."""
        return formatted(value, digits, self.code)

    def moment(self, value: date) -> str:
        return str(format_datetime(value, "d MMMM y, HH:mm z", locale=self.code))

    def stars(self, value: float) -> str:
        """3.5, and 4 without a place after the point."""
        return str(format_decimal(value, "0.#", locale=self.code))

    def day(self, value: date) -> str:
        return str(format_date(value, "d MMMM y", locale=self.code))

    @property
    def filters(self) -> dict[str, Any]:
        return {
            each.__name__: each
            for each in (self.translated, self.genre, self.number, self.stars, self.day, self.moment)
        }


@lru_cache(10_000)  # a page has a hundred numbers, and most have stood on another page before
def formatted(value: float, digits: int, code: str) -> str:
    return str(format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), locale=code))


def translations(code: str) -> NullTranslations:
    """From `locale/<code>.po`; without one the English texts."""
    source = LOCALE / f"{code}.po"
    if not source.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(compiled)


def chosen(request: Request) -> str | None:
    """The language that `?lang=` asks for, None where it names none of ours."""
    asked = request.query_params.get(PARAMETER)
    return asked if asked in LANGUAGES else None


def language_of(request: Request) -> str:
    """Asked for in the address, else chosen before (cookie), else what the browser prefers, else English."""
    kept = request.cookies.get(COOKIE)
    return chosen(request) or (kept if kept in LANGUAGES else None) or preferred(request.headers.get("accept-language"))


def preferred(accept: str | None) -> str:
    """The first of our languages by the weights of an Accept-Language header; regions are not told apart."""
    weights = sorted((_weighed(part) for part in (accept or "").split(",")), key=lambda found: -found[1])
    return next((code for code, weight in weights if weight > 0 and code in LANGUAGES), ENGLISH)


def _weighed(part: str) -> tuple[str, float]:
    """`ru-RU;q=0.8` is ("ru", 0.8); what cannot be read weighs nothing."""
    tag, _, parameters = part.strip().partition(";")
    name, _, value = parameters.strip().partition("=")
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return tag.split("-")[0].lower(), weight


def remember_choice(request: Request, response: Response) -> None:
    """Keeps for a year what `?lang=` asked for."""
    if language := chosen(request):
        response.set_cookie(COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax")
