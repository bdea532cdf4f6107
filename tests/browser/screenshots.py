"""Takes the pictures of docs/web.md from a running site: `python -m tests.browser.screenshots http://127.0.0.1:8000`."""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, SIZES
from tests.browser.pages import opened

IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 160  # of a palette: dark pages need no more, and the files stay small


def home(page: Page) -> None:
    page.goto("/")


def movie(page: Page) -> None:
    page.goto("/movies/1")


def overlay(page: Page) -> None:
    page.goto("/")
    opened(page, page.locator("#trending-strip .card").nth(1))


def take(page: Page, target: Path) -> None:
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main(address: str) -> None:
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width, height in SIZES.items():
            size = {"width": width, "height": height}
            page = browser.new_page(base_url=address, viewport=size, reduced_motion="reduce")
            for show in (home, movie, overlay):
                show(page)
                take(page, IMAGES / f"{show.__name__}-{width}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
