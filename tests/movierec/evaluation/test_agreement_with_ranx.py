"""Our metrics against an independent implementation, ranx (Bassani 2022)."""

import numpy as np
import polars as pl
import pytest

from movierec.evaluation import metrics

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("NUMBA_DISABLE_JIT", "1")  # on lists this short ranx computes in no time, but compiles for 30 seconds
    ranx = pytest.importorskip("ranx")


@pytest.fixture(scope="module")
def case():
    """Fifty users, thirty of a hundred movies ranked for each, one to fifteen liked; by chance."""
    random = np.random.default_rng(11)
    ranked, liked = [], []
    for user in range(50):
        ranked += [(user, int(movie), rank) for rank, movie in enumerate(random.permutation(100)[:30], start=1)]
        liked += [(user, int(movie)) for movie in random.permutation(100)[: random.integers(1, 16)]]
    rankings = pl.DataFrame(ranked, schema=["user_id", "movie_id", "rank"], orient="row")
    relevant = pl.DataFrame(liked, schema=["user_id", "movie_id"], orient="row")
    return rankings, relevant


@pytest.mark.parametrize("k", metrics.KS)
@pytest.mark.parametrize("name", ["ndcg", "recall", "precision", "mrr"])
def test_metrics_agree_with_ranx(case, name, k):
    rankings, relevant = case
    ours = metrics.compute_user_metrics(rankings, relevant)[f"{name}_at_{k}"].mean()
    assert ours == pytest.approx(by_ranx(rankings, relevant, f"{name}@{k}").mean(), abs=1e-9)


@pytest.mark.parametrize("k", metrics.KS)
def test_map_agrees_with_ranx_but_for_what_no_list_of_k_can_hold(case, k):
    """ranx divides by all R liked movies, we by the min(k, R) that k places can hold."""
    rankings, relevant = case
    liked = relevant.group_by("user_id").len().sort("user_id")["len"].to_numpy()
    assert (liked > 5).any()
    ours = metrics.compute_user_metrics(rankings, relevant)[f"map_at_{k}"].to_numpy()
    assert ours * np.minimum(liked, k) / liked == pytest.approx(by_ranx(rankings, relevant, f"map@{k}"), abs=1e-9)


def by_ranx(rankings, relevant, metric):
    """One value a user, by ascending id."""
    qrels = ranx.Qrels({str(user): {str(movie): 1 for movie in movies} for user, movies in by_user(relevant)})
    ranked = {str(user): {str(m): 100.0 - place for place, m in enumerate(ms)} for user, ms in by_user(rankings)}
    run = ranx.Run(ranked)
    ranx.evaluate(qrels, run, metric)
    return np.array([run.scores[metric][user] for user in sorted(run.scores[metric], key=int)])


def by_user(table):
    return table.group_by("user_id", maintain_order=True).agg("movie_id").iter_rows()
