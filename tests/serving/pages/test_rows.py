"""What a user likes, and the rows that follow from it."""

import re
from dataclasses import replace
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
from tests.broken import Broken, serve_changed_bundle
from tests.factories import make_checkerboard_ratings, publish_small_bundle
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
    rows = build_because_rows(bundle, liked, seen={2, 4})
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
    [row] = build_because_rows(known, [movie], seen=set(neighbours[:10]))
    assert [card.href for card in row.cards] == [f"/movies/{movie_id}?from=because" for movie_id in neighbours[10:30]]


def test_the_graph_stores_neighbours_enough_to_fill_a_row_up() -> None:
    assert SimilarConfig().n >= 2 * ROW_SIZE


def test_rows_of_another_user_say_whose_they_are(tmp_path: Path) -> None:
    """User 3 has rated half of the odd movies, so there are others like them."""
    has_not_seen = (pl.col("user_id") == 3) & (pl.col("movie_id") > 20)
    bundle = Bundle.open(publish_small_bundle(tmp_path, ratings=make_checkerboard_ratings().filter(~has_not_seen)))
    rows = build_because_rows(bundle, list_liked_by_user(bundle, 3), seen=get_rated_movie_ids(bundle, 3))
    titles = [f"Because user 3 liked {row.movie.title}" for row in rows]
    html = open_browser(tmp_path).get("/?user_id=3").text
    assert titles
    assert [title.strip() for title in re.findall(r">(Because [^<:]+)", html)] == titles


def test_a_row_of_few_is_left_out(bundle: Bundle) -> None:
    everything = set(bundle.catalogue.by_id)
    assert build_because_rows(bundle, list_liked_by_user(bundle, 3), seen=everything) == []
    assert get_rated_movie_ids(bundle, 999_999) == set()


def test_rows_that_fail_cost_only_themselves(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    browser = open_browser(home)
    serve_changed_bundle(browser.app, similar=Broken("no liked movies"))
    answer = browser.get("/?user_id=3")
    assert "Chosen for user 3" in answer.text
    assert "no liked movies" in caplog.text
