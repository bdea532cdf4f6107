"""The site as an ASGI application: `uvicorn serving.app:from_environment --factory`."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from movierec import images
from movierec.published import BundleError, Live
from serving import api, movies_api, pages, picture_pages, search
from serving.deps import Site, site_of
from serving.languages import N_, Sentence
from serving.pictures import Pictures
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
ALLOWED = {"Allow": "GET, HEAD"}  # everywhere: the site only shows


def from_environment() -> FastAPI:
    """MOVIEREC_HOME (default `data`) and MOVIEREC_SAMPLE (default `full`) say what is served, two more which images."""
    home = Path(os.environ.get("MOVIEREC_HOME") or "data")
    return create_app(
        home,
        os.environ.get("MOVIEREC_SAMPLE") or "full",
        image_host=os.environ.get("MOVIEREC_TMDB_IMAGES") or images.HOST,
        cache_mb=int(os.environ.get("MOVIEREC_POSTER_CACHE_MB") or images.CACHE_MB),
    )


def create_app(
    home: Path, sample: str, *, htmx: Path = HTMX, image_host: str = images.HOST, cache_mb: int = images.CACHE_MB
) -> FastAPI:
    """Starts without a bundle too, and serves the first one as soon as it is published."""
    if not htmx.is_file():
        raise RuntimeError(f"{htmx} is missing: run `make setup`")
    live = Live(home / "published" / sample)
    pictures = Pictures.of(home, sample, host=image_host, cache_mb=cache_mb)
    app = FastAPI(title="movierec", docs_url=None, redoc_url=None, lifespan=opening(live, pictures))
    app.state.site = site = Site.of(live, pictures)
    app.state.movie_sets = search.no_sets
    app.include_router(pages.router)
    app.include_router(picture_pages.router)
    app.include_router(search.router)
    app.include_router(movies_api.router)
    app.include_router(api.router)
    app.mount("/static", site.statics, name="static")
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(BundleError, on_no_bundle)
    app.add_exception_handler(Exception, on_crash)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(SafeHeaders)
    app.add_middleware(HeadAsGet)
    return app


def opening(live: Live, pictures: Pictures) -> Any:
    """Opens the bundle before the first request has to wait for it; stops fetching images at the end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            bundle = await to_thread.run_sync(live)
            log.info("serving bundle %s from %s", bundle.version, live.home)
        except BundleError as error:
            log.warning("%s", error)
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
    headers = ALLOWED if error.status_code == 405 else error.headers
    return failed(request, error.status_code, error.detail, headers)


def on_invalid(_request: Request, error: Exception) -> Response:
    """Says what is wrong where; does not repeat what was sent, however long it was."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    detail = [{key: fault[key] for key in ("loc", "msg", "type")} for fault in error.errors()]
    return JSONResponse({"detail": detail}, 422)


def on_no_bundle(request: Request, error: Exception) -> Response:
    return failed(request, 503, str(error))


def on_crash(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the visitor gets a page."""
    log.error("%s %s: %r", request.method, request.url.path, error)
    response = failed(request, 500, N_("It is our fault, and it has been logged."))
    response.headers.update(HEADERS)  # made outside of the middleware that adds them elsewhere
    return response


def failed(request: Request, status: int, detail: str | Sentence, headers: Any = None) -> Response:
    """The error as JSON for the API, as a page for people."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": str(detail)}, status, headers)
    response = site_of(request).html(request, "error.html", bundle=None, status=status, code=status, detail=detail)
    response.headers.update(headers or {})
    return response
