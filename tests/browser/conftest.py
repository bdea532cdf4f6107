"""A running site and a Chromium that visits it; any console error or warning fails the test."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from movierec.settings import Settings
from serving.app import create_app
from serving.community import rate_limits
from serving.pages import grid
from tests.factories import publish_small_bundle

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WINDOW_SIZES = {360: 740, 768: 1024, 1440: 900}
WINDOW_HEIGHTS = WINDOW_SIZES | {320: 640, 1920: 1080}

Visit = Callable[..., Page]


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Gives the address of a site that runs in a thread of its own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # from now on a visitor waits instead of being refused
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="site")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """52 movies on three pages."""
    home = tmp_path_factory.mktemp("site")
    publish_small_bundle(home, n_movies=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "PAGE_SIZE", 20)
        # All browsers of the tests come from one address.
        patch.setattr(rate_limits, "GUESTS", rate_limits.GUESTS._replace(times=10_000))
        with serve(create_app(Settings(home=home))) as address:
            yield address


# Of the package, not the session: the loop that Playwright leaves running is in the way of other tests.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """Console messages of the test; a test removes those it expects, any others fail it."""
    return []


@pytest.fixture
def visit(chromium: Browser, site: str, complaints: list[str]) -> Iterator[Visit]:
    """`visit("/movies", width=360, locale="ru-RU", java_script_enabled=False)` gives the open page."""
    contexts = []

    def opened(path: str = "/", *, width: int = 1440, reduced_motion: str = "reduce", **options: object) -> Page:
        size = {"width": width, "height": WINDOW_HEIGHTS[width]}
        context = chromium.new_context(base_url=site, viewport=size, reduced_motion=reduced_motion, **options)
        contexts.append(context)
        context.on("weberror", lambda found: complaints.append(str(found.error)))
        context.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page = context.new_page()
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test that fails is run up to twice more: a loaded machine may answer later than a person presses."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2))
