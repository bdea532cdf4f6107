"""Searching in a browser: results while typing, filters that stay, suggestions by keyboard; and without script."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WINDOW_SIZES, Visit
from tests.browser.test_accessibility import violations


def heading(page: Page, text: str) -> None:
    expect(page.locator("#results-head")).to_contain_text(text)


def suggested(page: Page) -> None:
    if not page.locator("#seek-q").is_visible():
        return  # a phone has the glass alone
    page.locator("#seek-q").press_sequentially("movie 1")
    expect(page.locator("#seek-list [role=option]").first).to_be_visible()


PAGES: dict[str, tuple[str, Callable[[Page], object]]] = {
    "search": ("/search", lambda page: None),
    "panel": (
        "/search?genre=Comedy&decade=1990",
        lambda page: page.evaluate("document.getElementById('panel').open = true"),
    ),
    "builder": ("/search?filter=or(genre:Comedy,and(year:1990..,tag:heist)),not(popularity:..3)", lambda page: None),
    "nothing": ("/search?q=movie+12&genre=Comedy", lambda page: None),
    "a long way out": ("/search?q=movie+12&ratings_min=10000", lambda page: None),
    "suggestions": ("/", suggested),
}


@pytest.mark.parametrize("width", WINDOW_SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_stands_out(visit: Visit, name: str, width: int) -> None:
    path, prepare = PAGES[name]
    page = visit(path, width=width)
    prepare(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_telephone_the_empty_field_shows_all_it_says(visit: Visit) -> None:
    field = visit("/search", width=360).locator("#search-q")
    field.evaluate("field => field.value = field.placeholder")
    assert field.evaluate("field => field.scrollWidth <= field.clientWidth")


def test_results_come_while_typing_and_the_field_keeps_the_focus(visit: Visit) -> None:
    page = visit("/search")
    page.locator("#search-q").press_sequentially("movie 12")
    heading(page, "for “movie 12”")
    expect(page).to_have_url(re.compile(r"/search\?q=movie\+12$"))
    expect(page.locator("#search-q")).to_be_focused()
    expect(page.locator(".grid .card-title").first).to_have_text("Movie 12")


def test_filters_change_the_results_and_back_restores_both(visit: Visit) -> None:
    page = visit("/search?q=movie")
    page.locator("[name=genre][value=Comedy]").check(force=True)
    heading(page, "25 movies")
    expect(page.locator("[name=genre][value=Comedy]")).to_be_focused()
    page.locator("[name=decade][value='1990']").check(force=True)
    expect(page).to_have_url(re.compile(r"\?q=movie&genre=Comedy&decade=1990$"))
    page.go_back()
    heading(page, "25 movies")
    expect(page.locator("[name=genre][value=Comedy]")).to_be_checked()
    expect(page.locator("[name=decade][value='1990']")).not_to_be_checked()
    page.locator(".active-chip").first.click()
    heading(page, "52 movies")


def test_after_a_filter_was_taken_away_the_focus_is_on_what_is_left(visit: Visit) -> None:
    page = visit("/search?genre=Comedy&decade=1990")
    for _ in range(2):
        page.locator(".active-chip").first.press("Enter")
        expect(page.locator("#results-head")).to_be_focused()
    heading(page, "52 movies")


def test_whoever_is_sent_the_address_of_a_search_sees_the_same_list(visit: Visit) -> None:
    page = visit("/search")
    page.locator("[name=genre][value=Comedy]").check(force=True)
    expect(page).to_have_url(re.compile("genre=Comedy"))
    page.locator("#sort").select_option("title")
    expect(page).to_have_url(re.compile("sort=title"))
    expect(page.locator(".htmx-settling, .htmx-added, .htmx-request")).to_have_count(0)
    titles = page.locator("#found .card-title").all_inner_texts()
    assert titles
    somebody_else = visit(page.url)
    assert somebody_else.locator("#found .card-title").all_inner_texts() == titles
    expect(somebody_else.locator("[name=genre][value=Comedy]")).to_be_checked()


def test_a_movie_opened_from_the_results_leads_back_to_them(visit: Visit) -> None:
    page = visit("/search?genre=Comedy&sort=title")
    page.locator(".grid .card").nth(3).click()
    expect(page.locator("#overlay")).to_be_visible()
    page.go_back()
    expect(page.locator("#overlay")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/search\?genre=Comedy&sort=title$"))


def test_the_drawer_of_a_phone_stays_open_until_the_movies_are_asked_for(visit: Visit) -> None:
    page = visit("/search", width=360)
    page.locator(".panel-summary").click()
    page.locator("[name=genre][value=Comedy]").check(force=True)
    heading(page, "25 movies")
    expect(page.locator("#panel")).to_have_attribute("open", "")
    page.get_by_role("button", name="Show 25 movies").click()
    expect(page.locator("#panel")).not_to_have_attribute("open", "")
    expect(page.locator("#results-head")).to_be_in_viewport()


def test_groups_are_built_with_the_mouse(visit: Visit) -> None:
    page = visit("/search")
    page.locator("#builder summary").click()
    page.locator("[id='group:b']").click()
    field = page.locator("[id='b.0.0.field']")
    expect(field).to_be_visible()
    field.select_option("year")
    page.locator("[id='b.0.0.low']").fill("2000")
    page.locator("[id='b.0.1.value']").select_option("Action")
    expect(page).to_have_url(re.compile(r"filter=and\(or\(year:2000\.\.,genre:Action\)\)$"))
    heading(page, "3")


@pytest.mark.parametrize("width", WINDOW_SIZES)
def test_without_script_everything_can_be_asked_for(visit: Visit, width: int) -> None:
    page = visit("/", width=width, java_script_enabled=False)
    page.locator(".seek-button").click()
    page.locator("#search-q").fill("movie")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=movie$"))
    if width < 900:
        page.locator(".panel-summary").click()
    page.locator("[name=genre][value=Comedy]").check(force=True)
    page.locator(".panel-foot .button").click()
    expect(page).to_have_url(re.compile(r"/search\?q=movie&genre=Comedy$"))
    page.locator("#builder summary").click()
    page.locator("[id='add:b']").click()
    page.locator("[id='b.0.field']").select_option("year")
    page.get_by_role("button", name="Apply").click()
    page.locator("[id='b.0.low']").fill("1995")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"filter=year:1995\.\.$"))
    page.get_by_role("link", name="Show more").or_(page.locator("#results-head")).first.click()


def test_a_suggestion_is_chosen_by_keyboard(visit: Visit) -> None:
    page = visit("/")
    suggested(page)
    field = page.locator("#seek-q")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#seek-list [aria-selected=true]")
    expect(field).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    href = chosen.get_attribute("href") or ""
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(href) + "$"))


def test_on_a_desktop_all_suggestions_are_in_sight(visit: Visit) -> None:
    page = visit("/")
    suggested(page)
    expect(page.locator("#seek-list [role=option]")).to_have_count(9)
    assert page.locator("#seek-list").evaluate("list => list.scrollHeight <= list.clientHeight")


def test_escape_closes_the_suggestions_and_enter_searches(visit: Visit) -> None:
    page = visit("/")
    suggested(page)
    page.keyboard.press("Escape")
    expect(page.locator("#seek-list")).to_be_hidden()
    expect(page.locator("#seek-q")).to_have_value("movie 1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=movie\+1$"))


def test_the_page_speaks_russian(visit: Visit) -> None:
    page = visit("/search?genre=Comedy&year_from=1990", locale="ru-RU")
    heading(page, "фильм")
    words = page.locator("#found").inner_text()
    assert "Комедия" in words
    assert set(re.findall(r"[A-Za-z]{2,}", words)) <= {"Movie", "time", "travel", "heist"}
