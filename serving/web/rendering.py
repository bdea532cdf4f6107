"""What a request is given: the site, and the bundle it uses to its end."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles import versioned_folders
from movierec.bundles.bundle import Bundle, Live
from serving.community.community import Community
from serving.i18n.languages import LANGUAGES, PARAMETER, Language, language_of, remember_choice
from serving.images.image_store import Pictures
from serving.services.bundle_info import About
from serving.services.recommendations import User, preset_users
from serving.web.forms import wants_fragment
from serving.web.local_urls import shown_at
from serving.web.static_files import Statics

TEMPLATES = Path(__file__).parents[2] / "templates"

T = TypeVar("T")
V = TypeVar("V", bound=versioned_folders.Versioned)


class PerBundle(Generic[T]):
    """Asks `make` once per bundle and keeps the answer for the newest one."""

    def __init__(self, make: Callable[[Bundle], T]) -> None:
        self.make = make
        self._kept: tuple[Bundle, T] | None = None
        self._lock = threading.Lock()

    def __call__(self, bundle: Bundle) -> T:
        with self._lock:
            if self._kept is None or self._kept[0] is not bundle:
                self._kept = bundle, self.make(bundle)
            return self._kept[1]


@dataclass(frozen=True)
class Site:
    """What lives as long as the server does."""

    live: Live
    pictures: Pictures
    statics: Statics
    languages: dict[str, Language]  # by code, as the templates
    templates: dict[str, Environment]
    presets: PerBundle[list[User]]
    about: PerBundle[About]
    people: Community

    @classmethod
    def of(cls, live: Live, people: Community, pictures: Pictures) -> "Site":
        statics = Statics()
        languages = {code: Language(code) for code in LANGUAGES}
        templates = {code: environment(statics, language) for code, language in languages.items()}
        return cls(live, pictures, statics, languages, templates, PerBundle(preset_users), PerBundle(About.of), people)

    def html(
        self,
        request: Request,
        page: str,
        *,
        bundle: Bundle | None,
        fragment: str | None = None,
        status: int = 200,
        **context: Any,
    ) -> Response:
        """`page`, or `fragment` where htmx asks for it, in the visitor's language; 304 where the browser has it."""
        if fragment is not None and wants_fragment(request):
            return self.fragment(request, fragment, status=status, **context)
        shared = {
            "about": self.about(bundle) if bundle else None,
            "visitor": self.people.visitor(request),
            "switches": switches(request),
            "from_tmdb": len(self.pictures.descriptions()) > 0,
            "has_tmdb_logo": self.pictures.logo.is_file(),
        }
        headers = {"Cache-Control": "private, no-cache"}
        answers_two_ways = ", HX-Request" if fragment is not None else ""
        return self._drawn(request, page, context | shared, status, headers, vary=answers_two_ways)

    def fragment(self, request: Request, name: str, *, status: int = 200, **context: Any) -> Response:
        """A partial alone: nobody is looked up for it but by who gives the context."""
        headers = {"Cache-Control": "no-store", "X-Fragment": "true"}
        return self._drawn(request, name, context, status, headers, vary=", HX-Request")

    def _drawn(
        self, request: Request, name: str, context: dict[str, Any], status: int, headers: dict[str, str], *, vary: str
    ) -> Response:
        body = self.templates[language_of(request)].get_template(name).render(context).encode()
        etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers |= {"ETag": etag, "Vary": f"Accept-Language, Cookie{vary}"}
        known = status == 200 and etag in request.headers.get("if-none-match", "")
        response = Response(b"" if known else body, 304 if known else status, headers, "text/html; charset=utf-8")
        remember_choice(request, response)
        return self.people.remember(request, response)


def environment(statics: Statics, language: Language) -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    found.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    found.policies["ext.i18n.trimmed"] = True
    found.filters |= language.filters
    found.globals |= {"static": statics.url, "language": language.code, "_": language.text}
    return found


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def switches(request: Request) -> list[tuple[str, str, str]]:
    """(code, name, address of this page in it) of every language; the answer to a form is shown at the form's page."""
    page, pairs = ("", request.query_params.multi_items()) if request.method == "GET" else (shown_at(request), [])
    kept = [(name, value) for name, value in pairs if name != PARAMETER]
    return [(code, name, f"{page}?{urlencode([*kept, (PARAMETER, code)])}") for code, name in LANGUAGES.items()]
