"""Features and negatives for the ranker that were measured and rejected; kept for the ablation."""

from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from movierec.candidates.content import ContentModel
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Interactions
from movierec.data.splitting import tags_at_cut
from movierec.data.top_k import iter_blocks
from movierec.experiments.validation import VALIDATION_CHANNELS, UserMoviePairs, Validation
from movierec.features.content import build_content_vectors, compute_tag_weights, normalize_rows
from movierec.recommender.retrieval import CANDIDATES_PER_CHANNEL, Proposals
from movierec.recommender.training_rows import RATED_LOW_GAIN, build_ranker_matrix, list_ranker_features

POPULARITY_WINDOWS = (90, 365, 1_095)  # days
N_RECENT_RATINGS = 10  # ratings
DAY_SECONDS = 86_400
DAYS_BETWEEN_MOVIES = 2.0**20  # days; more than any date, so that the days of movies do not overlap on one axis
N_RANDOM_NEGATIVES = 30  # movies of the whole catalogue for each user
RANDOM_SEED = 7


def compute_popularity_windows(ratings: pl.LazyFrame, pairs: UserMoviePairs) -> dict[str, Float32Array]:
    """The movie's share of all ratings in each of POPULARITY_WINDOWS, per 10,000, and the days since its last rating.

    Windows end at the user's last rating. `days_unrated` is nan if the movie had no rating before.
    """
    table = ratings.select("user_id", "movie_id", day=pl.col("rated_at").dt.epoch("s") / DAY_SECONDS).collect()
    movie_ids, movies = np.unique(table["movie_id"].to_numpy(), return_inverse=True)
    days = np.sort(table["day"].to_numpy())
    by_movie = np.sort(
        movies * DAYS_BETWEEN_MOVIES + table["day"].to_numpy()
    )  # one axis, a movie's days after another's
    now = _find_last_days(table, pairs.user_ids)
    start = np.searchsorted(movie_ids, pairs.movie_ids) * DAYS_BETWEEN_MOVIES
    before = np.searchsorted(by_movie, start + now, side="right")
    found: dict[str, npt.NDArray[np.floating]] = {}
    for window in POPULARITY_WINDOWS:
        got = before - np.searchsorted(by_movie, start + now - window)
        given = np.searchsorted(days, now, side="right") - np.searchsorted(days, now - window)
        found[f"share_of_{window}_days"] = 1e4 * got / np.maximum(given, 1)
    latest = by_movie[np.maximum(before - 1, 0)] - start
    found["days_unrated"] = np.where((before > 0) & (latest >= 0), now - latest, np.nan)
    return {name: values.astype(np.float32) for name, values in found.items()}


def _find_last_days(table: pl.DataFrame, user_ids: Ids) -> npt.NDArray[np.float64]:
    last = table.group_by("user_id").agg(pl.col("day").max()).sort("user_id")
    return last["day"].to_numpy()[np.searchsorted(last["user_id"].to_numpy(), user_ids)]


def compute_content_likeness(
    movies: pl.LazyFrame, tags: pl.LazyFrame, ratings: pl.LazyFrame, pairs: UserMoviePairs
) -> dict[str, Float32Array]:
    """Mean cosine of the movie to the movies the user liked: over all ratings, and over the last N_RECENT_RATINGS."""
    content = build_content_vectors(movies.collect(), tags_at_cut(tags, ratings).collect())
    known = Interactions.from_ratings(ratings)
    model = ContentModel.fit(known, content=content)
    found: dict[str, Float32Array] = {}
    for name, people in (("likeness", known), ("likeness_lately", known.keep_latest(N_RECENT_RATINGS))):
        counts = np.maximum(np.diff(people.user_items.indptr), 1)
        rows, columns = people.find_user_rows(pairs.user_ids), people.find_movie_columns(pairs.movie_ids)
        found[name] = (model.score(people)[rows, columns] / counts[rows]).astype(np.float32)
    return found


def compute_tag_affinity(tags: pl.LazyFrame, ratings: pl.LazyFrame, pairs: UserMoviePairs) -> dict[str, Float32Array]:
    """Cosine of the movie's tags (TF-IDF) to the tags of the user's rated movies, weighted by rating - 3.5.

    0 without tags.
    """
    known = Interactions.from_ratings(ratings)
    weights = compute_tag_weights(known.movie_ids, tags_at_cut(tags, ratings).collect()).weights
    centred = known.user_items.copy()
    centred.data = centred.data - 3.5
    profiles = normalize_rows(sp.csr_array(centred @ weights))
    movies = normalize_rows(weights)
    rows, columns = known.find_user_rows(pairs.user_ids), known.find_movie_columns(pairs.movie_ids)
    return {"tag_affinity": np.asarray(profiles[rows].multiply(movies[columns]).sum(axis=1), np.float32).ravel()}


def build_extra_negatives(validation: Validation) -> dict[str, pl.DataFrame]:
    """Training rows of movies that were no candidates, by kind.

    `lot` is a random draw of the catalogue, `low` are movies that the user rated low in the labels.
    """
    retrieval, features = validation.history_cut
    candidates = validation.rows.select("user_id", "movie_id")
    users = candidates["user_id"].unique().sort().to_numpy()
    n_movies = len(retrieval.interactions.movie_ids)
    names = list(list_ranker_features(VALIDATION_CHANNELS, features.feature_names))
    lot = np.random.default_rng(RANDOM_SEED)
    low = validation.disliked.join(candidates, on=["user_id", "movie_id"], how="anti").filter(
        pl.col("movie_id").is_in(retrieval.interactions.movie_ids)  # others came later: no channel knows them
    )
    found: dict[str, list[pl.DataFrame]] = {"lot": [], "low": []}
    for block in iter_blocks(retrieval.interactions.find_user_rows(users), retrieval.values_per_user):
        people = retrieval.interactions.select_users(block)
        everything = retrieval.propose(people, n=n_movies)
        low_of = low.filter(pl.col("user_id").is_in(people.user_ids.tolist()))
        rated_low = np.zeros(everything.columns.shape, bool)
        rated_low[
            people.find_user_rows(low_of["user_id"].to_numpy()),
            people.find_movie_columns(low_of["movie_id"].to_numpy()),
        ] = True
        chosen = {
            "lot": lot.random(everything.columns.shape) < N_RANDOM_NEGATIVES / n_movies,
            "low": np.take_along_axis(rated_low, everything.columns, axis=1),
        }
        for name, places in chosen.items():
            some = _keep_places(everything, places & (everything.columns != UNKNOWN))
            there = (some.columns != UNKNOWN).ravel()
            matrix = build_ranker_matrix(retrieval, features, people.user_ids, some)[there]
            movie_ids = retrieval.interactions.movie_ids[some.columns.ravel()[there]]
            user_ids = np.repeat(people.user_ids, some.columns.shape[1])[there]
            ids = {"query_id": user_ids, "user_id": user_ids, "movie_id": movie_ids}
            table = pl.DataFrame(ids).hstack(pl.DataFrame(matrix, schema=names, orient="row"))
            found[name].append(table.join(candidates, on=["user_id", "movie_id"], how="anti"))
    gains = {"lot": 0.0, "low": RATED_LOW_GAIN}
    return {
        name: _complete_signals(validation.rows, pl.concat(tables), gain=gains[name]) for name, tables in found.items()
    }


def _keep_places(proposals: Proposals, places: npt.NDArray[np.bool_]) -> Proposals:
    """The proposals at the chosen `places` of each user, moved to the front; the remaining places are UNKNOWN."""
    width = int(places.sum(axis=1).max(initial=0))
    front = np.argsort(~places, axis=1, kind="stable")[:, :width]
    take = partial(np.take_along_axis, indices=front, axis=1)
    columns = np.where(take(places), take(proposals.columns), UNKNOWN)
    return Proposals(columns, take(proposals.scores), {name: take(of) for name, of in proposals.signals.items()})


def _complete_signals(rows: pl.DataFrame, table: pl.DataFrame, *, gain: float) -> pl.DataFrame:
    """`table` with all columns of `rows`, as if its movies were candidates.

    Ranks beyond CANDIDATES_PER_CHANNEL are nan; scores are standardised over the user's candidates.
    """
    scores = [name for name in rows.columns if name.endswith("_score")]
    known = [pl.col(name).fill_nan(None) for name in scores]
    spread = rows.group_by("user_id").agg(
        *(column.mean().name.suffix("_mean") for column in known),
        *(column.std(ddof=0).name.suffix("_std") for column in known),
    )
    standardised = [
        ((pl.col(name) - pl.col(f"{name}_mean")) / (pl.col(f"{name}_std") + 1e-9)).alias(f"{name[:-6]}_z")
        for name in scores
    ]
    ranks = [
        pl.when(pl.col(name) <= CANDIDATES_PER_CHANNEL).then(pl.col(name)).otherwise(np.nan).alias(name)
        for name in rows.columns
        if name.endswith("_rank")
    ]
    marked = table.join(spread, on="user_id", how="left").with_columns(
        *standardised, *ranks, relevant=pl.lit(value=False), gain=pl.lit(gain)
    )
    return marked.select(pl.col(name).cast(dtype) for name, dtype in rows.schema.items())
