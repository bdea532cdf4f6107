from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.data.schema import TAGS
from movierec.data.splitting import (
    CUTS,
    ratings_at_cut,
    select_part,
    split_by_user,
    tags_at_cut,
)
from tests import factories


def at(*rows):
    """`(user_id, movie_id, day)`."""
    when = pl.Series([factories.FIRST_RATED_AT + timedelta(days=day) for _, _, day in rows], dtype=pl.Datetime("ms"))
    return factories.make_ratings(*[(user, movie, 4.0) for user, movie, _ in rows]).with_columns(rated_at=pl.lit(when))


def test_a_users_last_fifth_is_holdout_and_the_sixth_before_it_labels():
    table = factories.make_ratings(*[(1, movie, 4.0) for movie in range(1, 26)])
    parts = split_by_user(table).collect()
    assert parts["part"].to_list() == ["history"] * 16 + ["labels"] * 4 + ["holdout"] * 5


def test_a_user_with_four_ratings_is_history_alone():
    table = factories.make_ratings(*[(1, movie, 4.0) for movie in range(4)])
    assert split_by_user(table).collect()["part"].unique().to_list() == ["history"]


def test_ratings_of_one_second_are_ordered_by_movie():
    table = at(*[(1, movie, day) for movie, day in ((6, 0), (8, 1), (9, 2), (3, 2), (7, 2))])
    assert split_by_user(table).collect()["movie_id"].to_list() == [6, 8, 3, 7, 9]
    assert select_part(split_by_user(table), "holdout").collect()["movie_id"].to_list() == [9]


@pytest.mark.parametrize("moments", [1, 2])
def test_without_an_order_in_time_users_do_not_all_hold_out_the_same_movies(moments):
    table = at(*[(user, movie, movie % moments) for user in range(1, 41) for movie in range(1, 11)])
    split = split_by_user(table)
    held_out = select_part(split, "holdout").collect()
    assert held_out["user_id"].to_list() == [user for user in range(1, 41) for _ in range(2)]
    assert held_out["movie_id"].n_unique() == 10 / moments
    assert split_by_user(table.reverse()).collect().equals(split.collect())


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 30)), unique=True, max_size=80))
def test_parts_are_disjoint_complete_and_in_order_of_time(pairs):
    table = factories.make_ratings(*[(user, movie, 3.0) for user, movie in pairs])
    split = split_by_user(table).collect()
    assert sorted(split.select("user_id", "movie_id").rows()) == sorted(pairs)
    by_user = split.sort("user_id", "rated_at")
    steps = by_user.select(pl.col("part").to_physical().cast(pl.Int8).diff().over("user_id")).to_series()
    assert (steps.drop_nulls() >= 0).all()


def test_a_tag_is_known_once_its_writer_has_rated_later():
    table = factories.make_ratings((1, 1, 4.0), (1, 2, 4.0), (2, 1, 4.0))
    day = [factories.FIRST_RATED_AT + timedelta(days=days) for days in (0, 1, 2, 0)]
    tags = {"user_id": [1, 1, 1, 9], "movie_id": [1] * 4, "tag": list("abcd"), "tagged_at": day}
    assert tags_at_cut(pl.LazyFrame(tags, schema=TAGS), table).collect()["tag"].to_list() == ["a", "b"]


def test_a_cut_knows_only_what_lies_before_it():
    split = split_by_user(factories.make_checkerboard_ratings())
    rows = {cut: ratings_at_cut(split, cut).collect().height for cut in CUTS}
    labels, holdout = (select_part(split, part).collect().height for part in ("labels", "holdout"))
    assert rows["known"] == rows["history"] + labels
    assert rows["all"] == rows["known"] + holdout
    assert (
        ratings_at_cut(split, "known")
        .join(select_part(split, "holdout"), on=["user_id", "movie_id"])
        .collect()
        .is_empty()
    )
