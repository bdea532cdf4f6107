"""A name that the JSON API does not know is refused with a 422 that repeats it."""

import pytest

from tests.serving.asking import READING, READING_POSTS, post_json
from tests.serving.conftest import Browser


@pytest.mark.parametrize("path", READING)
def test_an_unknown_parameter_is_named(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200
    answer = browser.get(f"{path}{'&' if '?' in path else '?'}limt=3&topn=5")
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["errors"]] == [["query", "limt"], ["query", "topn"]]
    assert "query.limt: this address has no such parameter; it has " in answer.json()["detail"]


def test_the_refusal_lists_what_is_known(browser: Browser) -> None:
    assert "it has limit, offset" in browser.get("/api/movies/popular?limt=3").json()["detail"]
    assert "it has none" in browser.get("/api/movies/1?limt=3").json()["detail"]


@pytest.mark.parametrize(("path", "body"), READING_POSTS)
def test_an_unknown_name_in_a_body_is_named(browser: Browser, path: str, body: dict[str, object]) -> None:
    assert post_json(browser, path, body).status_code == 200
    answer = post_json(browser, path, body | {"topn": 3})
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["errors"]] == [["body", "topn"]]


@pytest.mark.parametrize(("path", "body"), READING_POSTS)
def test_a_parameter_beside_a_body_is_refused(browser: Browser, path: str, body: dict[str, object]) -> None:
    assert post_json(browser, f"{path}?top_n=3", body).status_code == 422


def test_an_unknown_name_deep_in_a_body_is_named(browser: Browser) -> None:
    answer = post_json(browser, "/api/fold-in", {"ratings": [{"movie_id": 1, "rating": 5, "rated": 1}]})
    assert [fault["loc"] for fault in answer.json()["errors"]] == [["body", "ratings", 0, "rated"]]


def test_a_long_or_undecodable_name_is_cut(browser: Browser) -> None:
    answer = browser.get(f"/top?{'x' * 3000}=1&%ff=1")
    assert answer.status_code == 422
    assert len(answer.content) < 1000


def test_a_probe_of_health_may_add_what_it_likes(browser: Browser) -> None:
    assert browser.get("/health/live?nocache=1").status_code == 200


def test_all_parameters_of_the_search_page_are_known(browser: Browser) -> None:
    query = (
        "q=movie&genre=Comedy&genre_mode=all&decade=1990&year_from=1990&year_to=2020&rating_min=1&ratings_min=1"
        "&tag=&only=&filter=&sort=year"
    )
    assert browser.get(f"/api/movies?{query}").status_code == 200
    assert browser.get("/search?q=movie&anything=else").status_code == 200
