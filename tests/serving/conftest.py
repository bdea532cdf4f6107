"""A site over the checkerboard bundle, asked without a server or a socket."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from serving.app import create_app
from tests.factories import published_home


class Browser:
    """Asks an application the way a browser does; an error in it becomes a 500, as under a server."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self._ask(method, path, named))

    def fragment(self, path: str) -> httpx.Response:
        return self.get(path, HX_Request="true")

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.request(method, path, headers=headers)


def browser_of(home: Path) -> Browser:
    return Browser(create_app(home, "full"))


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it comes true in time: bundles are opened in the background."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: tests that publish copy it."""
    return published_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def browser(home: Path) -> Browser:
    return browser_of(home)
