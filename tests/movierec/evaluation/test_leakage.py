"""Each way of knowing too much, planted, must be noticed."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from movierec.data.interactions import Interactions
from movierec.data.splitting import ratings_at_cut, select_part, split_by_user
from movierec.evaluation import leakage
from movierec.features.tables import compute_movie_features, compute_user_features
from tests import factories


@pytest.fixture(scope="module")
def split():
    return split_by_user(factories.make_checkerboard_ratings())


def label_rows(**features):
    random = np.random.default_rng(5)
    liked = random.random(1000) < 0.2
    columns = {name: make(liked, random) for name, make in features.items()}
    return pl.DataFrame({"user_id": 1, "movie_id": np.arange(1000), "relevant": liked, "gain": 1.0 * liked} | columns)


def test_a_label_planted_as_a_feature_is_noticed():
    rows = label_rows(
        honest=lambda liked, random: liked + random.normal(0, 1, 1000),
        planted=lambda liked, random: liked * 1.0,
        turned=lambda liked, random: -1.0 * liked + random.normal(0, 0.1, 1000),
        often_missing=lambda liked, random: np.where(random.random(1000) < 0.9, np.nan, 1.0),
    )
    assert list(leakage.leaking_features(rows)) == ["planted", "turned"]
    assert leakage.leaking_features(rows.head(60)) == {}  # too few rows to tell


def test_rows_of_the_holdout_in_a_fit_are_noticed(split):
    honest = Interactions.from_ratings(ratings_at_cut(split, "known"))
    assert leakage.count_future_ratings(honest, split, "known") == 0
    n_holdout = split.filter(pl.col("part") == "holdout").select(pl.len()).collect().item()
    assert (
        leakage.count_future_ratings(Interactions.from_ratings(ratings_at_cut(split, "all")), split, "known")
        == n_holdout
    )


def test_a_model_fitted_past_the_rankers_cut_is_noticed(split):
    n_labels = split.filter(pl.col("part") == "labels").select(pl.len()).collect().item()
    assert (
        leakage.count_future_ratings(Interactions.from_ratings(ratings_at_cut(split, "known")), split, "history")
        == n_labels
    )


def test_ratings_from_the_cut_on_are_counted_by_their_day():
    first = factories.FIRST_RATED_AT
    interactions = Interactions.from_ratings(factories.make_ratings((1, 1, 4.0), (1, 2, 4.0), (2, 1, 4.0)))
    assert leakage.count_ratings_from(interactions, first) == 3
    assert leakage.count_ratings_from(interactions, first + timedelta(days=2)) == 1
    assert leakage.count_ratings_from(interactions, first + timedelta(days=3)) == 0


def user_table(known, movies):
    return compute_user_features(
        Interactions.from_ratings(known.lazy()), compute_movie_features(known, movies).collect()
    ).lazy()


@pytest.mark.parametrize(("of", "make"), [("user", user_table), ("movie", compute_movie_features)])
def test_features_of_another_cut_are_noticed(split, of, make):
    def table(**cuts):
        made = [
            make(ratings_at_cut(split, cut), factories.make_movies(40)).with_columns(as_of=pl.lit(at))
            for at, cut in cuts.items()
        ]
        return pl.concat(made)

    honest = table(history="history", known="known", all="all")
    assert leakage.count_mismatched_rows(honest, split, entity=of) == 0
    later = table(history="known", known="known", all="all")
    labels, known = (select_part(split, "labels"), ratings_at_cut(split, "known"))
    assert leakage.count_mismatched_rows(later, split, entity=of) == labels.collect()[f"{of}_id"].n_unique()
    missing = honest.filter(pl.col("as_of") != "known")
    assert leakage.count_mismatched_rows(missing, split, entity=of) == known.collect()[f"{of}_id"].n_unique()


def test_shuffled_timestamps_are_noticed():
    split = split_by_user(factories.make_checkerboard_ratings())
    assert leakage.count_parts_out_of_order(split) == 0
    assert leakage.count_parts_out_of_order(split.with_columns(pl.col("rated_at").shuffle(seed=1))) > 0
