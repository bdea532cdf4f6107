"""Requests that are not let in: those that another site sends in a visitor's name, and those of any length."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.languages import N_

MAX_BODY = 1_000_000  # bytes; forms are held to less
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class BoundedBodies:
    """413 to who reads a body of more than MAX_BODY bytes. FastAPI's `max_body_size` would answer in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        announced, received = int(length) if length.isdecimal() else 0, 0

        async def receive_within_bounds() -> Message:
            nonlocal received
            if announced <= MAX_BODY:
                message = await receive()
                received += len(message.get("body", b""))
            if max(announced, received) > MAX_BODY:
                raise HTTPException(413, N_("This request is too large."))
            return message

        await self.app(scope, receive_within_bounds, send)


class SameOrigin:
    """Answers requests that change something and come from elsewhere with `refuse`, whatever cookies they bring."""

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
