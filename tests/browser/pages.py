"""Common steps of browser tests: scroll, open a card, send a form."""

from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect


def scroll_to_last_movies(page: Page) -> Locator:
    """Scrolls until all 52 movies are there; gives a card of the last page, in view."""
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".grid > li:not(.more)")).to_have_count(52)
    card = page.locator(".grid .card").nth(45)
    card.scroll_into_view_if_needed()
    return card


def get_position(page: Page, card: Locator) -> tuple[float, float]:
    """The card's position in the window, in pixels, rounded."""
    box = card.bounding_box()
    assert box is not None
    return round(box["x"]), round(box["y"])


def open_overlay(page: Page, card: Locator) -> Locator:
    """Clicks the card and gives the overlay that opens."""
    card.click()
    overlay = page.locator("#overlay")
    expect(overlay).to_be_visible()
    return overlay


def send_form(page: Page, path: str, **fields: object) -> None:
    """Posts a form of our own pages without clicking its button."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert page.request.post(path, data=urlencode(fields), headers=headers).ok
