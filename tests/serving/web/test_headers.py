"""What every answer carries, and what no template may hold."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from serving.web.rendering import TEMPLATES_FOLDER
from serving.web.static_files import STATIC_FOLDER
from tests.broken import Broken, serve_changed_bundle
from tests.serving.conftest import Browser, open_browser


@pytest.mark.parametrize(
    "path",
    ["/", "/movies", "/movies/1", "/movies/0", "/search", "/search?sort=no", "/posters/1", "/health", "/api/movies/1"],
)
def test_every_answer_forbids_foreign_and_inline_code(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_crash_is_a_page_with_the_same_headers(home: Path) -> None:
    browser = open_browser(home)
    serve_changed_bundle(browser.app, recommender=Broken("a fault of ours"))
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "it has been logged" in answer.text
    assert "a fault of ours" not in answer.text
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("template", sorted(TEMPLATES_FOLDER.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_holds_inline_code_or_style(template: Path) -> None:
    text = template.read_text()
    assert text.startswith("{# Needs: "), "the first line says what the template needs"
    assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|javascript:|js:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_the_pages_scripts_are_files(browser: Browser) -> None:
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", browser.get("/").text, flags=re.DOTALL)
    assert len(scripts) >= 2
    assert set(scripts) == {""}


def test_static_files_with_a_version_are_kept_for_good(browser: Browser) -> None:
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.get("/").text)
    assert len(addresses) >= 7
    for address in addresses:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        for wrong in ("", "?v=", "?v=wrong", "?v=None", "?version=1"):
            assert browser.get(address.split("?")[0] + wrong).headers["cache-control"] == "no-cache"


def test_pages_are_sent_compressed(browser: Browser) -> None:
    answer = browser.get("/", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert "HX-Request" in answer.headers["vary"]


HEADED = [
    "/",
    "/?user_id=abc",
    "/movies",
    "/movies/1",
    "/movies/0",
    "/search?q=movie",
    "/search/suggestions?q=movie",
    "/posters/1",
    "/health",
    "/openapi.json",
    "/api/movies",
    "/api/movies/popular",
    "/api/movies/personal?user_id=3",
    "/api/movies/1",
    "/api/movies/1/similar",
    "/static/site.css",
]


@pytest.mark.parametrize("path", HEADED)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_head_answers_the_headers_of_get(browser: Browser, path: str, encoding: str) -> None:
    head, got = (
        browser.send_request("HEAD", path, Accept_Encoding=encoding),
        browser.get(path, Accept_Encoding=encoding),
    )
    assert head.status_code == got.status_code
    differs = {"x-request-id"} | ({"content-length"} if path == "/health" else set())  # it says how old the bundle is
    assert {k: v for k, v in head.headers.items() if k not in differs} == {
        k: v for k, v in got.headers.items() if k not in differs
    }


@pytest.mark.parametrize("path", HEADED)
def test_head_sends_no_body(browser: Browser, path: str) -> None:
    # Asked without a client: httpx and uvicorn each drop the body of a HEAD themselves.
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(10)  # the visitor stays
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    address, _, query = path.partition("?")
    scope = {"type": "http", "method": "HEAD", "path": address, "query_string": query.encode(), "headers": []}
    asyncio.run(browser.app(scope, receive, send))
    assert sent[0]["type"] == "http.response.start"
    assert b"".join(message["body"] for message in sent[1:]) == b""


def test_the_schema_describes_each_operation_once(browser: Browser) -> None:
    paths = browser.get("/openapi.json").json()["paths"]
    assert "/api/movies/{movie_id}" in paths
    assert all(len(operations) == 1 for operations in paths.values())
    assert all(set(operations) <= {"get", "post"} for operations in paths.values())


@pytest.mark.parametrize("path", ["/", "/movies/1", "/health", "/api/movies/1", "/static/site.css"])
def test_what_would_change_something_is_405_and_told_what_is_allowed(browser: Browser, path: str) -> None:
    answer = browser.send_request("POST", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_wrong_address_is_a_page(browser: Browser) -> None:
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_the_styles_of_search_and_of_people_name_different_things() -> None:
    def names(file: str) -> set[str]:
        selectors = re.sub(r"/\*.*?\*/|\{[^}]*\}", "", (STATIC_FOLDER / file).read_text(), flags=re.DOTALL)
        return set(re.findall(r"\.([a-zA-Z][\w-]*)", selectors))

    shared = names("search.css") & names("people.css")
    assert shared <= names("site.css"), "each would restyle the other's"
