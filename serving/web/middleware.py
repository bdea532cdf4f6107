"""Middleware that refuses forms sent by other sites and bodies that are too long."""

import hashlib
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.i18n.languages import N_

MAX_BODY_BYTES = 1_000_000  # bytes; forms are held to less
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class BodySizeLimit:
    """Answers 413 to a body of more than MAX_BODY_BYTES. FastAPI's own `max_body_size` would answer in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        announced, received = int(length) if length.isdecimal() else 0, 0

        async def receive_within_bounds() -> Message:
            nonlocal received
            if announced <= MAX_BODY_BYTES:
                message = await receive()
                received += len(message.get("body", b""))
            if max(announced, received) > MAX_BODY_BYTES:
                raise HTTPException(413, N_("This request is too large."))
            return message

        await self.app(scope, receive_within_bounds, send)


class SameOrigin:
    """Answers changing requests from another site with `refuse`, whatever cookies they bring."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Request], Response]) -> None:
        self.app, self.refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or is_same_origin(Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            response = await run_in_threadpool(self.refuse, Request(scope))
            await response(scope, receive, send)


def is_same_origin(headers: Headers) -> bool:
    """Whether the request comes from a page of this site, or from a program.

    Browsers send Sec-Fetch-Site or Origin. Programs send neither, and they carry no visitor's cookies.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or is_from_host(origin, headers.get("host", ""))


def is_from_host(origin: str, host: str) -> bool:
    """Whether the Origin header names this host."""
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


class JsonEtags:
    """Middleware: gives each JSON answer to GET with status 200 a weak ETag, and handles If-None-Match.

    Answers that have an ETag already and streamed answers are left unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def send_with_etag(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _can_have_etag(message):
                start = message
            elif start is None:
                await send(message)
            elif message.get("more_body"):  # a stream: its end is not known yet
                await send(start)
                await send(message)
                start = None
            else:
                await _send_or_not_modified(scope, start, message, send)

        await self.app(scope, receive, send_with_etag)


def _can_have_etag(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return start["status"] == 200 and headers.get("content-type") == "application/json" and "etag" not in headers


async def _send_or_not_modified(scope: Scope, start: Message, body: Message, send: Send) -> None:
    etag = f'W/"{hashlib.blake2b(body.get("body", b""), digest_size=12).hexdigest()}"'
    headers = MutableHeaders(raw=start["headers"])
    headers["etag"] = etag
    known = [each.strip() for line in Headers(scope=scope).getlist("if-none-match") for each in line.split(",")]
    if etag.removeprefix("W/") in [each.removeprefix("W/") for each in known] or known == ["*"]:
        del headers["content-length"]
        headers.add_vary_header("Accept-Encoding")  # which the middleware that compresses says only of a body
        await send({**start, "status": 304, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({**start, "headers": headers.raw})
        await send(body)


SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class SecurityHeaders:
    """Middleware: adds SECURITY_HEADERS to each answer, except those that the answer sets itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HeadAsGet:
    """Middleware: answers HEAD with the headers of GET, so that routes and the OpenAPI schema need no HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, send_without_body)
        else:
            await self.app(scope, receive, send)
