"""Nothing on a page moves while it loads and is scrolled to its end (cumulative layout shift)."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import WINDOW_SIZES, Visit
from tests.browser.pages import send_form

PAGES = ["/", "/search?q=movie", "/movies", "/movies/1", "/movies/1/reviews", "/me", "/me?show=watchlist"]
PAGES += ["/me?show=statistics", "/me/account", "/welcome"]
WATCH = """() => {
  window.shifts = [];
  new PerformanceObserver(found => { for (const e of found.getEntries()) if (!e.hadRecentInput) window.shifts.push(
    [e.value, ...e.sources.map(s => s.node?.className || s.node?.nodeName)]);
  }).observe({type: "layout-shift", buffered: true});
}"""
AT_THE_END = """() => !document.querySelector(".sentinel, .htmx-request")
  && scrollY + innerHeight >= document.documentElement.scrollHeight - 1
  && [...document.querySelectorAll(".grid img")].every(image => image.complete)"""


def to_the_end(page: Page) -> None:
    """Turns the wheel until nothing more comes."""
    for _ in range(60):
        if page.evaluate(AT_THE_END):
            break
        page.mouse.wheel(0, 700)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.wait_for_function(AT_THE_END)


def shift(page: Page) -> float:
    """The sum, when the last frame has been counted."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return sum(each[0] for each in page.evaluate("window.shifts"))


@pytest.mark.parametrize("width", WINDOW_SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_no_page_jumps_while_it_loads_and_is_scrolled_to_its_end(visit: Visit, path: str, width: int) -> None:
    page = visit("/movies/1", width=width)
    send_form(page, "/movies/1/rating", rating=4)
    send_form(page, "/movies/1/review", text="Yes.")
    send_form(page, "/movies/2/saved", on=1)
    page.goto(path)
    page.evaluate(WATCH)
    to_the_end(page)
    assert shift(page) < 0.02


@pytest.mark.parametrize("width", WINDOW_SIZES)
@pytest.mark.parametrize("path", ["/", "/movies"])
def test_movies_that_come_late_push_nothing_that_is_seen(visit: Visit, path: str, width: int) -> None:
    page = visit("/welcome", width=width)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/movies\?page="), hold)
    page.goto(path)
    page.evaluate(WATCH)
    for n_movies in (40, 52):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        while not held:
            page.wait_for_timeout(20)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        held.pop().continue_()
        expect(page.locator(".grid > li:not(.more)")).to_have_count(n_movies)
    assert shift(page) < 0.02
