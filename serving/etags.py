"""ETags for JSON: who has the answer already gets 304 and no body."""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class JsonEtags:
    """Gives every 200 of a JSON GET that has none a weak ETag of its body, and honours If-None-Match."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def send_with_etag(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _can_have_one(message):
                start = message
            elif start is None:
                await send(message)
            elif message.get("more_body"):  # a stream: its end is not known yet
                await send(start)
                await send(message)
                start = None
            else:
                await _answer(scope, start, message, send)

        await self.app(scope, receive, send_with_etag)


def _can_have_one(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return start["status"] == 200 and headers.get("content-type") == "application/json" and "etag" not in headers


async def _answer(scope: Scope, start: Message, body: Message, send: Send) -> None:
    etag = f'W/"{hashlib.blake2b(body.get("body", b""), digest_size=12).hexdigest()}"'
    headers = MutableHeaders(raw=start["headers"])
    headers["etag"] = etag
    known = Headers(scope=scope).get("if-none-match", "")
    if etag in [each.strip() for each in known.split(",")] or known.strip() == "*":
        del headers["content-length"]
        await send({**start, "status": 304, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({**start, "headers": headers.raw})
        await send(body)
