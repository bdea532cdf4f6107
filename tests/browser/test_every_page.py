"""What holds on every page, besides what axe-core looks for."""

import pytest
from playwright.sync_api import Page

from tests.browser import test_accessibility, test_search
from tests.browser.conftest import WINDOW_SIZES, Visit

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


# Scrollable regions that keys cannot scroll: neither they nor what they hold can get the focus. What a closed <details>
# holds does not count: to screen readers it is not there, whatever the style sheet shows. The options of a combobox are
# reached from its field.
SCROLLED_BY_POINTER_ALONE = """
() => [...document.querySelectorAll("body *")].filter((element) => {
  const {overflowX, overflowY} = getComputedStyle(element);
  const scrollsX = /auto|scroll/.test(overflowX) && element.scrollWidth > element.clientWidth + 1;
  const scrollsY = /auto|scroll/.test(overflowY) && element.scrollHeight > element.clientHeight + 1;
  const isFocusable = (each) => {
    const details = each.parentElement.closest("details:not([open])");
    const isThere = !details || each.matches("details > summary");
    return each.tabIndex >= 0 && !each.disabled && isThere && each.checkVisibility({visibilityProperty: true});
  };
  const isReached = element.tabIndex >= 0 || [...element.querySelectorAll("*")].some(isFocusable);
  const isOptions = element.matches("[role=listbox]");
  return (scrollsX || scrollsY) && element.checkVisibility() && !isReached && !isOptions;
}).map((element) => `${element.tagName}#${element.id}.${element.className}`)
"""


@pytest.mark.parametrize("width", WINDOW_SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_every_region_that_scrolls_is_reached_by_keyboard(
    visit: Visit, complaints: list[str], name: str, width: int
) -> None:
    page = opened(visit, name, complaints, width=width)
    page.set_viewport_size({"width": width, "height": 500})  # low, so that more of the regions have to scroll
    assert page.evaluate(SCROLLED_BY_POINTER_ALONE) == []
