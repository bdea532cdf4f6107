"""What holds on every page, besides what axe-core looks for."""

import pytest
from playwright.sync_api import Page

from tests.browser import test_accessibility, test_search
from tests.browser.conftest import Visit

PAGES = test_accessibility.PAGES | {f"search: {name}": page for name, page in test_search.PAGES.items()}
REFUSED = {"wrong id", "not found"}  # the browser notes the status of the page itself

# Text that a style sheet draws is read out with the name of its element, unless its alternative is empty: "+" / "".
SPOKEN_SIGNS = """
() => [...document.querySelectorAll("body *")].flatMap((element) => ["::before", "::after"].flatMap((part) => {
  const content = getComputedStyle(element, part).content;
  const isSpoken = /^"[^"]/.test(content) && !content.endsWith('/ ""') && !element.closest("[aria-hidden=true]");
  return isSpoken ? [`${element.tagName}.${element.className}${part}: ${content}`] : [];
}))
"""


def opened(visit: Visit, name: str, complaints: list[str], *, width: int = 1440) -> Page:
    """The page of this name, in the state that its preparation leaves it in."""
    path, prepare = PAGES[name]
    page = visit(path, width=width)
    prepare(page)
    if name in REFUSED:
        complaints.clear()
    return page


@pytest.mark.parametrize("name", PAGES)
def test_no_sign_that_a_style_sheet_draws_is_spoken(visit: Visit, complaints: list[str], name: str) -> None:
    assert opened(visit, name, complaints).evaluate(SPOKEN_SIGNS) == []
