"""Our metrics against an independent implementation, ranx (Bassani 2022)."""

import numpy as np
import polars as pl
import pytest

from movierec import metrics

ranx = pytest.importorskip("ranx")
pytestmark = pytest.mark.filterwarnings("ignore::numba.core.errors.NumbaTypeSafetyWarning")  # ranx's own code


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
    qrels = ranx.Qrels({str(user): {str(movie): 1 for movie in movies} for user, movies in by_user(relevant)})
    ranked = {str(user): {str(m): 100.0 - place for place, m in enumerate(ms)} for user, ms in by_user(rankings)}
    theirs = ranx.evaluate(qrels, ranx.Run(ranked), f"{name}@{k}")
    ours = metrics.per_user(rankings, relevant)[f"{name}_at_{k}"].mean()
    assert ours == pytest.approx(theirs, abs=1e-9)


def by_user(table):
    return table.group_by("user_id", maintain_order=True).agg("movie_id").iter_rows()
