"""Impressions and clicks of the rows of the home page, without a script."""

import re
from html import unescape
from pathlib import Path

import pytest

from tests.serving.conftest import Browser, open_browser
from tests.serving.observability.test_metrics import measure_growth

HOME = "http://site/?user_id=3"
CLICKS, IMPRESSIONS = "movierec_clicks_total", "movierec_impressions_total"


def find_links(page: str, row: str) -> list[str]:
    """The addresses of the cards that carry the row."""
    links = [unescape(link) for link in re.findall(r'class="card" href="([^"]+)"', page)]
    return [link for link in links if f"from={row}" in link]


@pytest.fixture(scope="module")
def browser(many_movies: Path) -> Browser:
    """There are movies enough for the rows "Because", beside those of the rows above."""
    return open_browser(many_movies)


@pytest.mark.parametrize("row", ["trending", "personal", "because"])
def test_the_cards_of_a_row_are_its_impressions(browser: Browser, row: str) -> None:
    shown = len(find_links(browser.get("/?user_id=3").text, row))
    assert shown > 4
    assert measure_growth(browser, lambda: browser.get("/?user_id=3"), IMPRESSIONS, row=row) == shown


def test_the_personal_row_alone_is_no_impression_of_trending(browser: Browser) -> None:
    assert measure_growth(browser, lambda: browser.get_fragment("/?user_id=3"), IMPRESSIONS, row="trending") == 0
    assert measure_growth(browser, lambda: browser.get_fragment("/?user_id=3"), IMPRESSIONS, row="personal") > 4


@pytest.mark.parametrize("row", ["trending", "personal", "because"])
def test_opening_a_card_from_a_row_is_a_click(browser: Browser, row: str) -> None:
    link = find_links(browser.get("/?user_id=3").text, row)[0]
    assert measure_growth(browser, lambda: browser.get(link, Referer=HOME), CLICKS, row=row) == 1
    overlay = {"Referer": "http://site/", "HX_Request": "true"}
    assert measure_growth(browser, lambda: browser.get(link, **overlay), CLICKS, row=row) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Referer": "http://elsewhere.example/"},
        {"Referer": "http://site/movies/1?from=trending"},
        {"Referer": HOME, "Cache_Control": "max-age=0"},
        {"Referer": HOME, "Cache_Control": "no-cache"},
        {"Referer": HOME, "Sec_Purpose": "prefetch"},
    ],
    ids=["shared link", "other site", "change of language", "reload", "hard reload", "prefetch"],
)
def test_what_is_no_click_is_not_counted(browser: Browser, headers: dict[str, str]) -> None:
    link = "/movies/2?from=trending"
    assert measure_growth(browser, lambda: browser.get(link, **headers), CLICKS, row="trending") == 0


def test_a_row_that_does_not_exist_is_not_counted(browser: Browser) -> None:
    browser.get("/movies/2?from=made-up", Referer=HOME)
    assert "made-up" not in browser.get("/metrics").text


def test_cards_elsewhere_carry_no_row(browser: Browser) -> None:
    for path in ("/movies", "/movies/1", "/search?q=movie"):
        assert "from=" not in "".join(re.findall(r'class="card" href="([^"]+)"', browser.get(path).text))
