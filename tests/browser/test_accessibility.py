"""axe-core finds nothing against WCAG 2.2 AA, on any page at any width."""

from collections.abc import Callable, Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from movierec.settings import Settings
from serving.app import create_app
from serving.pages.my_movies import LIST_NAMES
from tests.broken import Broken, serve_changed_bundle
from tests.browser.conftest import WINDOW_SIZES, Visit, serve
from tests.browser.pages import open_overlay, send_form
from tests.factories import publish_small_bundle

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, where."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)["violations"]
    return [f"{fault['id']}: {node['target']} {node['failureSummary']}" for fault in found for node in fault["nodes"]]


def with_opinions(page: Page, path: str) -> None:
    """As a guest who rated one movie, reviewed it and saved another."""
    send_form(page, "/movies/1/rating", rating=4)
    send_form(page, "/movies/1/review", text="Yes.")
    send_form(page, "/movies/2/saved", on=1)
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
    "overlay": ("/", lambda page: open_overlay(page, page.locator(".card").first)),
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


@pytest.fixture(scope="module", params=["crashed", "nothing published"])
def failing_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address of a site whose pages fail, and the status of its answers."""
    home = tmp_path_factory.mktemp("failing")
    if request.param == "crashed":
        publish_small_bundle(home)
    app = create_app(Settings(home=home))
    if request.param == "crashed":
        serve_changed_bundle(app, catalogue=Broken("a fault of ours"))
    with serve(app) as address:
        yield address, 500 if request.param == "crashed" else 503


@pytest.mark.parametrize("width", WINDOW_SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit: Visit, complaints: list[str], name: str, width: int) -> None:
    path, prepare = PAGES[name]
    page = visit(path, width=width)
    prepare(page)
    assert violations(page) == []
    if name in {"wrong id", "not found"}:
        complaints.clear()  # the browser notes the status of the page itself


@pytest.mark.parametrize("width", WINDOW_SIZES)
def test_axe_finds_nothing_on_pages_that_failed(
    visit: Visit, complaints: list[str], failing_site: tuple[str, int], width: int
) -> None:
    address, status = failing_site
    page = visit(f"{address}/movies/1", width=width)
    assert violations(page) == []
    assert str(status) in complaints.pop()  # the browser notes the status of the page itself


def test_axe_does_find_what_is_wrong(visit: Visit) -> None:
    page = visit("/")
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    assert any(fault.startswith("image-alt") for fault in violations(page))
