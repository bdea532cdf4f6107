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
    known = [each.strip() for line in Headers(scope=scope).getlist("if-none-match") for each in line.split(",")]
    if etag.removeprefix("W/") in [each.removeprefix("W/") for each in known] or known == ["*"]:
        del headers["content-length"]
        headers.add_vary_header("Accept-Encoding")  # which the middleware that compresses says only of a body
        await send({**start, "status": 304, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({**start, "headers": headers.raw})
        await send(body)
