from datetime import datetime

import polars as pl
import pytest

from movierec.data.windows import Window
from movierec.evaluation.similar_movies import NEXT_LIKED, score_similar_movies, select_liked_pairs
from tests import factories

WINDOW = Window(datetime(2001, 1, 1), datetime(2002, 1, 1))  # noqa: DTZ001


def pairs_of(*rows):
    return pl.DataFrame(rows, schema={"user_id": pl.Int32, "movie_id": pl.Int32, "next_id": pl.Int32}, orient="row")


def lists_of(lists):
    return pl.DataFrame(
        {"movie_id": list(lists), "similar_ids": list(lists.values())},
        schema={"movie_id": pl.Int32, "similar_ids": pl.List(pl.Int32)},
    )


def test_pairs_are_liked_movies_of_one_user_in_order_of_time_inside_the_window():
    ratings = factories.make_ratings((1, 7, 5.0), (2, 3, 5.0), (1, 8, 2.0), (1, 9, 4.0), (2, 4, 4.5))
    assert sorted(select_liked_pairs(ratings, WINDOW).rows()) == [(1, 7, 9), (2, 3, 4)]
    later = Window(datetime(2001, 1, 3), WINDOW.end)  # noqa: DTZ001
    assert select_liked_pairs(ratings, later).is_empty()
    many = factories.make_ratings(*[(1, movie, 5.0) for movie in range(1, 12)])
    assert len(select_liked_pairs(many, WINDOW).filter(movie_id=1)) == NEXT_LIKED


def test_a_hit_counts_beyond_what_the_list_finds_by_chance():
    pairs = pairs_of((1, 1, 2), (1, 1, 3), (2, 2, 3), (2, 3, 3))
    scored = score_similar_movies(lists_of({1: [3], 2: [], 3: [2, 1]}), pairs)
    assert scored["hit"].to_list() == [0, 1, 0, 0]
    # Movie 3 is three of the four next ones, movie 2 one of them; nobody goes on to movie 1.
    assert scored["by_chance"].to_list() == pytest.approx([0.75, 0.75, 0, 0.25])


def test_lists_that_are_popular_whatever_the_movie_know_nothing():
    lists = {movie: [1, 2] for movie in range(1, 6)}
    pairs = pairs_of(*[(user, movie, 1 + (user + movie) % 5) for user in range(5) for movie in range(1, 6)])
    scored = score_similar_movies(lists_of(lists), pairs)
    assert scored["hit"].mean() == pytest.approx(scored["by_chance"].mean())


def test_movies_without_a_list_are_left_out_and_only_ten_places_count():
    lists = {1: [20, *range(2, 11), 30], 20: [1], 30: [1]}
    assert len(score_similar_movies(lists_of(lists), pairs_of((1, 1, 99), (1, 99, 1)))) == 0
    assert score_similar_movies(lists_of(lists), pairs_of((1, 1, 20), (1, 1, 30)))["hit"].to_list() == [1, 0]
