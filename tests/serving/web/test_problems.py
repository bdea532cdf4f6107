"""Errors of the JSON API are problem details, those of pages are pages."""

from pathlib import Path

import pytest

from tests.broken import Broken, serve_changed_bundle
from tests.serving.asking import post_json
from tests.serving.conftest import Browser, open_browser

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api", 404),
        ("/api/nothing", 404),
        ("/runs/x/y", 404),
        ("/top/x", 404),
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


BODIES = ["/recommend_content_based", "/recommend_collaborative", "/api/fold-in", "/train-kmeans"]


@pytest.mark.parametrize("path", BODIES)
def test_a_body_of_any_length_is_a_413_problem(browser: Browser, path: str) -> None:
    answer = post_json(browser, path, b" " * 1_000_001, Content_Type="application/json")
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


@pytest.mark.parametrize("length", [{"Content_Length": "1000001"}, {"Transfer_Encoding": "chunked"}])
def test_a_length_is_counted_where_it_is_not_said_and_believed_where_it_is(
    browser: Browser, length: dict[str, str]
) -> None:
    body = b"{" if "Content_Length" in length else b" " * 1_000_001
    answer = browser.send_request("POST", "/api/fold-in", body=body, Content_Type="application/json", **length)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_a_body_of_a_million_bytes_is_read(browser: Browser) -> None:
    body = b'{"user_id": 4}'.ljust(1_000_000)
    assert post_json(browser, "/recommend_collaborative", body, Content_Type="application/json").status_code == 200


@pytest.mark.parametrize("path", BODIES)
def test_what_another_site_sends_is_a_403_problem(browser: Browser, path: str) -> None:
    answer = post_json(browser, path, {}, Sec_Fetch_Site="cross-site")
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)


def test_a_crash_of_the_api_is_a_problem_without_a_traceback(home: Path) -> None:
    browser = open_browser(home)
    serve_changed_bundle(browser.app, recommender=Broken("a fault of ours"))
    answer = post_json(browser, "/recommend_collaborative", {"user_id": 1})
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["detail"] == "The error is on our side, and it has been logged."
    assert "a fault of ours" not in answer.text


def test_without_a_bundle_the_api_is_a_503_problem(tmp_path: Path) -> None:
    for path in ("/top", "/favorite-cluster?user_id=1", "/api/users/1/profile"):
        answer = open_browser(tmp_path).get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)


@pytest.mark.parametrize(
    ("path", "methods"), [("/train-kmeans", "POST"), ("/top", "GET, HEAD"), ("/recommend_content_based", "POST")]
)
def test_a_wrong_method_is_told_the_right_one(browser: Browser, path: str, methods: str) -> None:
    assert browser.send_request("DELETE", path).headers["allow"] == methods


def test_who_has_the_answer_gets_304(browser: Browser) -> None:
    first = browser.get("/top")
    again = browser.get("/top", If_None_Match=f'"x", {first.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert browser.get("/top?top_n=2", If_None_Match=first.headers["etag"]).status_code == 200


def test_an_etag_that_came_back_strong_is_the_same_one(browser: Browser) -> None:
    first = browser.get("/top", Accept_Encoding="gzip")
    again = browser.get("/top", Accept_Encoding="gzip", If_None_Match=first.headers["etag"].removeprefix("W/"))
    assert again.status_code == 304
    assert again.headers["vary"] == first.headers["vary"] == "Accept-Encoding"


def test_only_good_answers_have_an_etag(browser: Browser) -> None:
    assert "etag" not in browser.get("/api/movies/999").headers
    assert "etag" not in post_json(browser, "/recommend_collaborative", {"user_id": 1}).headers


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
    asked = schema["paths"]["/api/fold-in"]["post"]["responses"]
    for status in ("400", "403", "413"):
        assert asked[status]["content"] == {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "Problem" in schema["components"]["schemas"]
    assert "HTTPValidationError" not in schema["components"]["schemas"]
