"""What every answer carries, and what no template may hold."""

import re
from pathlib import Path

import pytest

from serving.deps import TEMPLATES
from tests.serving.conftest import Browser, browser_of


@pytest.mark.parametrize("path", ["/", "/movies", "/movies/1", "/movies/0", "/posters/1", "/health", "/api/movies/1"])
def test_every_answer_forbids_foreign_and_inline_code(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_crash_is_a_page_with_the_same_headers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("serving.pages.catalogue_page", fails)
    answer = browser_of(home).get("/")
    assert answer.status_code == 500
    assert "it has been logged" in answer.text
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_holds_inline_code_or_style(template: Path) -> None:
    text = template.read_text()
    assert text.startswith("{# Needs: "), "the first line says what the template needs"
    assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|javascript:|js:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_static_files_with_a_version_are_kept_for_good(browser: Browser) -> None:
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.get("/").text)
    assert len(addresses) == 5
    for address in addresses:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert "immutable" not in browser.get(address.split("?")[0]).headers["cache-control"]


def test_pages_are_sent_compressed(browser: Browser) -> None:
    answer = browser.get("/", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert "HX-Request" in answer.headers["vary"]


def test_a_wrong_address_is_a_page(browser: Browser) -> None:
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert "Not found" in answer.text
