"""The ranker's training rows: candidates with their features and what the user then rated."""

from typing import NamedTuple

import numpy as np
import polars as pl

from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Interactions
from movierec.data.sampling import LABELS_DRAW, hash_to_fraction
from movierec.data.schema import RELEVANT
from movierec.data.top_k import iter_blocks
from movierec.data.windows import NEWCOMERS, RETURNING, Cases
from movierec.features.matrix import Features
from movierec.features.names import BASE_FEATURES
from movierec.recommender.retrieval import Proposals, Retrieval, list_signal_names

RATED_LOW_GAIN = 0.3  # training target of a candidate rated below RELEVANT (liked: 1, unrated: 0)
NON_FEATURE_COLUMNS = ("query_id", "user_id", "movie_id", "relevant", "gain")  # the other columns of training rows


class NothingToLearnError(ValueError):
    """No user liked any of their candidates in the labels; the message says what to do."""


def list_ranker_features(channels: tuple[str, ...], base_features: tuple[str, ...] = BASE_FEATURES) -> tuple[str, ...]:
    """Names of the ranker's features for these channels, in order: `base_features`, then the signals.

    `base_features` are the names of the Features that are used.
    """
    return (*base_features, *list_signal_names(channels))


def build_ranker_matrix(retrieval: Retrieval, features: Features, user_ids: Ids, proposals: Proposals) -> Float32Array:
    """The ranker's features of every proposal: (users * n) x `list_ranker_features`, user after user.

    At an UNKNOWN place stand the features of the first movie; the caller must ignore that row.
    """
    movie_ids = retrieval.interactions.movie_ids[np.where(proposals.columns == UNKNOWN, 0, proposals.columns)]
    signals = [proposals.signals[name].ravel() for name in list_signal_names(retrieval.channels)]
    return np.column_stack([features.build_matrix(user_ids, movie_ids), *signals])


class CandidateBlock(NamedTuple):
    """Proposals to a block of users; `feature_matrix` is (users * n) x features, None without a ranker."""

    users: Interactions
    proposals: Proposals
    feature_matrix: Float32Array | None


def build_label_rows(
    retrieval: Retrieval,
    features: Features,
    labels: pl.LazyFrame,
    *,
    n_candidates: int,
    max_users: int,
    folded_in: Interactions | None = None,
) -> pl.DataFrame:
    """The ranker's training rows: `query_id, user_id, movie_id, relevant, gain` and the features.

    A query is one list to order: the candidates of a user who is known by certain ratings. Its rows stand together.
    Here every user has one query, and `query_id` is the user's id.

    The rows of a user are the proposals of `retrieval`, which must be fitted on ratings before `labels`. Movies that
    the user then rated RELEVANT or better are relevant, with gain 1; movies rated lower have gain RATED_LOW_GAIN,
    unrated ones 0. Users without a relevant candidate are left out. Of more than `max_users` users a fixed draw is
    taken. With `folded_in`, users are taken from these interactions instead of the fit, and `features` must be computed
    for the same users.

    Raises NothingToLearnError if no user has a relevant candidate.
    """
    rated = labels.select("user_id", "movie_id", "rating").collect(engine="streaming")
    users = _draw_users(rated, max_users)
    rated = rated.filter(pl.col("user_id").is_in(users.implode()))
    interactions = folded_in or retrieval.interactions
    known = interactions.find_user_rows(users.to_numpy())
    tables = [
        _with_labels(_feature_rows(retrieval, features, interactions.select_users(block), n=n_candidates), rated)
        for block in iter_blocks(known[known != UNKNOWN], retrieval.values_per_user)
    ]
    rows = pl.concat(tables) if tables else pl.DataFrame()
    if rows.is_empty():
        raise NothingToLearnError(
            f"no user of {len(users)} liked one of the {n_candidates} candidates they were given: the ranker has "
            "nothing to learn from; take a larger sample or more candidates"
        )
    return rows


def _draw_users(rated: pl.DataFrame, max_users: int) -> pl.Series:
    """The ids of users who liked something, ascending; of more than `max_users` a fixed draw."""
    users = (
        rated.filter(pl.col("rating") >= RELEVANT)
        .select(pl.col("user_id").unique())
        .sort(hash_to_fraction(pl.col("user_id"), draw=LABELS_DRAW), "user_id")
        .head(max_users)["user_id"]
        .sort()
    )
    if users.is_empty():
        raise NothingToLearnError(
            f"nobody rated a movie {RELEVANT} or better after their history, so the ranker has nothing to learn from: "
            "take a larger sample, or data in which users have at least 7 ratings"
        )
    return users


def _feature_rows(retrieval: Retrieval, features: Features, users: Interactions, *, n: int) -> pl.DataFrame:
    """`user_id, movie_id` and the ranker's features of the `n` candidates of each user."""
    proposals = retrieval.propose(users, n=n)
    is_known = proposals.columns.ravel() != UNKNOWN
    matrix = build_ranker_matrix(retrieval, features, users.user_ids, proposals)[is_known]
    user_ids = np.repeat(users.user_ids, proposals.columns.shape[1])[is_known]
    ids = {
        "query_id": user_ids,
        "user_id": user_ids,
        "movie_id": users.movie_ids[proposals.columns.ravel()[is_known]],
    }
    names = list(list_ranker_features(retrieval.channels, features.feature_names))
    return pl.DataFrame(ids).hstack(pl.DataFrame(matrix, schema=names, orient="row"))


def _with_labels(rows: pl.DataFrame, rated: pl.DataFrame) -> pl.DataFrame:
    """The same rows with `relevant` and `gain` by what the users `rated`, of users with a relevant one."""
    labelled = rows.select("query_id", "user_id", "movie_id").join(
        rated, on=["user_id", "movie_id"], how="left", maintain_order="left"
    )
    relevant = (pl.col("rating") >= RELEVANT).fill_null(value=False)
    gain = pl.when(relevant).then(1.0).when(pl.col("rating").is_not_null()).then(RATED_LOW_GAIN).otherwise(0.0)
    labels = labelled.select("query_id", "user_id", "movie_id", relevant=relevant, gain=gain.cast(pl.Float32))
    return labels.hstack(rows.drop("query_id", "user_id", "movie_id")).filter(pl.col("relevant").any().over("user_id"))


# Whose lists the ranker learns from in a window: people as the site meets them.
TRAINING_SEGMENTS = (RETURNING, NEWCOMERS, "given_5")


def build_window_label_rows(
    retrieval: Retrieval, features: Features, cases: Cases, *, n_candidates: int, max_users: int
) -> pl.DataFrame:
    """`build_label_rows` of the users of a window, with a column `segment`: of each of TRAINING_SEGMENTS.

    `retrieval` and `features` know what was rated before the cut; newcomers are folded in by what they are `given`.
    Empty, without columns, where nobody liked one of their candidates.
    """
    tables = []
    for segment in TRAINING_SEGMENTS:
        given, asked = cases.take(segment)
        people = (
            None if segment == RETURNING else Interactions.from_ratings(given.lazy(), retrieval.interactions.movie_ids)
        )
        of_people = features if people is None else features.fold_in(people)
        try:
            rows = build_label_rows(
                retrieval, of_people, asked.lazy(), n_candidates=n_candidates, max_users=max_users, folded_in=people
            )
        except NothingToLearnError:
            continue  # other segments may teach something
        tables.append(rows.with_columns(segment=pl.lit(segment)))
    return pl.concat(tables) if tables else pl.DataFrame()


def pool_label_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of several windows as training rows: every user of each segment and window is a query of its own."""
    query = pl.struct("window", "segment", "user_id").rank("dense").cast(pl.Int32)
    return rows.with_columns(query_id=query).drop("window", "segment").sort("query_id", maintain_order=True)
