"""The languages of the pages: choosing one for a visitor, its texts, number and date formats.

The texts in the templates are English; `locale/<language>.po` holds the translations and is read without a compile
step.
"""

import io
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
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
LOCALE_FOLDER = Path(__file__).parents[1] / "locale"
LANGUAGE_COOKIE, LANGUAGE_PARAMETER = "lang", "lang"
YEAR_SECONDS = 365 * 24 * 3600  # seconds
GENRE_CONTEXT = "genre"  # the context of the names of genres


class Sentence(NamedTuple):
    """A translatable text with values: `Sentence(N_("page %(n)s"), {"n": 3})`."""

    text: str
    values: Mapping[str, object] = {}

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


def N_(text: str) -> str:  # noqa: N802  the usual name
    """Marks a text for `make messages`; the template translates it with `|translated`."""
    return text


class Language:
    """The texts and the number and date formats of one language, as its templates use them."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.translations = load_translations(code)
        self._plain: dict[str, Markup] = {}  # a page has two hundred texts

    def text(self, english: str, **values: object) -> Markup:
        """The translation of a text in a template. `values` are escaped."""
        if values:
            return Markup(self.translations.gettext(english)) % values  # noqa: S704  our own texts
        if english not in self._plain:
            self._plain[english] = Markup(self.translations.gettext(english)) % {}  # noqa: S704
        return self._plain[english]

    def translated(self, text: str | Sentence) -> str:
        """The translation of a text made in Python; an unknown one stays English.

        Whole numbers among its values are written as `number` writes them. Not marked as safe: templates escape it.
        """
        said = text if isinstance(text, Sentence) else Sentence(text)
        values = {name: self.number(value) if isinstance(value, int) else value for name, value in said.values.items()}
        return str(Sentence(self.translations.gettext(said.text), values))

    def genre(self, name: str) -> str:
        """The name of a genre."""
        return str(self.translations.pgettext(GENRE_CONTEXT, name))

    def poster(self, url: str) -> str:
        """The URL of a poster whose genres are in this language. The URL has a query."""
        return url if self.code == ENGLISH else f"{url}&{LANGUAGE_PARAMETER}={self.code}"

    def number(self, value: float, digits: int = 0) -> str:
        """The number with `digits` digits after the decimal point."""
        return format_number(value, digits, self.code)

    def moment(self, value: date) -> str:
        """Date and time with the time zone."""
        return str(format_datetime(value, "d MMMM y, HH:mm z", locale=self.code))

    def stars(self, value: float) -> str:
        """A rating: 3.5, or 4 without decimals."""
        return str(format_decimal(value, "0.#", locale=self.code))

    def day(self, value: date) -> str:
        """The date."""
        return str(format_date(value, "d MMMM y", locale=self.code))

    @property
    def filters(self) -> dict[str, Any]:
        """The methods that templates use as filters, by name."""
        return {
            each.__name__: each
            for each in (self.translated, self.genre, self.poster, self.number, self.stars, self.day, self.moment)
        }


@lru_cache(10_000)  # a page has a hundred numbers, and most have stood on another page before
def format_number(value: float, digits: int, code: str) -> str:
    """The number in the format of the language `code`, with `digits` digits after the decimal point."""
    return str(format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), locale=code))


@cache
def load_translations(code: str) -> NullTranslations:
    """The translations in `locale/<code>.po`; none if there is no such file."""
    source = LOCALE_FOLDER / f"{code}.po"
    if not source.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(compiled)


def find_requested_language(request: Request) -> str | None:
    """The language of the parameter `lang`; None if there is none or it is unknown."""
    asked = request.query_params.get(LANGUAGE_PARAMETER)
    return asked if asked in LANGUAGES else None


def choose_language(request: Request) -> str:
    """The visitor's language: the parameter `lang`, else the cookie, else the browser's preference, else English."""
    kept = request.cookies.get(LANGUAGE_COOKIE)
    return (
        find_requested_language(request)
        or (kept if kept in LANGUAGES else None)
        or negotiate_language(request.headers.get("accept-language"))
    )


def negotiate_language(accept: str | None) -> str:
    """The first of our languages by the weights of an Accept-Language header, else English. Regions are ignored."""
    weights = sorted((_parse_weight(part) for part in (accept or "").split(",")), key=lambda found: -found[1])
    return next((code for code, weight in weights if weight > 0 and code in LANGUAGES), ENGLISH)


def _parse_weight(part: str) -> tuple[str, float]:
    """Language and weight of one part: ("ru", 0.8) for `ru-RU;q=0.8`; weight 0 if it cannot be read."""
    tag, _, parameters = part.strip().partition(";")
    name, _, value = parameters.strip().partition("=")
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return tag.split("-")[0].lower(), weight


def remember_language(request: Request, response: Response) -> None:
    """Stores the language of the parameter `lang` in a cookie for a year."""
    if language := find_requested_language(request):
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, httponly=True, samesite="lax")
