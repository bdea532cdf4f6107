import numpy as np
import polars as pl
import pytest

from movierec.candidates.ials import IALS, IALSParams
from movierec.features import RANKER_FEATURES, Features, movie_features, user_features
from movierec.interactions import Interactions
from movierec.ranking import Ranker, RankerParams, label_rows, ranked
from movierec.splits import known_at, part_of, split_by_user
from tests import factories

FAST = RankerParams(iterations=20)


def rows_of(split, n_candidates=10, max_users=100):
    history = known_at(split, "history")
    movies = factories.movies(40)
    features = Features.of(user_features(history, movies).collect(), movie_features(history, movies).collect())
    model = IALS.fit(Interactions.of(history), IALSParams(factors=4, regularization=0.1))
    return label_rows(model, features, part_of(split, "labels"), n_candidates=n_candidates, max_users=max_users)


@pytest.fixture(scope="module")
def split():
    return split_by_user(factories.checkerboard()).collect().lazy()


@pytest.fixture(scope="module")
def rows(split):
    return rows_of(split)


def test_a_users_rows_are_their_candidates_with_features(rows):
    assert rows.columns == ["user_id", "movie_id", "relevant", *RANKER_FEATURES]
    assert rows.group_by("user_id").len()["len"].unique().to_list() == [10]
    assert rows["user_id"].is_sorted()


def test_relevant_is_what_the_user_liked_in_the_labels(rows, split):
    liked = part_of(split, "labels").filter(pl.col("rating") >= 4.0).collect()
    found = rows.join(liked, on=["user_id", "movie_id"], how="semi")
    assert found["relevant"].all()
    assert rows["relevant"].sum() == len(found)


def test_users_who_liked_none_of_their_candidates_teach_nothing(rows):
    assert rows.group_by("user_id").agg(pl.col("relevant").any())["relevant"].all()


def test_no_row_has_a_movie_of_the_users_history(rows, split):
    assert rows.join(known_at(split, "history").collect(), on=["user_id", "movie_id"], how="semi").is_empty()


def test_nothing_after_the_labels_reaches_the_rankers_rows(rows, split):
    """Whatever the holdout says, what the ranker learns from stays the same to the bit."""
    holdout = pl.col("part") == "holdout"
    changed = split.with_columns(rating=pl.when(holdout).then(0.5).otherwise("rating").cast(pl.Float32))
    assert rows_of(changed).equals(rows)


def test_labels_change_what_is_relevant_and_no_feature(rows, split):
    """A feature that saw the labels would change with them."""
    labels = pl.col("part") == "labels"
    one_movie_less = split.filter(~(labels & (pl.col("movie_id") % 10 == 0)))
    keys = ["user_id", "movie_id"]
    both = rows.join(rows_of(one_movie_less), on=keys, suffix="_changed")
    assert len(both) > 0
    for name in RANKER_FEATURES:
        assert both[name].equals(both[f"{name}_changed"].alias(name), null_equal=True), name


def test_of_many_users_a_fixed_draw_is_taken(split):
    few = rows_of(split, max_users=5)["user_id"].unique()
    assert len(few) <= 5
    assert set(few) <= set(rows_of(split, max_users=20)["user_id"])


def test_nothing_to_learn_from_is_said(split):
    nothing = split.with_columns(rating=pl.lit(1.0, pl.Float32))
    with pytest.raises(ValueError, match="take a larger sample or more candidates"):
        rows_of(nothing)


def test_the_ranker_learns_the_feature_that_tells_relevant_from_not():
    random = np.random.default_rng(5)
    n_users, n = 60, 10
    values = random.random((n_users * n, len(RANKER_FEATURES))).astype(np.float32)
    telling = RANKER_FEATURES.index("genre_liking")
    table = pl.DataFrame(values, schema=list(RANKER_FEATURES), orient="row").with_columns(
        user_id=pl.Series(np.repeat(np.arange(n_users, dtype=np.int32), n)),
        movie_id=pl.Series(np.tile(np.arange(n, dtype=np.int32), n_users)),
        relevant=pl.Series(values[:, telling] > 0.7),
    )
    ranker = Ranker.fit(table, FAST)
    assert next(iter(ranker.importances)) == "genre_liking"
    low, high = values[:1].copy(), values[:1].copy()
    low[0, telling], high[0, telling] = 0.1, 0.9
    assert ranker.score(high)[0] > ranker.score(low)[0]


def test_what_was_saved_scores_the_same(rows, tmp_path):
    ranker = Ranker.fit(rows, FAST)
    ranker.save(tmp_path)
    loaded = Ranker.load(tmp_path)
    matrix = rows.select(RANKER_FEATURES).to_numpy().astype(np.float32)
    assert (ranker.score(matrix) == loaded.score(matrix)).all()
    assert (tmp_path / "model.cbm").is_file()
    assert loaded.importances.keys() == ranker.importances.keys()


def test_a_ranker_of_other_features_is_refused(rows, tmp_path):
    Ranker.fit(rows, FAST).save(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace("genre_liking", "shoe_size"))
    with pytest.raises(ValueError, match=r"shoe_size.*train again"):
        Ranker.load(tmp_path)


def test_early_stopping_watches_users_that_nothing_is_learnt_from(rows):
    few = Ranker.fit(rows.filter(pl.col("user_id") == rows["user_id"][0]), RankerParams(early_stopping_rounds=5))
    assert few.best_iteration == 5  # a single user cannot be both; it learns a few trees and stops


def test_equal_scores_keep_the_order_of_the_candidates():
    columns, scores = ranked(np.array([[1.0, 3.0, 1.0, 3.0]]), np.array([[9, 8, 7, 6]]), n=3)
    assert columns.tolist() == [[8, 6, 9]]
    assert scores.tolist() == [[3, 3, 1]]
