"""What the health check tells, how soon, and what it keeps to itself."""

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from movierec.settings import Settings
from serving.app import create_app
from serving.web.background_check import BackgroundCheck
from tests.factories import publish_small_bundle, publish_small_home
from tests.serving.conftest import Browser, open_browser, wait_until_true


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return publish_small_home(tmp_path)


@pytest.fixture
def browser(home: Path) -> Browser:
    found = open_browser(home)
    found.app.state.site.database_check.max_age = 0
    return found


def get_health(browser: Browser) -> dict[str, str]:
    answer = browser.get("/health")
    assert answer.status_code == 200
    found: dict[str, str] = answer.json()
    return found


def remove(file: Path) -> None:
    for each in file.parent.glob("site.db*"):
        each.unlink()


def write_all_pages_to_the_file(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def replace_by_nonsense(file: Path) -> None:
    write_all_pages_to_the_file(file)
    file.write_bytes(b"nonsense" * 1000)


def spoil_in_the_middle(file: Path) -> None:
    write_all_pages_to_the_file(file)
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    with file.open("r+b") as opened:
        opened.write(content)


@pytest.mark.parametrize(
    ("harm", "said"),
    [(remove, "missing"), (replace_by_nonsense, "damaged"), (spoil_in_the_middle, "damaged")],
)
def test_health_tells_of_a_database_that_is_lost(
    home: Path, browser: Browser, harm: Callable[[Path], None], said: str
) -> None:
    assert get_health(browser)["status"] == "ok"
    harm(home / "site" / "site.db")
    health = get_health(browser)
    assert (health["status"], health["fault"]) == ("degraded", f"the site's database is {said}")
    assert browser.get("/movies/1").status_code == 200


def test_health_tells_of_a_locked_database_and_recovers(home: Path, browser: Browser) -> None:
    assert get_health(browser)["status"] == "ok"
    with closing(sqlite3.connect(home / "site" / "site.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert get_health(browser)["fault"] == "the site's database is locked by somebody else"
    assert get_health(browser)["status"] == "ok"


def test_health_tells_of_a_server_that_is_not_there(home: Path, tmp_path: Path) -> None:
    browser = Browser(create_app(Settings(home=home, database_url=f"postgresql://site@/x?host={tmp_path}/none")))
    assert get_health(browser)["fault"] == "the site's database does not answer"


def test_health_waits_for_no_check_and_asks_once_for_many() -> None:
    gate, calls = threading.Event(), []

    def check() -> None:
        calls.append(1)
        gate.wait(10)

    async def ask() -> list[str | None]:
        return [await slow.find_fault() for _ in range(3)]

    slow = BackgroundCheck(check, when_late="late", max_age=60, wait=0.1)
    assert asyncio.run(ask()) == ["late"] * 3
    gate.set()
    time.sleep(0.1)
    assert asyncio.run(ask()) == [None] * 3
    assert len(calls) == 1


def test_health_tells_of_a_lost_folder_and_a_changed_file_at_once(home: Path, browser: Browser) -> None:
    assert get_health(browser)["status"] == "ok"
    file = home / "published" / "full" / "v1" / "top100.json"
    file.write_text(file.read_text().replace("Movie", "Film"))
    health = get_health(browser)
    assert (health["status"], "top100.json" in health["fault"]) == ("stale", True)
    shutil.rmtree(file.parent)
    assert "is gone" in get_health(browser)["fault"]
    assert browser.get("/movies/1").status_code == 200


def test_at_a_start_without_a_pointer_the_site_serves_what_opens_and_heals(home: Path) -> None:
    (home / "published" / "full" / "CURRENT").unlink()
    browser = open_browser(home)
    assert browser.get("/movies/1").status_code == 200
    assert get_health(browser)["status"] == "stale"
    publish_small_bundle(home, "v2")
    assert wait_until_true(lambda: get_health(browser)["status"] == "ok")
    assert get_health(browser)["version"] == "v2"


def test_a_process_is_alive_without_a_bundle_but_not_ready(tmp_path: Path) -> None:
    browser = open_browser(tmp_path / "empty")
    assert (browser.get("/health/live").status_code, browser.get("/health/live").json()) == (200, {"status": "alive"})
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    publish_small_bundle(tmp_path / "empty")
    assert browser.get("/health/ready").json() == {"status": "ready", "fault": None}


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/", "/movies/1", "/top", "/favorite-cluster?user_id=1"])
def test_no_answer_says_where_the_files_are(tmp_path: Path, path: str) -> None:
    home = publish_small_home(tmp_path / "here")
    for kind in ("published", "companion"):
        for manifest in (home / kind / "full").glob("*/manifest.json"):
            manifest.unlink()
    answer: httpx.Response = open_browser(home).get(path)
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert "home" in answer.text


def test_a_clock_that_went_back_makes_no_negative_age(tmp_path: Path) -> None:
    publish_small_bundle(tmp_path, published_at="2999-01-01T00:00:00+00:00")
    assert get_health(open_browser(tmp_path))["age_seconds"] == 0
