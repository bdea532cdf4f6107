"""Paging of every list: pages follow one another without a gap, and no movie comes twice."""

from typing import Any

import pytest

from tests.serving.asking import post_json
from tests.serving.conftest import Browser

GETS = [
    ("/top", "top_n"),
    ("/recommend?movie_id=1", "top_n"),
    ("/recommend-by-tags?user_id=3", "top_n"),
    ("/api/movies/popular", "limit"),
    ("/api/movies/personal?user_id=3", "limit"),
    ("/api/movies/personal?user_id=999999", "limit"),
    ("/api/movies/1/similar", "limit"),
]
POSTS: list[tuple[str, dict[str, Any]]] = [
    ("/recommend_content_based", {"movie_id": 1}),
    ("/recommend_session_based", {"user_id": 3}),
    ("/recommend_collaborative", {"user_id": 3}),
    ("/api/fold-in", {"ratings": [{"movie_id": 1, "rating": 5}]}),
    ("/api/fold-in", {"ratings": [], "genres": ["Drama"]}),
]


def ids(answer: dict[str, Any]) -> list[int]:
    return [movie["movie_id"] for movie in answer["movies"]]


def check_pages(whole: dict[str, Any], pages: list[dict[str, Any]]) -> None:
    found = [movie_id for page in pages for movie_id in ids(page)]
    assert found
    assert found == ids(whole)
    assert len(set(found)) == len(found)
    ranks = [movie["rank"] for page in pages for movie in page["movies"] if "rank" in movie]
    assert ranks in ([], list(range(1, len(found) + 1)))


@pytest.mark.parametrize(("path", "count"), GETS)
def test_pages_are_the_whole_list(browser: Browser, path: str, count: str) -> None:
    sign = "&" if "?" in path else "?"
    pages = [browser.get(f"{path}{sign}{count}=7&offset={offset}").json() for offset in range(0, 49, 7)]
    check_pages(browser.get(f"{path}{sign}{count}=100").json(), pages)


@pytest.mark.parametrize(("path", "body"), POSTS)
def test_pages_by_post_are_the_whole_list(browser: Browser, path: str, body: dict[str, Any]) -> None:
    pages = [post_json(browser, path, body | {"top_n": 7, "offset": offset}).json() for offset in range(0, 49, 7)]
    check_pages(post_json(browser, path, body | {"top_n": 100}).json(), pages)


def test_pages_for_many_users_are_their_whole_lists(browser: Browser) -> None:
    question = {"user_ids": [3, 4, 999_999], "top_n": 6}
    first, second = (
        post_json(browser, "/api/recommendations", question | {"offset": offset}).json()["answers"] for offset in (0, 6)
    )
    whole = post_json(browser, "/api/recommendations", question | {"top_n": 12}).json()["answers"]
    assert [ids(one) + ids(two) for one, two in zip(first, second, strict=True)] == [ids(each) for each in whole]


def test_explanations_go_with_their_page(browser: Browser) -> None:
    path = "/api/movies/personal?user_id=3&explain=true"
    page = browser.get(f"{path}&limit=3&offset=4").json()["movies"]
    assert page == browser.get(f"{path}&limit=7").json()["movies"][4:]
    assert all(movie["explanation"] for movie in page)


@pytest.mark.parametrize("path", ["/top?offset=100", "/top?offset=-1", "/api/movies/personal?user_id=3&offset=x"])
def test_there_is_no_place_after_the_hundredth(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "offset"]
