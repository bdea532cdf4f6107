"""Errors of the JSON API are problem details, those of pages are pages."""

from pathlib import Path

import pytest

from tests.serving.asking import post
from tests.serving.conftest import Browser, browser_of

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/nothing", 404),
        ("/api/movies/999", 404),
        ("/api/movies/popular?limit=0", 422),
        ("/favorite-cluster", 422),
        ("/recommend_collaborative", 405),
        ("/train-kmeans", 405),
    ],
)
def test_a_machine_gets_a_problem(browser: Browser, path: str, status: int) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    content = answer.json()
    assert content["status"] == status
    assert content["type"] == "about:blank"
    assert content["title"]
    assert isinstance(content["detail"], str)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/movies/999", 404)])
def test_a_person_gets_a_page(browser: Browser, path: str, status: int) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


def test_a_crash_of_the_api_is_a_problem_without_a_traceback(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("serving.channels.by_channel", fails)
    answer = post(browser_of(home), "/recommend_collaborative", {"user_id": 1})
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "ZeroDivisionError" not in answer.text


def test_without_a_bundle_the_api_is_a_503_problem(tmp_path: Path) -> None:
    for path in ("/top", "/favorite-cluster?user_id=1", "/api/users/1/profile"):
        answer = browser_of(tmp_path).get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)


@pytest.mark.parametrize(
    ("path", "methods"), [("/train-kmeans", "POST"), ("/top", "GET, HEAD"), ("/recommend_content_based", "POST")]
)
def test_a_wrong_method_is_told_the_right_one(browser: Browser, path: str, methods: str) -> None:
    assert browser.ask("DELETE", path).headers["allow"] == methods


def test_who_has_the_answer_gets_304(browser: Browser) -> None:
    first = browser.get("/top")
    again = browser.get("/top", If_None_Match=f'"x", {first.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert browser.get("/top?top_n=2", If_None_Match=first.headers["etag"]).status_code == 200


def test_only_good_answers_have_an_etag(browser: Browser) -> None:
    assert "etag" not in browser.get("/api/movies/999").headers
    assert "etag" not in post(browser, "/recommend_collaborative", {"user_id": 1}).headers


def test_the_schema_tells_of_bounds(browser: Browser) -> None:
    schema = browser.get("/openapi.json").json()
    limit = schema["paths"]["/api/movies/popular"]["get"]["parameters"][0]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 20)
    assert schema["components"]["schemas"]["UserQuestion"]["properties"]["user_id"]["exclusiveMaximum"] == 10**18


def test_the_schema_tells_of_problems(browser: Browser) -> None:
    schema = browser.get("/openapi.json").json()
    answers = schema["paths"]["/recommend"]["get"]["responses"]
    assert set(answers) == {"200", "404", "422", "503"}
    for status in ("404", "422", "503"):
        assert answers[status]["content"] == {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "HTTPValidationError" not in schema["components"]["schemas"]
