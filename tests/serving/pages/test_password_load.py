"""Many sign-ins at once: pages and the health check do not wait for them, and nobody holds the database meanwhile."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

from movierec.settings import Settings
from serving.community.database import Database, build_database_url
from serving.community.passwords import MAX_WAITING, N_WORKERS, Passwords
from tests.serving.visits import FORM_MEDIA_TYPE, QUICK_HASHER, BrowserTab, make_community, open_tab

PASSWORD = "four plain words here"


class SlowHasher:
    """Hashes as the quick hasher does, but only once `may_go_on` is set."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.n_at_work = self.most_at_work = 0
        self._lock = threading.Lock()

    def hash(self, password: bytes) -> str:
        self._wait()
        return QUICK_HASHER.hash(password)

    def verify(self, stored: str, password: bytes) -> bool:
        self._wait()
        return QUICK_HASHER.verify(stored, password)

    def check_needs_rehash(self, stored: str) -> bool:
        return QUICK_HASHER.check_needs_rehash(stored)

    def _wait(self) -> None:
        with self._lock:
            self.n_at_work += 1
            self.most_at_work = max(self.most_at_work, self.n_at_work)
        assert self.may_go_on.wait(30)
        with self._lock:
            self.n_at_work -= 1


@pytest.fixture
def hasher() -> Iterator[SlowHasher]:
    found = SlowHasher()
    yield found
    found.may_go_on.set()  # else its threads would stay


@pytest.fixture
def tab(home: Path, tmp_path: Path, hasher: SlowHasher) -> BrowserTab:
    database = Database(build_database_url(Settings(home=tmp_path)))
    return open_tab(home, make_community(tmp_path, database, passwords=Passwords(hasher)))  # type: ignore[arg-type]


def open_client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://site")


async def post(client: httpx.AsyncClient, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    sent = {"Content-Type": FORM_MEDIA_TYPE, "Sec-Fetch-Site": "same-origin"} | headers
    return await client.post(path, content=urlencode(fields), headers=sent, timeout=60)


def test_pages_do_not_wait_for_sign_ins_and_too_many_are_told_to_come_back(tab: BrowserTab, hasher: SlowHasher) -> None:
    n_sign_ins = 48

    async def run() -> list[httpx.Response]:
        async with open_client(tab.app) as client:
            tasks = [
                asyncio.create_task(post(client, path, {"name": f"Ada{n}", "password": PASSWORD}))
                for n, path in enumerate(["/sign-in"] * (n_sign_ins - 8) + ["/register"] * 8)
            ]
            while sum(task.done() for task in tasks) < n_sign_ins - MAX_WAITING - N_WORKERS:
                await asyncio.sleep(0.01)
            for path in ("/", "/health", "/static/site.css"):
                assert (await asyncio.wait_for(client.get(path), 20)).status_code == 200
            assert not hasher.may_go_on.is_set()
            hasher.may_go_on.set()
            return await asyncio.gather(*tasks)

    answers = asyncio.run(run())
    busy = [answer for answer in answers if answer.status_code == 503]
    assert len(busy) == n_sign_ins - MAX_WAITING - N_WORKERS
    assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)
    assert all("try again in a few seconds" in answer.text for answer in busy)
    assert hasher.most_at_work == N_WORKERS


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/me/password", {"old": PASSWORD, "password": "five other plain words here"}),
        ("/me/delete", {"old": PASSWORD, "sure": "1"}),
    ],
)
def test_others_write_while_a_password_is_hashed(
    tab: BrowserTab, hasher: SlowHasher, path: str, fields: dict[str, Any]
) -> None:
    hasher.may_go_on.set()
    assert tab.post("/register", name="Ada", password=PASSWORD).status_code == 303
    hasher.may_go_on.clear()

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with open_client(tab.app) as client, open_client(tab.app) as other:
            cookie = "; ".join(f"{name}={value}" for name, value in tab.cookies.items())
            change = asyncio.create_task(post(client, path, fields, Cookie=cookie))
            while not hasher.n_at_work:
                await asyncio.sleep(0.01)
            rated = await post(other, "/movies/1/rating", {"rating": "4"})
            hasher.may_go_on.set()
            return rated, await change

    rated, changed = asyncio.run(run())
    assert rated.status_code == 303, "the database is not locked while the password is hashed"
    assert (changed.status_code, changed.headers["location"]) == (
        303,
        "/me/account?done=password" if path == "/me/password" else "/",
    )
