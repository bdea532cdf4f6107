"""axe-core finds nothing against WCAG 2.2 AA, on any page at any width."""

from collections.abc import Callable
from importlib.resources import files
from unittest.mock import Mock

import pytest
from playwright.sync_api import Page, expect

from movierec.bundles.bundle import BundleError
from serving.pages.my_movies import LIST_NAMES
from tests.browser.conftest import SIZES, Visit
from tests.browser.pages import opened, sent

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, where."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)["violations"]
    return [f"{fault['id']}: {node['target']} {node['failureSummary']}" for fault in found for node in fault["nodes"]]


def with_opinions(page: Page, path: str) -> None:
    """As a guest who rated one movie, reviewed it and saved another."""
    sent(page, "/movies/1/rating", rating=4)
    sent(page, "/movies/1/review", text="Yes.")
    sent(page, "/movies/2/saved", on=1)
    page.goto(path)


def rated(page: Page) -> None:
    page.locator("#stars-1-7 + label").click()
    expect(page.locator(".actions-says")).to_contain_text("Saved: 3.5 of 5 stars.")


def with_tables(page: Page) -> None:
    with_opinions(page, "/me?show=statistics")
    for summary in page.locator(".figure-table summary").all():
        summary.click()


PAGES: dict[str, tuple[str, Callable[[Page], object]]] = {
    "home": ("/", lambda page: None),
    "movies": ("/movies", lambda page: None),
    "movie": ("/movies/1", lambda page: None),
    "overlay": ("/", lambda page: opened(page, page.locator(".card").first)),
    "wrong id": ("/?user_id=abc", lambda page: None),
    "menu": ("/", lambda page: page.locator(".who-button").click()),
    "sign in": ("/sign-in", lambda page: None),
    "register": ("/register", lambda page: None),
    "five films": ("/welcome", lambda page: page.locator(".pick-poster").first.click()),
    "rated": ("/movies/1", rated),
    "somebody else's row": ("/?user_id=3", lambda page: None),
    "reviews": ("/movies/1/reviews", lambda page: None),
    "own account": ("/", lambda page: with_opinions(page, "/me/account")),
    **{f"own {show}": (f"/me?show={show}", lambda page: with_opinions(page, page.url)) for show in LIST_NAMES},
    "own statistics in tables": ("/", with_tables),
    "not found": ("/nowhere", lambda page: None),
}
BROKEN = {
    "crashed": ("serving.pages.movie.known_movie", RuntimeError("a fault of ours"), 500),
    "nothing published": ("movierec.bundles.bundle.Live.__call__", BundleError("nothing is published"), 503),
}


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit: Visit, complaints: list[str], name: str, width: int) -> None:
    path, prepare = PAGES[name]
    page = visit(path, width=width)
    prepare(page)
    assert violations(page) == []
    if name in {"wrong id", "not found"}:
        complaints.clear()  # the browser notes the status of the page itself


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("name", BROKEN)
def test_axe_finds_nothing_on_pages_that_failed(
    visit: Visit, complaints: list[str], monkeypatch: pytest.MonkeyPatch, name: str, width: int
) -> None:
    part, error, status = BROKEN[name]
    monkeypatch.setattr(part, Mock(side_effect=error))
    page = visit("/movies/1", width=width)
    assert violations(page) == []
    assert str(status) in complaints.pop()  # the browser notes the status of the page itself


def test_axe_does_find_what_is_wrong(visit: Visit) -> None:
    page = visit("/")
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    assert any(fault.startswith("image-alt") for fault in violations(page))
