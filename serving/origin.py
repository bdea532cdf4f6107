"""Requests that change something must come from our own pages, whatever cookies they bring."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class SameOrigin:
    """Answers what comes from elsewhere with `refuse`."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Request], Response]) -> None:
        self.app, self.refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or is_ours(Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            response = await run_in_threadpool(self.refuse, Request(scope))
            await response(scope, receive, send)


def is_ours(headers: Headers) -> bool:
    """Browsers say where a request comes from; who says nothing is a program, and brings nobody's cookies."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or is_host(origin, headers.get("host", ""))


def is_host(origin: str, host: str) -> bool:
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
