"""Leakage checks: no fit, feature or label row may use a rating from after its cut."""

from datetime import datetime

import numpy as np
import polars as pl

from movierec.data.interactions import Interactions
from movierec.data.splitting import CUTS, ratings_at_cut
from movierec.recommender.training_rows import NON_FEATURE_COLUMNS

LEAK_AUC = 0.95  # an AUC that no honest feature reaches
MAX_USERS_CHECKED = 5_000  # users
MIN_ROWS_PER_CLASS = 50  # rows per class below which an AUC means nothing


def count_parts_out_of_order(split: pl.LazyFrame) -> int:
    """Number of parts of users that begin before an earlier part of the same user ended."""
    bounds = split.group_by("user_id", "part").agg(first=pl.col("rated_at").min(), last=pl.col("rated_at").max())
    earlier = pl.col("last").cum_max().shift(1).over("user_id")
    disordered = bounds.sort("user_id", "part").select((pl.col("first") < earlier).sum())
    return int(disordered.collect().item())


def count_future_ratings(fitted: Interactions, split: pl.LazyFrame, cut: str) -> int:
    """Number of ratings the model was fitted on that are not known at `cut`; checks at most MAX_USERS_CHECKED users."""
    every = -(-len(fitted.user_ids) // MAX_USERS_CHECKED)
    fitted = fitted.select_users(np.arange(0, len(fitted.user_ids), every))
    rows = np.repeat(np.arange(len(fitted.user_ids)), np.diff(fitted.user_items.indptr))
    pairs = {"user_id": fitted.user_ids[rows], "movie_id": fitted.movie_ids[fitted.user_items.indices]}
    return int(
        pl.LazyFrame(pairs)
        .join(ratings_at_cut(split, cut), on=["user_id", "movie_id"], how="anti")
        .select(pl.len())
        .collect(engine="streaming")
        .item()
    )


def count_ratings_from(interactions: Interactions, moment: datetime) -> int:
    """How many ratings are of the day of `moment` or later."""
    day = (moment - datetime(1970, 1, 1)).days  # noqa: DTZ001  rated_at is UTC without a zone
    return int((interactions.rated_on >= day).sum())


def count_mismatched_rows(features: pl.LazyFrame, split: pl.LazyFrame, *, entity: str) -> int:
    """Number of rows of a feature table whose `*_num_ratings` is not the number of ratings known at the row's cut.

    `entity` is "user" or "movie".
    """
    here = ["as_of", f"{entity}_id"]
    counts = [ratings_at_cut(split, cut).group_by(f"{entity}_id").len().with_columns(as_of=pl.lit(cut)) for cut in CUTS]
    told = pl.col(f"{entity}_num_ratings").fill_null(0).cast(pl.Int64)
    return int(
        features.join(pl.concat(counts), on=here, how="full", coalesce=True)
        .select((told != pl.col("len").fill_null(0)).sum())
        .collect(engine="streaming")
        .item()
    )


def leaking_features(rows: pl.DataFrame) -> dict[str, float]:
    """Features of label rows whose AUC alone is above LEAK_AUC (or below 1 - LEAK_AUC), with the AUC.

    The AUC is the share of pairs (liked, not liked) in which the liked row has the larger value, ties half (Hanley and
    McNeil 1982); missing values rank lowest. Empty if fewer than MIN_ROWS_PER_CLASS rows are liked or not liked.
    """
    liked = rows["relevant"].to_numpy()
    n_liked, n_other = int(liked.sum()), int((~liked).sum())
    if min(n_liked, n_other) < MIN_ROWS_PER_CLASS:
        return {}
    features = [name for name in rows.columns if name not in NON_FEATURE_COLUMNS]
    filled = rows.select(pl.col(features).fill_nan(None).fill_null(-np.inf).rank("average"))
    sums = filled.filter(pl.Series(liked)).sum().row(0, named=True)
    aucs = {name: (total - n_liked * (n_liked + 1) / 2) / (n_liked * n_other) for name, total in sums.items()}
    return {name: auc for name, auc in aucs.items() if max(auc, 1 - auc) > LEAK_AUC}
