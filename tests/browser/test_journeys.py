"""By keyboard alone, without JavaScript, in Russian, on the smallest screen."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.pages import open_overlay


def focused(page: Page) -> str:
    """The accessible text of what has the focus."""
    text: str = page.evaluate(
        "(e => e.getAttribute('aria-label') ?? (e.innerText || e.value || e.id))(document.activeElement)"
    )
    return " ".join(text.split())


def tab_to(page: Page, wanted: str, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if re.search(wanted, focused(page)):
            return
    raise AssertionError(f"{wanted} is not reached by {most} tabs")


def test_by_keyboard_a_movie_is_opened_and_closed_and_a_user_chosen(visit: Visit) -> None:
    page = visit("/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to(page, "^Movie")
    card = page.locator("#trending-strip .card").first
    expect(card).to_be_focused()
    page.keyboard.press("Enter")
    overlay = page.locator("#overlay")
    expect(overlay).to_be_visible()
    assert page.evaluate("document.activeElement.closest('#overlay') !== null")
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#overlay')")
    page.keyboard.press("Escape")
    expect(overlay).to_be_hidden()
    expect(card).to_be_focused()
    tab_to(page, "^User")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("user_id="))


def test_a_row_scrolls_by_its_buttons_and_by_keys(visit: Visit) -> None:
    page = visit("/", width=360)
    strip = page.locator("#trending-strip")
    onward, back = (page.get_by_role("button", name=f"Trending Now: {way}") for way in ("forward", "back"))
    expect(back).to_have_attribute("aria-disabled", "true")
    onward.click()
    expect(back).to_have_attribute("aria-disabled", "false")
    assert strip.evaluate("e => e.scrollLeft") > 200
    strip.focus()
    page.keyboard.press("End")
    expect(onward).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Home")
    expect(back).to_have_attribute("aria-disabled", "true")


def test_without_javascript_everything_is_links_and_forms(visit: Visit) -> None:
    page = visit("/", java_script_enabled=False)
    expect(page.get_by_role("button", name="Trending Now: forward")).to_be_hidden()
    page.get_by_role("link", name="Show more").click()
    expect(page.get_by_text("page 2 of 3")).to_be_visible()
    page.locator(".card").first.click()
    title = page.get_by_role("heading", level=1).inner_text()
    assert title.startswith("Movie")
    page.locator(".card").first.click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(title)
    page.go_back()
    page.go_back()
    expect(page.get_by_text("page 2 of 3")).to_be_visible()
    page.goto("/")
    page.get_by_label("Any user id").fill("3")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Chosen for user 3 based on 24 ratings")).to_be_visible()
    page.get_by_role("link", name="Русский").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Что посмотреть сегодня")


def test_a_russian_browser_gets_russian_and_can_change_to_english_for_good(visit: Visit) -> None:
    page = visit("/", locale="ru-RU")
    expect(page.get_by_role("heading", level=1)).to_have_text("Что посмотреть сегодня")
    overlay = open_overlay(page, page.locator("#trending-strip .card").first)
    expect(overlay.get_by_role("link", name="Открыть страницу")).to_be_visible()
    expect(overlay.get_by_text(re.compile(r"\d оцен"))).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What to watch tonight")
    page.goto("/movies")
    expect(page.get_by_role("heading", level=1)).to_have_text("All movies")


@pytest.mark.parametrize("width", [320, 360, 768, 1440, 1920])
@pytest.mark.parametrize("path", ["/", "/movies", "/movies/1", "/nowhere"])
def test_nothing_is_wider_than_the_window_and_margins_stay(
    visit: Visit, complaints: list[str], width: int, path: str
) -> None:
    page = visit(path, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    left, right = page.evaluate(
        "(b => [b.left, innerWidth - b.right])(document.querySelector('.grid, .message > h1').getBoundingClientRect())"
    )
    assert left >= 16
    assert right >= 16
    if path == "/nowhere":
        complaints.clear()  # the browser notes that the page itself was a 404


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_on_a_telephone_the_choice_of_a_user_keeps_the_margins(visit: Visit, locale: str) -> None:
    page = visit("/", width=360, locale=locale)
    button = page.locator(".user-form button").bounding_box()
    assert button
    assert button["x"] + button["width"] <= 344
    tops = page.locator(".users > .chip").evaluate_all("all => all.map((chip) => chip.getBoundingClientRect().top)")
    assert len(tops) == 4
    if locale == "en-US":  # two in a row, of one height
        assert tops[0] == tops[1]
        assert tops[2] == tops[3]


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_on_a_telephone_the_glass_stands_beside_the_links_and_the_header_stays_where_it_was(
    visit: Visit, locale: str, width: int
) -> None:
    page = visit("/", width=width, locale=locale)
    glass, links, brand = (page.locator(f".top {part}").bounding_box() for part in (".seek", "nav", ".brand"))
    assert glass
    assert links
    assert links["x"] - glass["x"] - glass["width"] < 16
    assert page.locator(".top-line").evaluate("line => line.clientHeight") == 64
    page.goto("/search")
    assert page.locator(".top .brand").bounding_box() == brand


def test_a_poster_does_not_hide_the_ring_of_the_focus(visit: Visit) -> None:
    page = visit("/")
    page.locator("#trending-strip").focus()
    page.keyboard.press("Tab")
    poster = page.locator("#trending-strip .card:focus-visible .card-poster")
    expect(poster).to_have_css("filter", "none")  # with one it would be painted over the ring


@pytest.mark.parametrize("answer", [{"body": b"\xff\xd8\xff no picture", "content_type": "image/jpeg"}, None])
def test_a_poster_that_cannot_be_shown_gives_way_to_the_drawn_one(
    visit: Visit, complaints: list[str], answer: dict[str, Any] | None
) -> None:
    page = visit("/movies/1")

    def broken(route: Route) -> None:
        if "drawn=1" in route.request.url:
            route.continue_()
        elif answer:
            route.fulfill(**answer)
        else:
            route.abort()

    page.route("**/posters/*", broken)
    page.goto("/movies/2")
    for poster in (page.locator(".movie-poster"), page.locator(".card-poster").first):
        poster.scroll_into_view_if_needed()
        expect(poster).to_have_attribute("src", re.compile(r"^/posters/\d+\?drawn=1$"))
        expect(poster).not_to_have_js_property("naturalWidth", 0)
    complaints.clear()  # the browser notes what could not be loaded
