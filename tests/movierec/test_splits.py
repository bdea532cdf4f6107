from datetime import timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from movierec.schema import TAGS
from movierec.splits import (
    CUTS,
    known_at,
    newcomers,
    part_of,
    split_by_time,
    split_by_user,
    tags_known_at,
)
from tests import factories


def test_a_users_last_fifth_is_holdout_and_the_sixth_before_it_labels():
    table = factories.ratings(*[(1, movie, 4.0) for movie in range(1, 26)])
    parts = split_by_user(table).collect()
    assert parts["part"].to_list() == ["history"] * 16 + ["labels"] * 4 + ["holdout"] * 5


def test_a_user_with_four_ratings_is_history_alone():
    table = factories.ratings(*[(1, movie, 4.0) for movie in range(4)])
    assert split_by_user(table).collect()["part"].unique().to_list() == ["history"]


def test_ratings_of_one_second_are_ordered_by_movie():
    table = factories.ratings(*[(1, movie, 4.0) for movie in (9, 3, 7, 1, 5)]).with_columns(
        pl.lit(factories.START).alias("rated_at").cast(pl.Datetime("ms"))
    )
    assert split_by_user(table).collect()["movie_id"].to_list() == [1, 3, 5, 7, 9]
    assert part_of(split_by_user(table), "holdout").collect()["movie_id"].to_list() == [9]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 30)), unique=True, max_size=80))
def test_parts_are_disjoint_complete_and_in_order_of_time(pairs):
    table = factories.ratings(*[(user, movie, 3.0) for user, movie in pairs])
    split = split_by_user(table).collect()
    assert sorted(split.select("user_id", "movie_id").rows()) == sorted(pairs)
    by_user = split.sort("user_id", "rated_at")
    steps = by_user.select(pl.col("part").to_physical().cast(pl.Int8).diff().over("user_id")).to_series()
    assert (steps.drop_nulls() >= 0).all()


def test_by_time_the_cuts_are_the_same_moments_for_everybody():
    table = factories.ratings(*[(1 + movie % 3, movie, 4.0) for movie in range(1, 26)])
    split = split_by_time(table).collect().sort("rated_at")
    assert split["part"].to_list() == ["history"] * 16 + ["labels"] * 4 + ["holdout"] * 5


def test_ratings_of_one_moment_are_not_cut_apart():
    moment = pl.lit(factories.START).alias("rated_at").cast(pl.Datetime("ms"))
    table = factories.ratings(*[(1, movie, 4.0) for movie in range(1, 11)]).with_columns(moment)
    assert split_by_time(table).collect()["part"].unique().to_list() == ["holdout"]


def test_newcomers_have_a_first_half_that_is_given():
    rows = [(1, movie, 4.0) for movie in range(1, 8)] + [(2, 5, 4.0), (1, 8, 4.0), (2, 3, 4.0), (2, 9, 4.0)]
    found = newcomers(split_by_time(factories.ratings(*rows), holdout=4 / 11), "holdout").collect()
    assert found.select("user_id", "movie_id", "given").rows() == [(2, 5, True), (2, 3, False), (2, 9, False)]


def test_a_tag_is_known_once_its_writer_has_rated_later():
    table = factories.ratings((1, 1, 4.0), (1, 2, 4.0), (2, 1, 4.0))
    day = [factories.START + timedelta(days=days) for days in (0, 1, 2, 0)]
    tags = {"user_id": [1, 1, 1, 9], "movie_id": [1] * 4, "tag": list("abcd"), "tagged_at": day}
    assert tags_known_at(pl.LazyFrame(tags, schema=TAGS), table).collect()["tag"].to_list() == ["a", "b"]


def test_a_cut_knows_only_what_lies_before_it():
    split = split_by_user(factories.checkerboard())
    rows = {cut: known_at(split, cut).collect().height for cut in CUTS}
    labels, holdout = (part_of(split, part).collect().height for part in ("labels", "holdout"))
    assert rows["known"] == rows["history"] + labels
    assert rows["all"] == rows["known"] + holdout
    assert known_at(split, "known").join(part_of(split, "holdout"), on=["user_id", "movie_id"]).collect().is_empty()
