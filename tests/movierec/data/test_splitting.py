from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.data.schema import TAGS
from movierec.data.splitting import (
    CUTS,
    can_split_by_time,
    new_user_ratings,
    ratings_at_cut,
    select_part,
    split_by_time,
    split_by_user,
    tags_at_cut,
)
from tests import factories


def at(*rows):
    """`(user_id, movie_id, day)`."""
    when = pl.Series([factories.FIRST_RATED_AT + timedelta(days=day) for _, _, day in rows], dtype=pl.Datetime("ms"))
    return factories.make_ratings(*[(user, movie, 4.0) for user, movie, _ in rows]).with_columns(rated_at=pl.lit(when))


def at_moments(*days):
    """A rating a day given, of five users in turn."""
    return at(*[(1 + i % 5, i + 1, day) for i, day in enumerate(days)])


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


def test_by_time_the_cuts_are_the_same_moments_for_everybody():
    table = factories.make_ratings(*[(1 + movie % 3, movie, 4.0) for movie in range(1, 26)])
    split = split_by_time(table).collect().sort("rated_at")
    assert split["part"].to_list() == ["history"] * 16 + ["labels"] * 4 + ["holdout"] * 5


@given(st.lists(st.integers(0, 5), min_size=3, max_size=40))
def test_ratings_of_one_moment_are_not_cut_apart_and_no_part_is_empty_where_there_are_three(days):
    table = at_moments(*days)
    assert can_split_by_time(table) == (len(set(days)) > 2)
    if len(set(days)) > 2:
        split = split_by_time(table).collect()
        assert split.group_by("rated_at").agg(pl.col("part").n_unique())["part"].to_list() == [1] * len(set(days))
        assert split["part"].n_unique() == 3
        assert split.sort("rated_at")["part"].to_physical().is_sorted()


@pytest.mark.parametrize("days", [[3] * 50, [3] * 20 + [4] * 30])
def test_ratings_of_fewer_than_three_moments_are_split_by_user(days):
    assert split_by_time(at_moments(*days)).collect().equals(split_by_user(at_moments(*days)).collect())


def test_newcomers_have_a_first_half_that_is_given():
    rows = [(1, movie, 4.0) for movie in range(1, 8)] + [(2, 5, 4.0), (1, 8, 4.0), (2, 3, 4.0), (2, 9, 4.0)]
    found = new_user_ratings(split_by_time(factories.make_ratings(*rows), holdout=4 / 11), "holdout").collect()
    assert found.select("user_id", "movie_id", "given").rows() == [(2, 5, True), (2, 3, False), (2, 9, False)]


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
