"""The log with one JSON record a request: what it says, and what it never says."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from movierec.settings import Settings
from serving.app import create_app
from serving.observability.logging_config import JsonFormatter, build_logging_config
from serving.observability.request_record import CURRENT_RECORD, RequestRecord
from tests.broken import Broken, serve_changed_bundle
from tests.serving.asking import post_json
from tests.serving.conftest import Browser

Lines = Callable[[], list[dict[str, Any]]]
LOGGERS = ("serving", "movierec", "uvicorn", "uvicorn.access", "uvicorn.error")


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The records that were written since the last call; the logging of other tests is put back after."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in LOGGERS}
    logging.config.dictConfig(build_logging_config("json"))
    written = io.StringIO()
    (handler,) = (each for each in root.handlers if isinstance(each.formatter, JsonFormatter))
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)

    def take_lines() -> list[dict[str, Any]]:
        text = written.getvalue()
        written.seek(0)
        written.truncate()
        return [json.loads(line) for line in text.splitlines()]

    yield take_lines
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    for name, (level, propagates) in levels.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).propagate = propagates


@pytest.fixture
def logged(home: Path) -> Browser:
    return Browser(create_app(Settings(home=home, log_format="json")))


def test_a_request_is_one_record(logged: Browser, lines: Lines) -> None:
    logged.get("/health")
    lines()
    answer = logged.get("/api/movies/personal?user_id=3&limit=5", Accept_Encoding="identity")
    (record,) = lines()
    assert record["route"] == "/api/movies/personal"
    assert (record["method"], record["status"], record["bytes"]) == ("GET", 200, len(answer.content))
    assert (record["model"], record["user_id"]) == ("two_stage", 3)
    assert record["bundle"] == logged.get("/health").json()["version"]
    assert record["request_id"] == answer.headers["x-request-id"]
    assert 0 < record["ms"] < 60_000
    assert record["time"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/movies/1", "/movies/{movie_id}"),
        ("/api/users/3/history?limit=2", "/api/users/{user_id}/history"),
        ("/static/site.css", "/static/{path}"),
        ("/nowhere/at/all", "unmatched"),
        ("/api/movies/nothing", "/api/movies/{movie_id}"),
    ],
)
def test_the_route_stands_in_the_place_of_the_address(logged: Browser, lines: Lines, path: str, route: str) -> None:
    logged.get(path)
    assert [record["route"] for record in lines()] == [route]


def test_every_model_of_a_request_is_named_once(logged: Browser, lines: Lines) -> None:
    post_json(logged, "/api/recommendations", {"user_ids": [3, 5, 999_999], "top_n": 2})
    assert lines()[-1]["model"] == "two_stage,popularity_fallback"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "BREW"])
def test_the_method_is_the_one_that_was_sent(logged: Browser, lines: Lines, method: str) -> None:
    logged.send_request(method, "/health")
    assert [record["method"] for record in lines()] == [method]


def test_neither_what_was_searched_nor_a_secret_nor_a_client_is_in_the_log(logged: Browser, lines: Lines) -> None:
    secret = "a-very-secret-token"
    for path in ("/search?q=hidden+wish", "/api/movies?q=hidden+wish", "/search/suggestions?q=hidden", "/hidden?x=y"):
        logged.get(path, Authorization=f"Bearer {secret}", Cookie=f"movierec_session={secret}")
    body = b"name=hidden&password=" + secret.encode()
    logged.send_request("POST", "/sign-in", body=body, Content_Type="application/x-www-form-urlencoded")
    said = json.dumps(lines())
    assert "/search" in said
    assert not [word for word in ("hidden", "wish", secret, "127.0.0.1", "user_id") if word in said]


def test_a_well_formed_request_id_is_taken_over(logged: Browser) -> None:
    assert logged.get("/health", X_Request_ID="4bf92f35-77b3.A_1").headers["x-request-id"] == "4bf92f35-77b3.A_1"


@pytest.mark.parametrize("given", ["short", "x" * 65, "has space in it", 'quote"quote', "-starts-with-a-hyphen", ""])
def test_another_request_id_is_replaced(logged: Browser, given: str) -> None:
    found = logged.get("/health", X_Request_ID=given).headers["x-request-id"]
    assert found != given
    assert len(found) == 16


def test_ids_differ(logged: Browser) -> None:
    assert len({logged.get("/health").headers["x-request-id"] for _ in range(5)}) == 5


def test_a_crash_is_logged_and_its_page_names_the_request(logged: Browser, lines: Lines) -> None:
    serve_changed_bundle(logged.app, recommender=Broken("a fault of ours"))
    answer = logged.get("/?user_id=3")
    assert answer.status_code == 500
    records = lines()
    request = next(each for each in records if each["message"] == "request")
    assert (request["status"], request["route"]) == (500, "/")
    assert "bytes" not in request
    assert {each["request_id"] for each in records if each["level"] == "error"} == {answer.headers["x-request-id"]}


def test_an_error_with_its_traceback_is_one_record(lines: Lines) -> None:
    CURRENT_RECORD.set(RequestRecord("0123456789abcdef"))
    try:
        raise ValueError("first line\nsecond line")  # noqa: TRY301
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed")
    CURRENT_RECORD.set(None)
    (record,) = lines()
    assert record["message"] == "it failed"
    assert record["traceback"].startswith("Traceback")
    assert "second line" in record["traceback"]
    assert record["request_id"] == "0123456789abcdef"


def test_what_is_no_json_is_written_as_text() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (Path("a"),), None)
    record.fields = {"path": Path("b")}
    assert json.loads(JsonFormatter().format(record))["path"] == "b"


def test_without_the_setting_no_request_is_logged_by_the_app(browser: Browser, lines: Lines) -> None:
    browser.get("/health")
    assert lines() == []
