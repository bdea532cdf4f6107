"""The site as one object, its rendering of pages, and the FastAPI dependencies that give it to routes."""

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

from movierec.bundles.bundle import Bundle, LiveBundle
from movierec.bundles.companion import LiveCompanion
from serving.community.community import Community
from serving.i18n.languages import LANGUAGE_PARAMETER, LANGUAGES, Language, choose_language, remember_language
from serving.i18n.problem_texts import PROBLEM_TEXTS
from serving.images.image_store import ImageStore
from serving.runs.operators import Operators
from serving.services.bundle_info import BundleInfo
from serving.services.recommendations import UserSummary, choose_preset_users
from serving.web.background_check import BackgroundCheck
from serving.web.forms import wants_fragment
from serving.web.local_urls import find_page_url
from serving.web.metrics_access import MetricsAccess
from serving.web.static_files import VersionedStaticFiles

TEMPLATES_FOLDER = Path(__file__).parents[2] / "templates"

T = TypeVar("T")


class PerBundleCache(Generic[T]):
    """Caches the result of `compute` for the newest bundle. Threads wait for each other, so it runs once a bundle."""

    def __init__(self, make: Callable[[Bundle], T]) -> None:
        self.compute = make
        self._kept: tuple[Bundle, T] | None = None
        self._lock = threading.Lock()

    def __call__(self, bundle: Bundle) -> T:
        with self._lock:
            if self._kept is None or self._kept[0] is not bundle:
                self._kept = bundle, self.compute(bundle)
            return self._kept[1]


@dataclass(frozen=True)
class Site:
    """Everything that lives as long as the server."""

    live_bundle: LiveBundle
    live_companion: LiveCompanion
    image_store: ImageStore
    static_files: VersionedStaticFiles
    languages: dict[str, Language]  # by code, as the templates
    templates: dict[str, Environment]
    preset_users: PerBundleCache[list[UserSummary]]
    bundle_info: PerBundleCache[BundleInfo]
    community: Community
    operators: Operators
    database_check: BackgroundCheck
    metrics_access: MetricsAccess
    home: Path  # MOVIEREC_HOME

    @classmethod
    def create(
        cls,
        live_bundle: LiveBundle,
        live_companion: LiveCompanion,
        community: Community,
        image_store: ImageStore,
        operators: Operators,
        *,
        metrics_access: MetricsAccess,
        home: Path,
    ) -> "Site":
        """Builds the site with one Jinja environment for each language."""
        statics = VersionedStaticFiles()
        languages = {code: Language(code) for code in LANGUAGES}
        templates = {code: build_jinja_environment(statics, language) for code, language in languages.items()}
        return cls(
            live_bundle,
            live_companion,
            image_store,
            statics,
            languages,
            templates,
            PerBundleCache(choose_preset_users),
            PerBundleCache(BundleInfo.from_bundle),
            community,
            operators,
            BackgroundCheck(community.database.find_fault, when_late="the site's database does not answer"),
            metrics_access,
            home,
        )

    def hide_home(self, text: str) -> str:
        """The text for everybody: paths under MOVIEREC_HOME begin with `<home>`."""
        for home in {str(self.home), str(self.home.resolve())}:
            text = text.replace(home, "<home>")
        return text

    def render_page(
        self,
        request: Request,
        page: str,
        *,
        bundle: Bundle | None,
        fragment: str | None = None,
        status: int = 200,
        **context: Any,
    ) -> Response:
        """Renders `page`, or `fragment` if htmx asks for one, in the visitor's language.

        Answers 304 if the browser has the same page already.
        """
        if fragment is not None and wants_fragment(request):
            return self.render_fragment(request, fragment, status=status, **context)
        shared = {
            "about": self.bundle_info(bundle) if bundle else None,
            "visitor": self.community.get_visitor(request),
            "switches": list_language_links(request),
            "from_tmdb": len(self.image_store.descriptions()) > 0,
            "has_tmdb_logo": self.image_store.logo.is_file(),
        }
        headers = {"Cache-Control": "private, no-cache"}
        answers_two_ways = ", HX-Request" if fragment is not None else ""
        return self._render_template(request, page, context | shared, status, headers, vary=answers_two_ways)

    def render_fragment(self, request: Request, name: str, *, status: int = 200, **context: Any) -> Response:
        """Renders a partial alone. Only `context` is available in it, not what every page gets."""
        headers = {"Cache-Control": "no-store", "X-Fragment": "true"}
        return self._render_template(request, name, context, status, headers, vary=", HX-Request")

    def _render_template(
        self, request: Request, name: str, context: dict[str, Any], status: int, headers: dict[str, str], *, vary: str
    ) -> Response:
        body = self.templates[choose_language(request)].get_template(name).render(context).encode()
        etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers |= {"ETag": etag, "Vary": f"Accept-Language, Cookie{vary}"}
        known = status == 200 and etag in request.headers.get("if-none-match", "")
        response = Response(b"" if known else body, 304 if known else status, headers, "text/html; charset=utf-8")
        remember_language(request, response)
        return self.community.set_new_session_cookie(request, response)


def build_jinja_environment(statics: VersionedStaticFiles, language: Language) -> Environment:
    """A Jinja environment with the texts and filters of the language. Undefined variables raise."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    found.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    found.policies["ext.i18n.trimmed"] = True
    found.filters |= language.filters
    found.globals |= {
        "static": statics.build_url,
        "language": language.code,
        "_": language.text,
        "problem_texts": PROBLEM_TEXTS,
    }
    return found


def get_site(request: Request) -> Site:
    """The site that create_app stored in the app's state."""
    site: Site = request.app.state.site
    return site


def list_language_links(request: Request) -> list[tuple[str, str, str]]:
    """(code, name, URL of this page) for each language. The answer to a form links to the form's page."""
    page, pairs = ("", request.query_params.multi_items()) if request.method == "GET" else (find_page_url(request), [])
    kept = [(name, value) for name, value in pairs if name != LANGUAGE_PARAMETER]
    return [
        (code, name, f"{page}?{urlencode([*kept, (LANGUAGE_PARAMETER, code)])}") for code, name in LANGUAGES.items()
    ]
