"""The top of a score matrix: the one place where scores become a ranking."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Indices, Interactions
from movierec.data.schema import CANDIDATES

BLOCK_BYTES = 64 * 2**20  # users x movies are scored in blocks of about this size
SAMPLING_STEP = 16  # every 16th score is in the sample that tells where the top begins


def iter_blocks(rows: Indices, n_movies: int) -> Iterator[Indices]:
    """`rows` in pieces whose dense scores fit into BLOCK_BYTES."""
    size = max(1, BLOCK_BYTES // (4 * max(1, n_movies)))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def top_n_unseen(
    score: Callable[[Indices], Float32Array], interactions: Interactions, rows: Indices, *, n: int
) -> tuple[Indices, Float32Array]:
    """The `n` best columns nobody in `rows` has rated yet, and their scores; both len(rows) x n.

    Best first; equal scores by ascending column, so that a ranking is the same on every run. Where a user
    has fewer than `n` unseen movies the rest is UNKNOWN with score -inf. `score` gives a fresh dense block.
    """
    n_movies = len(interactions.movie_ids)
    best = np.full((len(rows), n), UNKNOWN, dtype=np.intp)
    best_scores = np.full((len(rows), n), -np.inf, dtype=np.float32)
    done = 0
    for block in iter_blocks(rows, n_movies):
        scores = score(block)
        for i, row in enumerate(block):
            scores[i, interactions.get_seen_columns(row)] = -np.inf
        columns, values = top_n(scores, n=min(n, n_movies))
        here = slice(done, done + len(block))
        best[here, : columns.shape[1]] = np.where(np.isneginf(values), UNKNOWN, columns)
        best_scores[here, : columns.shape[1]] = values
        done += len(block)
    return best, best_scores


def top_n(scores: Float32Array, *, n: int) -> tuple[Indices, Float32Array]:
    """Columns of the `n` highest scores of each row, best first, ties by ascending column."""
    n = min(n, scores.shape[1])
    best = np.empty((len(scores), n), dtype=np.intp)
    for row, chosen in zip(scores, best, strict=True):
        near = _find_top_columns(row, n)
        chosen[:] = near[np.argsort(-row[near], kind="stable")[:n]]
    return best, np.take_along_axis(scores, best, axis=1)


def _find_top_columns(row: Float32Array, n: int) -> Indices:
    """Ascending columns of at least the `n` highest scores, and of all scores equal to the n-th.

    A sample of the scores gives a threshold, above which only few are left to be sorted. With n = 200 this makes
    `best_columns` twice as fast as np.partition alone at 17,700 movies (0.2 ms a row, not 0.4), and three times at
    60,000. Where fewer than `n` scores lie above the threshold, np.partition decides.
    """
    sample = np.sort(row[::SAMPLING_STEP])
    place = 2 * n // SAMPLING_STEP + 8  # so low in the sample that nearly always more than `n` scores lie above
    if place < len(sample):
        above = np.flatnonzero(row > sample[-place])
        if len(above) >= n:
            return above
    if n == len(row):
        return np.arange(n)
    lowest = -np.partition(-row, n - 1)[n - 1]  # negated: np.partition is slow where most scores are -inf
    return np.flatnonzero(row >= lowest)


def to_ranking_table(user_ids: Ids, movie_ids: Ids, columns: Indices, scores: Float32Array) -> pl.DataFrame:
    """`user_id, movie_id, score, rank` of a block of rankings; rank counts from 1, UNKNOWN places left out."""
    n = columns.shape[1]
    known = (columns != UNKNOWN).ravel()
    return pl.DataFrame(
        {
            "user_id": np.repeat(user_ids, n)[known],
            "movie_id": movie_ids[columns.ravel()[known]],
            "score": scores.ravel()[known],
            "rank": np.tile(np.arange(1, n + 1, dtype=np.int32), len(user_ids))[known],
        },
        schema=CANDIDATES,
    )
