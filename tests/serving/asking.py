"""Sends requests with bodies and headers to the JSON API."""

import asyncio
from typing import Any

import httpx

from tests.serving.conftest import Browser


def post_json(browser: Browser, path: str, content: Any = None, **headers: str) -> httpx.Response:
    """POSTs `content` as JSON; bytes are sent as they are, None sends no body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"content": content} if isinstance(content, bytes) else {} if content is None else {"json": content}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(browser.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.post(path, headers=named, **body)

    return asyncio.run(ask())
