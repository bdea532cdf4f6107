import math

import polars as pl
import pytest

from movierec.evaluation.list_properties import SMOOTHING, measure_lists

MOVIES = pl.DataFrame(
    {"movie_id": [1, 2, 3, 4, 5], "genres": [["Comedy"], ["Drama"], ["Comedy", "Drama"], ["Horror"], []]},
    schema={"movie_id": pl.Int32, "genres": pl.List(pl.String)},
)
POPULARITY = pl.DataFrame(
    {"movie_id": [1, 2, 3, 4], "n_ratings": [10, 20, 40, 30]}, schema_overrides={"movie_id": pl.Int32}
)


def measure(listed, rated):
    rankings = pl.DataFrame(
        [("returning", "m", 7, movie, place + 1) for place, movie in enumerate(listed)],
        schema={"segment": pl.String, "model": pl.String, "user_id": pl.Int32, "movie_id": pl.Int32, "rank": pl.Int32},
        orient="row",
    )
    profiles = pl.DataFrame(
        [("returning", 7, movie) for movie in rated],
        schema={"segment": pl.String, "user_id": pl.Int32, "movie_id": pl.Int32},
        orient="row",
    )
    return measure_lists(rankings, profiles, POPULARITY, MOVIES)


def test_lift_is_how_much_more_rated_the_list_is_than_the_profile():
    assert measure([3, 4], [1, 2])["popularity_lift"].item() == pytest.approx(35 / 15 - 1)
    assert measure([1, 2], [1, 2])["popularity_lift"].item() == 0
    assert measure([5, 2], [2])["popularity_lift"].item() == pytest.approx(-0.5)  # nobody has rated movie 5


def test_genres_that_are_alike_diverge_by_nothing_and_a_missing_one_costs_its_share():
    assert measure([3], [1, 2])["genre_divergence"].item() == pytest.approx(0)
    # Half comedy and half drama wanted, comedy alone found.
    wanted = 0.5 * math.log(0.5 / (1 - SMOOTHING + SMOOTHING * 0.5)) + 0.5 * math.log(1 / SMOOTHING)
    assert measure([1], [1, 2])["genre_divergence"].item() == pytest.approx(wanted)
    assert measure([4], [1])["genre_divergence"].item() == pytest.approx(math.log(1 / SMOOTHING))


def test_only_the_first_ten_places_of_people_with_a_profile_count():
    assert measure([1] * 10 + [3] * 10, [1])["popularity_lift"].item() == 0
    assert measure([1], []).is_empty()
    assert measure([5], [1])["genre_divergence"].item() is None
