"""A site with the checkerboard bundle, called without a server or a socket."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI
from jinja2 import Environment
from sqlalchemy import text

from movierec.settings import Settings
from serving.app import create_app
from serving.community.database import Database, build_database_url
from tests.factories import make_ratings, publish_small_bundle, publish_small_home

if TYPE_CHECKING:
    from serving.community.community import Community
    from tests.serving.visits import BrowserTab


class Browser:
    """Sends requests to an application as a browser does; an exception in it becomes a 500, as under a server."""

    def __init__(self, app: FastAPI, scheme: str = "http") -> None:
        self.app, self.scheme = app, scheme

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send_request("GET", path, **headers)

    def send_request(self, method: str, path: str, *, body: bytes = b"", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
        return asyncio.run(self._send(method, path, named, body))

    def get_fragment(self, path: str) -> httpx.Response:
        return self.get(path, HX_Request="true")

    async def _send(self, method: str, path: str, headers: dict[str, bytes], body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"{self.scheme}://site") as client:
            return await client.request(method, path, headers=headers, content=body)


def open_browser(home: Path) -> Browser:
    return Browser(create_app(Settings(home=home)))


def wait_until_true(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether the condition becomes true in time: bundles are opened in the background."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.fixture(autouse=True, scope="package")
def _compiled_templates() -> Iterator[None]:
    """Each template is compiled once for each language, not again for every site that a test builds."""
    compiled: dict[tuple[str, ...], CodeType] = {}
    compile_template = Environment.compile

    def compile_once(environment: Environment, source: str, name: str, filename: str) -> CodeType:
        key = (environment.globals["language"], source, name, filename)
        if key not in compiled:
            compiled[key] = compile_template(environment, source, name, filename)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compile_once)
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty one of each kind."""
    if request.param == "sqlite":
        yield Database(build_database_url(Settings(home=tmp_path)), wait_seconds=0.2)
        return
    found = Database(build_database_url(Settings(database_url=request.getfixturevalue("postgres_url"))))
    with found.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    yield found
    found.engine.dispose()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: tests that publish copy it."""
    return publish_small_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def many_movies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with 160 movies. Each user has rated some of their colour, in an order of their own, four of them few."""
    rows = [
        (user, movie, 4.5)
        for user in range(1, 41)
        for movie in sorted(range(1, 161), key=lambda movie: movie * (2 * user + 1) % 163)
        if user % 2 == movie % 2 and (user + movie // 2) % 4 and (user > 4 or movie <= 50)
    ]
    home = tmp_path_factory.mktemp("many")
    publish_small_bundle(home, n_movies=160, ratings=make_ratings(*rows))
    return home


@pytest.fixture(scope="session")
def browser(home: Path) -> Browser:
    return open_browser(home)


# tests/serving/visits.py stands on this file, and so it is read when a fixture is asked for.
@pytest.fixture
def people(home: Path, database: Database) -> "Community":
    from tests.serving.visits import make_community

    return make_community(home, database)


@pytest.fixture
def visitor(home: Path, people: "Community") -> "BrowserTab":
    from tests.serving.visits import open_tab

    return open_tab(home, people)


@pytest.fixture
def alone(home: Path, tmp_path: Path) -> "BrowserTab":
    """A visitor where one database is enough."""
    from tests.serving.visits import make_community, open_tab

    return open_tab(home, make_community(tmp_path))
