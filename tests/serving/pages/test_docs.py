"""The page that shows the API: Swagger UI without an outside host."""

import re

import pytest

from tests.serving.conftest import Browser


def test_everything_that_the_page_loads_comes_from_the_site(browser: Browser) -> None:
    page = browser.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {address.partition("?")[0] for address in loaded} >= {"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"}
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
    assert [browser.get(address).status_code for address in loaded] == [200] * len(loaded)


@pytest.mark.parametrize(
    ("name", "media_type"), [("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")]
)
def test_the_files_of_swagger_ui_are_served_to_be_kept_for_a_day(browser: Browser, name: str, media_type: str) -> None:
    answer = browser.get(f"/docs/{name}")
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert len(answer.content) > 100_000


def test_the_page_allows_no_more_than_pictures_in_a_style_sheet(browser: Browser) -> None:
    policy = browser.get("/docs").headers["content-security-policy"]
    assert policy == browser.get("/").headers["content-security-policy"] + "; img-src 'self' data:"
    assert "unsafe" not in policy
