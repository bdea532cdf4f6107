"""What a request is given: the site, and the bundle it uses to its end."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from movierec.published import Bundle, Live
from serving.about import About
from serving.htmx import wants_fragment
from serving.lookups import User, preset_users
from serving.statics import Statics

TEMPLATES = Path(__file__).parents[1] / "templates"

T = TypeVar("T")


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
    statics: Statics
    templates: Environment
    presets: PerBundle[list[User]]
    about: PerBundle[About]

    @classmethod
    def of(cls, live: Live) -> "Site":
        statics = Statics()
        return cls(live, statics, environment(statics), PerBundle(preset_users), PerBundle(About.of))

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
        """`page`, or `fragment` where htmx asks for it; 304 where the browser has this very page."""
        as_fragment = fragment is not None and wants_fragment(request)
        template = self.templates.get_template(fragment if fragment and as_fragment else page)
        about = self.about(bundle) if bundle else None
        body = template.render(context, about=about).encode()
        etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"Cache-Control": "no-store" if as_fragment else "private, no-cache", "ETag": etag}
        if fragment is not None:
            headers["Vary"] = "HX-Request"
        if status == 200 and etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, status, headers, "text/html; charset=utf-8")


def environment(statics: Statics) -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    found.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    found.globals["static"] = statics.url
    return found


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def bundle_of(request: Request) -> Bundle:
    """Raises BundleError while nothing is published; the app answers 503 then."""
    return site_of(request).live()


TheSite = Annotated[Site, Depends(site_of)]
TheBundle = Annotated[Bundle, Depends(bundle_of)]
