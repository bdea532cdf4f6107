"""The site as an ASGI application: `uvicorn serving.app:from_environment --factory`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from movierec.companion import LiveCompanion
from movierec.published import BundleError, Live
from serving import (
    actions,
    api,
    api_clusters,
    api_recommend,
    api_runs,
    api_users,
    doors,
    health,
    me,
    movies_api,
    pages,
    picture_pages,
    search,
    welcome,
)
from serving.deps import Site, site_of
from serving.etags import JsonEtags
from serving.languages import N_, Sentence
from serving.operators import Operators
from serving.origin import BoundedBodies, SameOrigin
from serving.people.community import Community
from serving.pictures import Pictures
from serving.problems import describe, invalid, is_for_machines, problem, responses
from serving.process import ready
from serving.settings import SiteSettings
from serving.statics import STATIC

log = logging.getLogger(__name__)

HTMX = STATIC / "vendor" / "htmx.min.js"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
PAGES = (pages, picture_pages, search, actions, doors, me, welcome)
APIS = (movies_api, api, api_recommend, api_clusters, api_users, api_runs, health)
ABOUT_THE_API = (
    "Movies, recommendations and clusters as JSON. Errors are problem details (RFC 9457); docs/api.md says more."
)


def from_environment() -> FastAPI:
    """The variables of SiteSettings say what is served and where people's opinions are kept."""
    settings = SiteSettings.from_environment()
    pictures = Pictures.of(settings.home, settings.sample, host=settings.tmdb_images, cache_mb=settings.poster_cache_mb)
    return create_app(settings.home, settings.sample, people=Community.of(settings), pictures=pictures)


def create_app(
    home: Path,
    sample: str,
    *,
    htmx: Path = HTMX,
    people: Community | None = None,
    pictures: Pictures | None = None,
    operators: Operators | None = None,
) -> FastAPI:
    """Starts without a bundle too, and serves the first one as soon as it is published."""
    if not htmx.is_file():
        raise RuntimeError(f"{htmx} is missing: run `make setup`")
    people = people or Community.of(SiteSettings(home=home))
    live = Live(home / "published" / sample)
    companion = LiveCompanion(home / "companion" / sample)
    pictures = pictures or Pictures.of(home, sample)
    app = FastAPI(
        title="movierec",
        docs_url=None,
        redoc_url=None,
        lifespan=opening(live, companion, people, pictures),
        generate_unique_id_function=operation_id,
    )
    app.state.site = site = Site.of(live, people, pictures)
    app.state.companion = companion
    app.state.operators = operators or Operators.from_environment(sample)
    for page in PAGES:
        app.include_router(page.router)
    for each in APIS:
        app.include_router(each.router, responses=responses(422, 503))
    describe(app, description=ABOUT_THE_API)
    app.mount("/static", site.statics, name="static")
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(BundleError, on_no_bundle)
    app.add_exception_handler(Exception, on_crash)
    app.add_middleware(BoundedBodies)
    app.add_middleware(JsonEtags)
    app.add_middleware(SameOrigin, refuse=on_foreign)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(SafeHeaders)
    app.add_middleware(HeadAsGet)
    return app


def operation_id(route: APIRoute) -> str:
    """Generated clients name their functions by it: the name of the function that answers."""
    return route.name


def opening(live: Live, companion: LiveCompanion, people: Community, pictures: Pictures) -> Any:
    """Opens the bundle and the site's database before a request has to wait; stops fetching images at the end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with ready(live, companion):
            await to_thread.run_sync(people.open)
            yield
        pictures.close()

    return lifespan


class SafeHeaders:
    """Puts HEADERS on every answer that does not bring its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HeadAsGet:
    """Answers HEAD with the headers of GET; no route has to know of it, nor the OpenAPI schema."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, send_without_body)
        else:
            await self.app(scope, receive, send)


def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    headers = {"Allow": allowed(request)} if error.status_code == 405 else error.headers
    return failed(request, error.status_code, error.detail, headers)


def allowed(request: Request) -> str:
    """The methods of every route at this address."""
    found = {"GET"} if request.url.path.startswith("/static/") else set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.url.path):
            found |= route.methods
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))


def on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    if isinstance(error.body, bytes):  # FastAPI leaves alone what is not sent as JSON, and calls that no object
        return invalid([fault | {"msg": "Content-Type must be application/json"} for fault in error.errors()])
    return invalid(error.errors())


def on_no_bundle(request: Request, error: Exception) -> Response:
    return failed(request, 503, str(error))


def on_foreign(request: Request) -> Response:
    """A form of another site was sent here, in the name of a visitor who may know nothing of it."""
    return failed(request, 403, N_("This request came from another site, so nothing was changed."))


def on_crash(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the visitor gets a page."""
    log.error("%s %s: %r", request.method, request.url.path, error)
    response = failed(request, 500, N_("The error is on our side, and it has been logged."))
    response.headers.update(HEADERS)  # made outside of the middleware that adds them elsewhere
    return response


def failed(request: Request, status: int, detail: str | Sentence, headers: Any = None) -> Response:
    """The error as a problem for machines, as a page for people."""
    if is_for_machines(request):
        return problem(status, str(detail), headers=headers)
    response = site_of(request).html(request, "error.html", bundle=None, status=status, code=status, detail=detail)
    response.headers.update(headers or {})
    return response
