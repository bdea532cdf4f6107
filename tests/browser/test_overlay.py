"""A card opens over the list, and every way back gives the list as it was."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.pages import get_position, open_overlay, scroll_to_last_movies

WAYS_BACK = {
    "Escape": lambda page: page.keyboard.press("Escape"),
    "the cross": lambda page: page.get_by_role("button", name="Close").click(),
    "a click beside it": lambda page: page.mouse.click(8, 300),
    "Back": lambda page: page.go_back(),
}


@pytest.mark.parametrize("path", ["/", "/#for-you"])
@pytest.mark.parametrize("way", WAYS_BACK)
def test_every_way_back_gives_the_list_as_it_was(visit: Visit, way: str, path: str) -> None:
    page = visit(path)
    card = scroll_to_last_movies(page)
    before, address, title = get_position(page, card), page.url.split("#")[0], page.title()
    href = card.get_attribute("href")
    overlay = open_overlay(page, card)
    assert href is not None
    expect(page).to_have_url(re.compile(f"{href}$"))
    expect(page).to_have_title(re.compile("^Movie"))
    assert get_position(page, card) == before
    WAYS_BACK[way](page)
    expect(overlay).to_be_hidden()
    expect(page).to_have_url(address)
    expect(page).to_have_title(title)
    expect(page.locator(".grid > li:not(.more)")).to_have_count(52)
    expect(card).to_be_focused()
    assert get_position(page, card) == before


def test_forward_opens_it_again_and_reload_gives_the_page(visit: Visit) -> None:
    page = visit("/movies")
    overlay = open_overlay(page, page.locator(".grid .card").nth(3))
    title = overlay.locator("#overlay-title").inner_text()
    page.go_back()
    expect(overlay).to_be_hidden()
    page.go_forward()
    expect(overlay.locator("#overlay-title")).to_have_text(title)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(overlay).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("All movies")


def test_from_movie_to_movie_and_back_step_by_step(visit: Visit) -> None:
    page = visit("/")
    overlay = open_overlay(page, page.locator("#trending-strip .card").first)
    first = overlay.locator("#overlay-title").inner_text()
    overlay.locator(".card").first.click()
    expect(overlay.locator("#overlay-title")).not_to_have_text(first)
    page.go_back()
    expect(overlay.locator("#overlay-title")).to_have_text(first)
    page.go_forward()
    expect(overlay.locator("#overlay-title")).not_to_have_text(first)
    page.keyboard.press("Escape")
    expect(overlay).to_be_hidden()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.locator("#trending-strip .card").first).to_be_focused()


def test_a_movie_that_is_named_opens_in_the_place_of_the_one_shown(visit: Visit) -> None:
    page = visit("/")
    overlay = open_overlay(page, page.locator("#trending-strip .card").first)
    title = overlay.locator(".movie-title").inner_text()
    named = overlay.locator(".movie-words a").first
    other = named.inner_text()
    named.click()
    expect(overlay.locator(".movie-title")).to_have_text(other)
    page.go_back()
    expect(overlay.locator(".movie-title")).to_have_text(title)


def test_after_another_user_was_chosen_back_still_only_closes(visit: Visit) -> None:
    page = visit("/")
    page.locator(".chip").nth(1).click()
    expect(page).to_have_url(re.compile("user_id="))
    address = page.url
    page.evaluate("document.body.dataset.same = 'yes'")
    overlay = open_overlay(page, page.locator("#for-you-strip .card").first)
    page.go_back()
    expect(overlay).to_be_hidden()
    expect(page).to_have_url(address)
    assert page.evaluate("document.body.dataset.same") == "yes"


@pytest.mark.parametrize("key", ["Control", "Shift", "middle"])
def test_a_click_for_a_tab_or_a_window_is_left_to_the_browser(visit: Visit, key: str) -> None:
    page = visit("/")
    card = page.locator("#trending-strip .card").first
    with page.context.expect_page() as found:
        card.click(button="middle") if key == "middle" else card.click(modifiers=[key])  # type: ignore[list-item]
    expect(found.value.get_by_role("heading", level=1)).to_have_text(re.compile("^Movie"))
    expect(page.locator("#overlay")).to_be_hidden()


def test_move_to_page_moves_there_and_back_leads_to_the_list_as_it_was(visit: Visit) -> None:
    page = visit("/")
    card = scroll_to_last_movies(page)
    before = get_position(page, card)
    overlay = open_overlay(page, card)
    title = overlay.locator("#overlay-title").inner_text()
    overlay.get_by_role("link", name="Move to page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.go_back()
    expect(page.locator(".grid > li:not(.more)")).to_have_count(52)
    expect(overlay).to_be_hidden()
    expect(card).to_be_in_viewport(ratio=0.9)
    assert get_position(page, card) == before


def test_the_page_does_not_move_when_it_opens(visit: Visit) -> None:
    page = visit("/movies", width=360)
    card = page.locator(".grid .card").nth(5)
    card.scroll_into_view_if_needed()
    before = get_position(page, card)
    overlay = open_overlay(page, card)
    assert get_position(page, card) == before
    page.mouse.move(100, 400)
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert get_position(page, card) == before
    expect(overlay).to_be_visible()


def test_on_a_telephone_the_words_of_a_title_stay_whole(visit: Visit) -> None:
    page = visit("/movies", width=360)
    title = open_overlay(page, page.locator(".grid .card").first).locator("h2").first
    title.evaluate("title => { title.textContent = 'The Shawshank Redemption'; title.style.overflowWrap = 'normal'; }")
    box = title.bounding_box()
    assert box
    assert box["x"] + box["width"] <= 340


def test_a_movie_that_cannot_be_fetched_is_gone_to(visit: Visit, complaints: list[str]) -> None:
    page = visit("/movies")
    page.locator(".grid .card").first.evaluate("card => card.setAttribute('href', '/health')")
    page.route("**/health", lambda route: route.abort() if "hx-request" in route.request.headers else route.continue_())
    page.locator(".grid .card").first.click()
    expect(page).to_have_url(re.compile("/health$"))
    assert "ERR_FAILED" in complaints.pop()
