"""Re-ranking for diversity: a list of less similar movies, with a weight that says how much relevance may be lost."""

import numpy as np
import numpy.typing as npt

from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Indices
from movierec.features.matrix import Features

N_RERANKED = 50  # the best candidates that are re-ranked


def select_by_mmr(scores: Float32Array, vectors: Float32Array, *, weight: float, n: int) -> Indices:
    """Positions of `n` movies per row, picked by maximal marginal relevance (Carbonell and Goldstein 1998): users x n.

    `scores` is users x m, best first, `vectors` users x m x d, of length 1 or 0. The next pick maximises (1 - weight) *
    relevance - weight * (largest cosine to a movie already picked); relevance is the score scaled to 0..1 within the
    row. With weight 0 the order does not change. Scores of -inf are picked last.
    """
    users, m = scores.shape
    known = np.isfinite(scores)
    low = np.where(known, scores, np.inf).min(axis=1, keepdims=True)
    high = np.where(known, scores, -np.inf).max(axis=1, keepdims=True)
    relevance = np.where(known, (scores - low) / np.maximum(high - low, 1e-9), -np.inf)
    closest = np.zeros((users, m), np.float32)
    chosen = np.empty((users, min(n, m)), np.intp)
    left = np.ones((users, m), bool)
    everybody = np.arange(users)
    for place in range(chosen.shape[1]):
        worth = np.where(left, (1 - weight) * relevance - weight * closest, -np.inf)
        # Of what is not known, and so not wanted, the order stays.
        pick = np.where(np.isfinite(worth).any(axis=1), worth.argmax(axis=1), left.argmax(axis=1))
        chosen[:, place] = pick
        left[everybody, pick] = False
        cosine = np.einsum("umd,ud->um", vectors, vectors[everybody, pick])
        closest = np.maximum(closest, cosine)
    return chosen


def diversify(
    features: Features, movie_ids: Ids, columns: Indices, scores: Float32Array, *, weight: float, n: int
) -> tuple[Indices, Float32Array]:
    """The first `n` of each row, best first, put together by maximal marginal relevance over genres; both users x n.

    `columns` are places in `movie_ids`; UNKNOWN ones stay behind.
    """
    vectors = features.get_genre_vectors(movie_ids[np.where(columns == UNKNOWN, 0, columns)])
    places = select_by_mmr(np.where(columns == UNKNOWN, -np.inf, scores), vectors, weight=weight, n=n)
    return np.take_along_axis(columns, places, axis=1), np.take_along_axis(scores, places, axis=1)


def intra_list_distance(vectors: Float32Array) -> npt.NDArray[np.float64]:
    """Mean of 1 - cosine over all pairs of each list (Ziegler et al. 2005): one number per user.

    `vectors` is users x n x d, of length 1 or 0.
    """
    n = vectors.shape[1]
    cosines = np.einsum("und,umd->unm", vectors, vectors)
    pairs = cosines.sum(axis=(1, 2)) - np.trace(cosines, axis1=1, axis2=2)
    distance: npt.NDArray[np.float64] = 1 - pairs / max(1, n * (n - 1))
    return distance
