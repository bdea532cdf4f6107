"""`python -m assets.commands.counterparts` compares our candidate models with `implicit` and EASE.

All models are fitted on the same ratings and measured on the same holdout. Writes docs/counterparts.md.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from assets.commands.arguments import parse_arguments
from movierec.bundles.atomic_write import atomic_write
from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.base import top_candidates
from movierec.data.interactions import Float32Array, Indices, Interactions, binarize_likes
from movierec.data.sampling import MAX_USERS_PER_SEGMENT
from movierec.data.schema import RELEVANT
from movierec.data.splitting import ratings_at_cut
from movierec.data.top_k import to_ranking_table, top_n_unseen
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import Interval, bootstrap_mean
from movierec.evaluation.holdout import KNOWN_USERS, select_relevant_pairs
from movierec.settings import ROOT

PAGE_PATH = ROOT / "docs" / "counterparts.md"
SEED = 7

PAGE_HEAD = """# Counterparts

`make counterparts` writes this page for `{source}`, sample {sample}, on the rest of the sitting. It compares our
candidate models with the same models in the library `implicit` or as their papers describe them. Every model is
fitted on the ratings before the holdout and measured on the holdout: n = {n} users, nDCG@10, 95 % bootstrap
intervals over users, paired differences. Our models use the committed parameters. The counterparts are shown with
several parameters, because the best ones depend on the data; whoever picks their best row here favours them.

| ours | nDCG@10 | counterpart | nDCG@10 | ours - counterpart |
|---|---|---|---|---|
"""

ScoreFunction = Callable[[Indices], Float32Array]


class Counterpart(NamedTuple):
    """A model of a library or paper that is compared with our candidate model `our_model`.

    `fit(interactions)` returns a function from user rows to scores, an array of users x movies.
    """

    our_model: str
    counterpart_name: str
    fit: Callable[[Interactions], ScoreFunction]


class Comparison(NamedTuple):
    """nDCG@10 of our model and of the counterpart, and their paired difference (ours minus theirs), with intervals."""

    our_model: str
    our_ndcg: Interval
    counterpart_name: str
    counterpart_ndcg: Interval
    difference: Interval


def build_als_fit(
    factors: int, iterations: int, regularization: float, compute_weights: Callable[[sp.csr_array], sp.csr_array]
) -> Callable[[Interactions], ScoreFunction]:
    """Builds a fit function: ALS of `implicit` (Hu, Koren, Volinsky 2008).

    `compute_weights` turns the ratings matrix into confidence weights.
    """

    def fit(known: Interactions) -> ScoreFunction:
        from implicit.als import AlternatingLeastSquares

        with threadpool_limits(1, "blas"):  # as the library wants it
            model = AlternatingLeastSquares(
                factors=factors, iterations=iterations, regularization=regularization, random_state=SEED
            )
            model.fit(sp.csr_matrix(compute_weights(known.user_items)), show_progress=False)
        return lambda rows: np.asarray(model.user_factors[rows] @ model.item_factors.T, dtype=np.float32)

    return fit


def build_neighbours_fit(class_name: str, n_neighbours: int) -> Callable[[Interactions], ScoreFunction]:
    """Builds a fit function: an item-item model of `implicit` on liked movies.

    `class_name` is the name of its class in `implicit.nearest_neighbours`.
    """

    def fit(known: Interactions) -> ScoreFunction:
        from implicit import nearest_neighbours
        from implicit.utils import ParameterWarning

        users = sp.csr_matrix(binarize_likes(known.user_items, RELEVANT))
        model = getattr(nearest_neighbours, class_name)(K=n_neighbours)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ParameterWarning)  # of matrices that it made itself
            model.fit(users, show_progress=False)
        return lambda rows: (users[rows] @ model.similarity).toarray().astype(np.float32)

    return fit


def build_ease_fit(regularization: float) -> Callable[[Interactions], ScoreFunction]:
    """Builds a fit function: EASE (Steck 2019) on the liked movies, over all movies."""

    def fit(known: Interactions) -> ScoreFunction:
        users = binarize_likes(known.user_items, RELEVANT)
        gram = (users.T @ users).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += regularization
        inverse: npt.NDArray[np.float64] = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0)
        return lambda rows: np.asarray(users[rows] @ weights, dtype=np.float32)

    return fit


def fit_rating_counts(interactions: Interactions) -> ScoreFunction:
    """Scores every movie by its number of ratings, the same for all users."""
    counts = np.bincount(interactions.user_items.indices, minlength=len(interactions.movie_ids)).astype(np.float32)
    return lambda rows: np.tile(counts, (len(rows), 1))


def weigh_linearly(ratings: sp.csr_array) -> sp.csr_array:
    """Confidence weights 1 + 15 * rating for each stored rating."""
    data = (1 + 15 * ratings.data).astype(np.float32)
    return sp.csr_array((data, ratings.indices, ratings.indptr), shape=ratings.shape)


COUNTERPARTS = (
    Counterpart("popularity", "number of ratings", fit_rating_counts),
    Counterpart(
        "ials",
        "`implicit` ALS: 128 factors, regularization 0.01, 1 + 15 r",
        build_als_fit(128, 20, 0.01, weigh_linearly),
    ),
    *(
        Counterpart(
            "ials",
            f"`implicit` ALS: {factors} factors, regularization {penalty}, 16 where liked",
            build_als_fit(factors, 15, penalty, lambda ratings: 16 * binarize_likes(ratings, RELEVANT)),
        )
        for factors, penalty in ((64, 10), (64, 30), (128, 30), (128, 100))
    ),
    *(
        Counterpart("item_knn", f"`implicit` {kind}: {k} neighbours", build_neighbours_fit(kind, k))
        for kind in ("CosineRecommender", "TFIDFRecommender", "BM25Recommender")
        for k in (20, 400)
    ),
    *(Counterpart("ease", f"EASE: regularization {penalty}", build_ease_fit(penalty)) for penalty in (100, 200, 500)),
)


def compare_counterparts(
    interactions: Interactions, relevant: pl.DataFrame, counterparts: Iterable[Counterpart]
) -> list[Comparison]:
    """Fits every counterpart, and each of our models once, on `interactions`; compares their nDCG@10.

    `relevant` has the columns user_id and movie_id: the pairs to find. All of its users must be in `interactions`.
    """
    users = relevant["user_id"].unique().sort().to_numpy()
    rows = interactions.find_user_rows(users)
    ours: dict[str, npt.NDArray[np.float64]] = {}

    def ndcg(table: pl.DataFrame) -> npt.NDArray[np.float64]:
        return metrics.compute_user_metrics(table, relevant, ks=[10])["ndcg_at_10"].to_numpy()

    found = []
    for ours_name, name, fit in counterparts:
        if ours_name not in ours:
            ours[ours_name] = ndcg(
                top_candidates(CANDIDATE_MODELS[ours_name].fit(interactions), interactions, users, 10)
            )
        theirs = ndcg(
            to_ranking_table(users, interactions.movie_ids, *top_n_unseen(fit(interactions), interactions, rows, n=10))
        )
        intervals = map(bootstrap_mean, (ours[ours_name], theirs, ours[ours_name] - theirs))
        mean, other, difference = intervals
        found.append(Comparison(ours_name, mean, name, other, difference))
    return found


def render_page(comparisons: Sequence[Comparison], *, source: str, sample: str) -> str:
    """The whole page docs/counterparts.md in Markdown, one table row per comparison."""
    lines = [
        f"| {each.our_model} | {_format_interval(each.our_ndcg)} | {each.counterpart_name} "
        f"| {_format_interval(each.counterpart_ndcg)} "
        f"| {each.difference.value:+.4f} [{each.difference.low:+.4f}, {each.difference.high:+.4f}] |"
        for each in comparisons
    ]
    return PAGE_HEAD.format(source=source, sample=sample, n=comparisons[0].difference.n) + "\n".join(lines) + "\n"


def _format_interval(interval: Interval) -> str:
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares the models on a sample's stored split. Gives the exit code: 0, or 1 if there is no split."""
    settings, given = parse_arguments(argparse.ArgumentParser(prog="make counterparts", description=__doc__), arguments)
    table = settings.layout.locate_tables(given.sample) / "split.parquet"
    if not table.is_file():
        sys.stderr.write(f"{table} is not there: run `make pipeline SAMPLE={given.sample}` first\n")
        return 1
    split = pl.scan_parquet(table)
    wanted = select_relevant_pairs(split, max_users=MAX_USERS_PER_SEGMENT).filter(segment=KNOWN_USERS)
    found = compare_counterparts(Interactions.from_ratings(ratings_at_cut(split, "known")), wanted, COUNTERPARTS)
    with atomic_write(PAGE_PATH) as part:
        part.write_text(render_page(found, source=Path(settings.source).name, sample=given.sample))
    sys.stdout.write(f"{PAGE_PATH.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
