import numpy as np
import polars as pl
import pytest

from movierec.candidates.ials import IALS, IALSParams
from movierec.data.interactions import Interactions
from movierec.data.sampling import VALIDATION_DRAW, hash_to_fraction
from movierec.data.splitting import ratings_at_cut, select_part, split_by_user
from movierec.data.windows import RETURNING, Cases
from movierec.evaluation.evaluation import out_of_fold_metrics
from movierec.features.matrix import Features
from movierec.recommender.ranker import Ranker, RankerParams, sort_candidates, split_folds
from movierec.recommender.retrieval import Retrieval
from movierec.recommender.training_rows import (
    NON_FEATURE_COLUMNS,
    RATED_LOW_GAIN,
    TRAINING_SEGMENTS,
    build_label_rows,
    build_window_label_rows,
    list_ranker_features,
    pool_label_rows,
)
from tests import factories

FAST = RankerParams(iterations=20, folds=2)
FEATURES = list_ranker_features(("ials",))


def rows_of(split, n_candidates=10, max_users=100):
    history = ratings_at_cut(split, "history")
    movies = factories.make_movies(40)
    features = Features.from_ratings(history, movies)
    interactions = Interactions.from_ratings(history)
    retrieval = Retrieval({"ials": IALS.fit(interactions, IALSParams(factors=4))}, interactions)
    labels = select_part(split, "labels")
    return build_label_rows(retrieval, features, labels, n_candidates=n_candidates, max_users=max_users)


@pytest.fixture(scope="module")
def split():
    return split_by_user(factories.make_checkerboard_ratings()).collect().lazy()


@pytest.fixture(scope="module")
def rows(split):
    return rows_of(split)


def test_a_users_rows_are_their_candidates_with_features(rows):
    assert rows.columns == [*NON_FEATURE_COLUMNS, *FEATURES]
    assert rows.group_by("user_id").len()["len"].unique().to_list() == [10]
    assert rows["user_id"].is_sorted()


def test_relevant_is_what_the_user_liked_in_the_labels(rows, split):
    liked = select_part(split, "labels").filter(pl.col("rating") >= 4.0).collect()
    found = rows.join(liked, on=["user_id", "movie_id"], how="semi")
    assert found["relevant"].all()
    assert rows["relevant"].sum() == len(found)


def test_what_was_rated_lower_gains_less_than_what_was_liked():
    """Everybody rates all movies but one in an order of their own; every fourth they do not like."""
    orders = [(user, [(user + at) % 40 + 1 for at in range(39)]) for user in range(1, 41)]
    turned = split_by_user(
        factories.make_ratings(*((user, movie, 4.5 if movie % 4 else 3.5) for user, order in orders for movie in order))
    )
    rows = rows_of(turned)
    rated = rows.join(select_part(turned, "labels").collect(), on=["user_id", "movie_id"], how="left", validate="1:1")
    told = rated.select("gain", "relevant", "rating").unique().sort("gain")
    assert told["gain"].to_list() == pytest.approx([0, RATED_LOW_GAIN, 1])
    assert told.select("relevant", "rating").rows() == [(False, None), (False, 3.5), (True, 4.5)]


def test_users_who_liked_none_of_their_candidates_teach_nothing(rows):
    assert rows.group_by("user_id").agg(pl.col("relevant").any())["relevant"].all()


def test_no_row_has_a_movie_of_the_users_history(rows, split):
    assert rows.join(ratings_at_cut(split, "history").collect(), on=["user_id", "movie_id"], how="semi").is_empty()


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
    for name in FEATURES:
        assert both[name].equals(both[f"{name}_changed"].alias(name), null_equal=True), name


def test_of_many_users_a_fixed_draw_is_taken(split):
    few = rows_of(split, max_users=5)["user_id"].unique()
    assert len(few) <= 5
    assert set(few) <= set(rows_of(split, max_users=20)["user_id"])


def test_nothing_to_learn_from_is_said(split):
    nothing = split.with_columns(rating=pl.lit(1.0, pl.Float32))
    with pytest.raises(ValueError, match=r"nobody rated a movie 4.0 or better after their history"):
        rows_of(nothing)


def test_the_ranker_learns_the_feature_that_tells_relevant_from_not():
    table = random_rows()
    telling = FEATURES.index("genre_liking")
    ranker = Ranker.fit(table, FAST)
    assert next(iter(ranker.importances)) == "genre_liking"
    low, high = (table.select(FEATURES).head(1).to_numpy().astype(np.float32) for _ in range(2))
    low[0, telling], high[0, telling] = 0.1, 0.9
    assert ranker.score(high)[0] > ranker.score(low)[0]


def test_what_was_saved_scores_the_same(rows, tmp_path):
    ranker = Ranker.fit(rows, FAST)
    ranker.save(tmp_path)
    loaded = Ranker.load(tmp_path)
    matrix = rows.select(FEATURES).to_numpy().astype(np.float32)
    assert (ranker.score(matrix) == loaded.score(matrix)).all()
    assert (tmp_path / "model.cbm").is_file()
    assert loaded.importances.keys() == ranker.importances.keys()


def random_rows(n_users=60, n=10, *, telling="genre_liking", seed=5):
    """Rows of random features of which one tells what is relevant."""
    values = np.random.default_rng(seed).random((n_users * n, len(FEATURES))).astype(np.float32)
    return pl.DataFrame(values, schema=list(FEATURES), orient="row").select(
        pl.Series("query_id", np.repeat(np.arange(n_users, dtype=np.int32), n)),
        pl.Series("user_id", np.repeat(np.arange(n_users, dtype=np.int32), n)),
        pl.Series("movie_id", np.tile(np.arange(n, dtype=np.int32), n_users)),
        (pl.col(telling) + 0.5 * pl.col("title_length") > 1).alias("relevant"),
        (pl.col(telling) + 0.5 * pl.col("title_length") > 1).cast(pl.Float32).alias("gain"),
        *FEATURES,
    )


def test_a_model_that_was_loaded_is_saved_and_loaded_again_without_complaint(rows, tmp_path, capfd):
    Ranker.fit(rows, FAST).save(tmp_path / "store")
    Ranker.load(tmp_path / "store").save(tmp_path / "bundle")
    capfd.readouterr()
    Ranker.load(tmp_path / "bundle")
    assert capfd.readouterr() == ("", "")


def test_each_fold_is_stopped_by_users_it_has_not_learnt_from():
    folds = split_folds(random_rows(100), RankerParams(folds=4))
    assert len(folds) == 4
    learnt, watched = ([set(table["user_id"]) for table in tables] for tables in zip(*folds, strict=True))
    assert all(a.isdisjoint(b) and len(a | b) == 100 for a, b in zip(learnt, watched, strict=True))
    assert [len(set.union(*watched)), sum(map(len, watched))] == [100, 100]


def test_who_is_set_aside_is_ranked_by_trees_that_learnt_from_others():
    """Where one half likes what the other does not, the trees of the others put the worst first."""
    rows = random_rows(100)
    first_half = hash_to_fraction(pl.col("user_id"), draw=VALIDATION_DRAW) < 0.5
    at_odds = rows.with_columns(
        relevant=pl.col("relevant") == first_half, gain=(pl.col("relevant") == first_half).cast(pl.Float32)
    )
    ndcg = []
    for table in (rows, at_odds):
        ranker, ranks = Ranker.fit_with_oof_ranks(table, FAST)
        assert ranker.importances == Ranker.fit(table, FAST).importances
        assert (
            ranks.sort("query_id", "rank").group_by("query_id").agg("rank")["rank"].to_list() == [[*range(1, 11)]] * 100
        )
        ndcg.append(out_of_fold_metrics(ranks, table)["ndcg_at_5"])
    assert ndcg[0] > 0.8
    assert ndcg[1] < 0.4


def test_nobody_is_ranked_where_too_few_can_be_set_aside():
    _, ranks = Ranker.fit_with_oof_ranks(random_rows(1), FAST)
    assert ranks.columns == ["query_id", "movie_id", "rank"]
    assert out_of_fold_metrics(ranks, random_rows(1)) == {}


def test_an_order_is_measured_by_the_relevant_rows_of_who_was_ranked():
    rows = pl.DataFrame({"query_id": [1, 1, 1, 2], "movie_id": [5, 6, 7, 5], "relevant": [False, True, False, True]})
    ranks = pl.DataFrame({"query_id": [1, 1, 1], "movie_id": [7, 6, 5], "rank": [1, 2, 3]})
    found = out_of_fold_metrics(ranks, rows)
    assert found["ndcg_at_5"] == pytest.approx(1 / np.log2(3))
    assert (found["recall_at_5"], found["mrr_at_10"], found["coverage_at_5"]) == (1, 0.5, 1)


def test_trees_beyond_the_best_for_the_watched_users_are_cut_off():
    """Nothing can be learnt from noise, so what is best for others comes early."""
    noise = random_rows(100).with_columns(gain=pl.Series(np.random.default_rng(1).random(1000) < 0.3).cast(pl.Float32))
    ranker = Ranker.fit(noise, RankerParams(iterations=200, early_stopping_rounds=20, one_fold_from=1))
    assert ranker.n_trees[0] < 150


def test_small_data_is_fitted_fold_by_fold_and_large_data_once():
    rows = random_rows(100)
    assert len(Ranker.fit(rows, RankerParams(iterations=5, folds=3)).n_trees) == 3
    assert len(Ranker.fit(rows, RankerParams(iterations=5, folds=3, one_fold_from=100)).n_trees) == 1


def test_a_single_user_teaches_a_few_trees():
    ranker = Ranker.fit(random_rows(1), RankerParams(early_stopping_rounds=5))
    assert ranker.n_trees == (5,)


def test_equal_scores_keep_the_order_of_the_candidates():
    columns, scores = sort_candidates(np.array([[1.0, 3.0, 1.0, 3.0]]), np.array([[9, 8, 7, 6]]), n=3)
    assert columns.tolist() == [[8, 6, 9]]
    assert scores.tolist() == [[3, 3, 1]]


@pytest.fixture(scope="module")
def retrieval_and_features(split):
    history = ratings_at_cut(split, "history")
    interactions = Interactions.from_ratings(history)
    retrieval = Retrieval({"ials": IALS.fit(interactions, IALSParams(factors=4))}, interactions)
    return retrieval, Features.from_ratings(history, factories.make_movies(40))


def cases_of(split, **newcomers):
    """Everybody returns, asked what they rated after the history. Newcomers give five ratings and are asked for the
    others."""
    later = select_part(split, "labels").collect()
    history = ratings_at_cut(split, "history").collect().with_columns(number=pl.int_range(pl.len()).over("user_id"))
    given, asked = [], [later.with_columns(segment=pl.lit(RETURNING))]
    for name, users in newcomers.items():
        rated = history.filter(pl.col("user_id").is_in(users)).with_columns(segment=pl.lit(name))
        given.append(rated.filter(pl.col("number") < 5))
        asked.append(rated.filter(pl.col("number") >= 5))
    columns = ["segment", "user_id", "movie_id", "rating", "rated_at"]
    return Cases(*(pl.concat([table.select(columns) for table in part]) for part in (given, asked)))


def test_rows_of_a_window_are_of_who_returns_and_of_newcomers_by_what_they_gave(retrieval_and_features, split):
    cases = cases_of(split, newcomers=[*range(1, 9)], given_5=[*range(5, 13)], given_10=[13])
    rows = build_window_label_rows(*retrieval_and_features, cases, n_candidates=30, max_users=100)
    assert rows["segment"].unique(maintain_order=True).to_list() == list(TRAINING_SEGMENTS)
    folded_in = rows.filter(pl.col("segment") != RETURNING)
    assert set(folded_in["user_id"]) <= set(range(1, 13))
    assert folded_in["user_num_ratings"].unique().to_list() == [5]
    assert rows.filter(segment=RETURNING)["user_num_ratings"].min() > 5
    given = cases.given.filter(segment="newcomers")
    shown = rows.filter(segment="newcomers")
    assert shown.join(given, on=["user_id", "movie_id"], how="semi").is_empty()


def test_each_user_of_each_segment_and_window_is_a_query_of_its_own(retrieval_and_features, split):
    cases = cases_of(split, newcomers=[*range(1, 13)])
    rows = build_window_label_rows(*retrieval_and_features, cases, n_candidates=10, max_users=100)
    both = pl.concat([rows.with_columns(window=pl.lit(name)) for name in ("a", "b")])
    pooled = pool_label_rows(both)
    assert pooled["query_id"].n_unique() == 2 * rows.select("segment", "user_id").n_unique()
    assert pooled["query_id"].is_sorted()
    assert pooled.group_by("query_id").agg(pl.col("user_id").n_unique())["user_id"].max() == 1
    assert {"window", "segment"}.isdisjoint(pooled.columns)
    for train, validation in split_folds(pooled, FAST):
        assert set(train["user_id"]).isdisjoint(validation["user_id"])  # of no window
    assert Ranker.fit(pooled, FAST).n_candidates == 10


def test_a_window_in_which_nobody_likes_a_candidate_has_no_rows(retrieval_and_features, split):
    cases = cases_of(split, newcomers=[1])
    nothing = cases._replace(asked=cases.asked.with_columns(rating=pl.lit(1.0, pl.Float32)))
    assert build_window_label_rows(*retrieval_and_features, nothing, n_candidates=10, max_users=100).is_empty()
