"""Swagger UI under the site's content security policy, asked as a person asks it."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_the_api_can_be_tried_out_without_an_outside_host(visit: Visit) -> None:
    hosts: set[str] = set()
    page = visit("/health/live")
    page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "//" in request.url else "data"))
    page.goto("/docs")
    page.locator("#operations-recommendations-top_movies").get_by_role("button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert hosts - {"data"} == {page.url.split("/")[2]}
