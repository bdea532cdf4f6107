"""What a user likes, and the rows that follow from it."""

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import polars as pl
import pytest

from assets.catalog import SimilarConfig
from movierec.bundles.bundle import Bundle, current_version
from movierec.catalog.similar_movies import SimilarityIndex
from serving.pages.cards import ROW_SIZE, build_because_rows
from serving.services.recommendations import (
    choose_preset_users,
    find_similar_movies,
    get_rated_movie_ids,
    list_liked_by_user,
)
from serving.services.taste import Taste, find_standout_trait
from tests.broken import Broken, get_bundle, serve_changed_bundle
from tests.serving.conftest import Browser, open_browser


@pytest.fixture(scope="module")
def bundle(home: Path) -> Bundle:
    folder = current_version(home / "published" / "full")
    assert folder is not None
    return Bundle.open(folder)


def test_the_movie_rated_last_comes_first(bundle: Bundle) -> None:
    # User 3 rated the odd movies in the order of their ids, all with at least 4.
    assert [movie.movie_id for movie in list_liked_by_user(bundle, 3)][:3] == [39, 37, 35]
    assert list_liked_by_user(bundle, 999_999) == []


def test_a_taste_is_what_exceeds_the_usual_share_most() -> None:
    usual = {"Drama": 0.5, "War": 0.1, "Comedy": 0.3}
    assert find_standout_trait({"Drama": 0.6, "War": 0.3}, usual) == "War"
    assert find_standout_trait({"Drama": 0.4}, usual) is None
    assert find_standout_trait({}, usual) is None


def test_presets_come_with_what_they_like(bundle: Bundle) -> None:
    users = choose_preset_users(bundle)
    assert [(user.user_id, user.taste) for user in users] == [
        (1, Taste("Comedy", 2000)),
        (15, Taste("Comedy", 1980)),
        (28, Taste("Action", 1990)),
    ]


def test_the_hint_stands_beside_the_user(browser: Browser) -> None:
    chips = re.findall(r"<small>(.*?)</small>", browser.get("/").text, flags=re.DOTALL)
    assert chips == ["Comedy, 2000s", "Comedy, 1980s", "Action, 1990s"]


def test_because_rows_hold_similar_movies_that_are_new(bundle: Bundle) -> None:
    liked = list_liked_by_user(bundle, 3)[:4]
    rows = build_because_rows(bundle, liked, without={2, 4})
    shown = [card.href.partition("?")[0] for row in rows for card in row.cards]
    assert 1 <= len(rows) <= 3
    assert len(shown) == len(set(shown))
    assert not {"/movies/2", "/movies/4"} & set(shown)
    alike = {f"/movies/{movie.movie_id}" for movie in find_similar_movies(bundle, rows[0].movie.movie_id, n=40).movies}
    assert {card.href.partition("?")[0] for card in rows[0].cards} <= alike


def test_a_because_row_is_filled_up_from_further_neighbours(bundle: Bundle) -> None:
    [movie, *others] = bundle.catalogue.movies[:36]
    neighbours = [other.movie_id for other in others]
    table = {
        "movie_id": [movie.movie_id],
        "model": ["als_cosine"],
        "similar_ids": [neighbours],
        "similarity_scores": [[1.0] * len(neighbours)],
    }
    known = replace(bundle, similar=SimilarityIndex.from_table(pl.DataFrame(table)))
    [row] = build_because_rows(known, [movie], without=set(neighbours[:10]))
    assert [card.href for card in row.cards] == [f"/movies/{movie_id}?from=because" for movie_id in neighbours[10:30]]


def test_the_graph_stores_neighbours_enough_to_fill_a_row_up() -> None:
    assert SimilarConfig().n >= 2 * ROW_SIZE


def read_rows(html: str) -> list[list[int]]:
    """The ids of the movies in each row of the home page, from the top."""
    rows = re.findall(r'id="[\w-]+-strip".*?</(?:ul|div)>', html, flags=re.DOTALL)
    return [[int(found) for found in re.findall(r'class="card" href="/movies/(\d+)', row)] for row in rows]


def test_no_movie_is_twice_in_the_rows_and_the_personal_row_keeps_its_ranking(many_movies: Path) -> None:
    browser = open_browser(many_movies)
    candidates = list(range(160, 0, -1))
    serve_changed_bundle(browser.app, trending=candidates)
    trending, personal, *because = read_rows(browser.get("/?user_id=3").text)
    told = browser.get("/api/movies/personal?user_id=3&limit=20").json()
    assert personal == [movie["movie_id"] for movie in told["movies"]]
    assert because
    shown = list(chain(trending, personal, *because))
    assert len(shown) == len(set(shown))
    assert set(personal) & set(candidates[:20])  # something had to give way
    assert trending == [movie for movie in candidates if movie not in personal][:20]


def test_the_row_of_another_user_brings_what_is_trending_beside_it(many_movies: Path) -> None:
    browser = open_browser(many_movies)
    serve_changed_bundle(browser.app, trending=list(range(160, 0, -1)))
    *shown_first, trending = read_rows(browser.get_fragment("/?user_id=3").text)
    assert [trending, *shown_first] == read_rows(browser.get("/?user_id=3").text)
    assert trending != read_rows(browser.get("/?user_id=4").text)[0]


def test_trending_is_what_the_model_says_and_not_what_is_popular(home: Path) -> None:
    browser = open_browser(home)
    serve_changed_bundle(browser.app, trending=[9, 4, 30, 7])
    assert read_rows(browser.get("/?user_id=").text) == [[9, 4, 30, 7]]


def test_trending_now_says_of_when_the_ratings_are(browser: Browser, bundle: Bundle) -> None:
    last = date(1970, 1, 1) + timedelta(days=int(bundle.recommender.interactions.rated_on.max()))
    assert f"as of {last.day} {last:%B} {last.year}" in browser.get("/").text


def test_rows_of_another_user_say_whose_they_are(many_movies: Path) -> None:
    browser = open_browser(many_movies)
    bundle = get_bundle(browser.app)
    html = browser.get("/?user_id=3").text
    shown = {*chain(*read_rows(html)[:2]), *get_rated_movie_ids(bundle, 3)}
    rows = build_because_rows(bundle, list_liked_by_user(bundle, 3), without=shown)
    titles = [f"Because user 3 liked {row.movie.title}" for row in rows]
    assert titles
    assert [title.strip() for title in re.findall(r">(Because [^<:]+)", html)] == titles


def test_of_equally_known_movies_the_one_liked_last_has_the_first_row(bundle: Bundle) -> None:
    liked = [movie._replace(n_ratings=7) for movie in bundle.catalogue.find_movies([5, 9, 1])]
    assert build_because_rows(bundle, liked, without=())[0].movie.movie_id == 5
    assert build_because_rows(bundle, liked[::-1], without=())[0].movie.movie_id == 1


def test_a_row_of_few_is_left_out(bundle: Bundle) -> None:
    everything = set(bundle.catalogue.by_id)
    assert build_because_rows(bundle, list_liked_by_user(bundle, 3), without=everything) == []
    assert get_rated_movie_ids(bundle, 999_999) == set()


def test_rows_that_fail_cost_only_themselves(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    browser = open_browser(home)
    serve_changed_bundle(browser.app, similar=Broken("no liked movies"))
    answer = browser.get("/?user_id=3")
    assert "Chosen for user 3" in answer.text
    assert "no liked movies" in caplog.text
