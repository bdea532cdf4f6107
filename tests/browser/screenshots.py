"""Takes the pictures of docs/web.md from a running site: `python -m tests.browser.screenshots http://127.0.0.1:8000`."""

import io
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, WINDOW_SIZES
from tests.browser.pages import open_overlay, send_form

IMAGES_FOLDER = Path(__file__).parents[2] / "docs" / "images"
WEBP_QUALITY = 82  # of WebP: no bands on dark grounds, and a fifth of PNG's size
STARS = (4, 5, 3.5, 4.5, 2, 4, 3, 5, 1.5, 4)
REVIEWS = cycle(
    (
        "Hope is a good thing, and this is a good film about it.",
        "I had seen it ten years ago and remembered only the end. The beginning is better.",
        "Too long by half an hour, and I would not cut a minute of it.",
        "My father chose it. We talked about it until midnight, so it was a good choice.",
    )
)


def show_overlay(page: Page) -> None:
    page.goto("/")
    open_overlay(page, page.locator("#trending-strip .card").nth(1))


def show_with_ratings(page: Page, path: str) -> None:
    """As a guest who rated the movies that most people watch, and reviewed one."""
    page.goto("/")
    hrefs = [card.get_attribute("href") for card in page.locator("#trending-strip .card").all()]
    for at, href in enumerate(hrefs):
        send_form(page, f"{href}/rating", rating=STARS[at % len(STARS)])
    send_form(page, f"{hrefs[0]}/review", text=next(REVIEWS))
    page.goto(path.format(movie=hrefs[0]))


def show_in_russian(page: Page) -> None:
    page.set_extra_http_headers({"Accept-Language": "ru"})
    page.goto("/")


PAGE_OPENERS: dict[str, Callable[[Page], object]] = {
    "home": lambda page: page.goto("/"),
    "search": lambda page: page.goto("/search?genre=Sci-Fi&decade=1990&filter=not(genre:Horror,mean_rating:..3)"),
    "overlay": show_overlay,
    "movie": lambda page: page.goto("/movies/1"),
    "reviews": lambda page: show_with_ratings(page, "{movie}/reviews"),
    "russian": show_in_russian,
    "movies": lambda page: page.goto("/movies?page=2"),
    "welcome": lambda page: page.goto("/welcome"),
    "me": lambda page: show_with_ratings(page, "/me"),
    "statistics": lambda page: show_with_ratings(page, "/me?show=statistics"),
    "account": lambda page: show_with_ratings(page, "/me/account"),
    "register": lambda page: page.goto("/register"),
    "sign-in": lambda page: page.goto("/sign-in"),
    "error": lambda page: page.goto("/nowhere"),
}


def take_screenshot(page: Page, target: Path) -> None:
    page.wait_for_load_state("networkidle")
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(target, quality=WEBP_QUALITY, method=6)


def main(address: str) -> None:
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width, height in WINDOW_SIZES.items():
            for name, show in PAGE_OPENERS.items():
                size = {"width": width, "height": height}
                page = browser.new_page(base_url=address, viewport=size, reduced_motion="reduce")
                show(page)
                take_screenshot(page, IMAGES_FOLDER / f"{name}-{width}.webp")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
