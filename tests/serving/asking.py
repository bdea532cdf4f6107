"""Requests to the JSON API: one of each kind, and how to send bodies and headers."""

import asyncio
from typing import Any

import httpx

from tests.serving.conftest import Browser

# A valid request to every address of the JSON API that a key with the scope to read opens.
READING = [
    "/api/movies",
    "/api/movies/popular",
    "/api/movies/personal?user_id=3",
    "/api/movies/1",
    "/api/movies/1/similar",
    "/api/users/3/profile",
    "/api/users/3/history",
    "/top",
    "/favorite-cluster?user_id=3",
    "/recommend?movie_id=1",
    "/recommend-by-tags?user_id=3",
]
READING_POSTS = [
    ("/recommend_content_based", {"movie_id": 1}),
    ("/recommend_session_based", {"user_id": 3}),
    ("/recommend_collaborative", {"user_id": 3}),
    ("/api/recommendations", {"user_ids": [3]}),
    ("/api/fold-in", {"ratings": []}),
]


def post_json(browser: Browser, path: str, content: Any = None, **headers: str) -> httpx.Response:
    """POSTs `content` as JSON; bytes are sent as they are, None sends no body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"content": content} if isinstance(content, bytes) else {} if content is None else {"json": content}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(browser.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.post(path, headers=named, **body)

    return asyncio.run(ask())
