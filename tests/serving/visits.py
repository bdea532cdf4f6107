"""Visitors of a site with accounts: a browser tab with cookies, and a community with an adjustable clock."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from movierec.settings import Settings
from serving.app import create_app
from serving.community.community import Community
from serving.community.cookies import SESSION_COOKIE, CookieSigner
from serving.community.database import Database, build_database_url
from serving.community.passwords import Passwords
from tests.serving.conftest import Browser

QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"


@dataclass
class Clock:
    time: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class BrowserTab:
    """One browser. `post` sends a form of our own page, with `htmx` or without."""

    app: FastAPI
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send_request("GET", path, **headers)

    def post(self, path: str, *, htmx: bool = False, **fields: Any) -> httpx.Response:
        headers = {"Content_Type": FORM_MEDIA_TYPE, "Sec_Fetch_Site": "same-origin"} | (
            {"HX_Request": "true"} if htmx else {}
        )
        return self.send_request("POST", path, body=urlencode(fields).encode(), **headers)

    def send_request(self, method: str, path: str, *, body: bytes = b"", **headers: str) -> httpx.Response:
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = Browser(self.app, self.scheme).send_request(method, path, body=body, **headers)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        if "max-age=0" in answer.headers.get("set-cookie", "").lower():
            self.cookies.pop(SESSION_COOKIE, None)
        return answer

    def follow_redirect(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"].split("#")[0])


def make_community(home: Path, database: Database | None = None, **options: Any) -> Community:
    options = {"clock": Clock(), "passwords": Passwords(QUICK_HASHER)} | options
    database = database or Database(build_database_url(Settings(home=home)), wait_seconds=0.2)
    return Community(database, CookieSigner("a secret of the tests", home / "secret"), **options)


def open_tab(home: Path, community: Community, scheme: str = "http") -> BrowserTab:
    return BrowserTab(create_app(Settings(home=home), community=community), scheme)


def open_another_tab(tab: BrowserTab, *, same_browser: bool = False) -> BrowserTab:
    """A second tab, or another browser."""
    return BrowserTab(tab.app, tab.scheme, tab.cookies if same_browser else {})


def get_page_text(answer: httpx.Response) -> str:
    """The text of the page, without tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def assert_signed_out(tab: BrowserTab) -> None:
    """The tab has a cookie of a session that has ended: it is told so, and is nobody's."""
    said = get_page_text(tab.get("/"))
    assert "Your session has ended." in said
    assert "Menu: sign in" in said
    assert "Signed in as" not in said


def find_linked_titles(page: str, phrase: str) -> list[str]:
    """The titles of the movie links that follow `phrase`, to the end of the paragraph."""
    told = re.search(rf"{phrase}(.+?)</p>", page)
    return re.findall(r'<a href="/movies/\d+">([^<]+)</a>', told[1]) if told else []


def get_chosen_rating(page: str) -> str:
    """The rating that is selected in the form."""
    (chosen,) = re.findall(r'name="rating" value="([\w.]+)" checked', page)
    return str(chosen)


def get_form_owner(page: str) -> str:
    """The value of the hidden field `as`: the profile for which the forms of the page were rendered."""
    found = set(re.findall(r'name="as" value="([^"]*)"', page))
    assert len(found) == 1
    return str(found.pop())
