"""Similar movies: by taste, genres and series together, or by genres alone for movies with too few ratings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from movierec.catalog.series import find_series
from movierec.data.interactions import Float32Array, Ids, Indices, Interactions, index_of_ids
from movierec.data.top_k import iter_blocks, top_n

FACTOR_COSINE, TASTE_AND_CONTENT = "als_cosine", "taste_and_content"
GENRE_JACCARD, NOT_AVAILABLE = "genre_jaccard", "not_available"

# Weights of the standardised similarities, and the bonus of a movie of the same series in standard deviations. Chosen
# by `make similar` (docs/similar.md).
CO_RATED_WEIGHT, FACTORS_WEIGHT, GENRES_WEIGHT, SERIES_BONUS = 1.0, 1.0, 0.5, 3.0
MIN_SERIES_SCORE = 1.0  # of a movie that the titles say is of the same series, before the bonus; else it is chance
CO_RATED_SHRINKAGE = 5.0  # users; a cosine from fewer common ones counts less


class SimilarMovies(NamedTuple):
    """Movies similar to one movie, most similar first; `model` is one of the four names above."""

    model: str
    movie_ids: list[int]
    scores: list[float]


def find_similar_by_factors(
    movie_ids: Ids, item_factors: Float32Array, n_ratings: Indices, *, n: int, min_ratings: int
) -> pl.DataFrame:
    """`movie_id, model, similar_ids, similarity_scores` for the movies with at least `min_ratings` ratings.

    Only these movies can be neighbours, because factors from few ratings say little. Similarity is the cosine x.y /
    (|x| |y|) of the item factors; only positive ones are kept, at most `n`.
    """
    trusted = np.flatnonzero(n_ratings >= min_ratings)
    unit = _normalize_rows(item_factors[trusted])
    ids = movie_ids[trusted]

    def score(rows: Indices) -> Float32Array:
        cosine: Float32Array = unit[rows] @ unit.T
        return cosine

    return _build_similar_table(ids, np.arange(len(ids)), ids, score, n=n, model=FACTOR_COSINE)


def find_similar_by_taste(
    interactions: Interactions, item_factors: Float32Array, movies: pl.DataFrame, *, n: int, min_ratings: int
) -> pl.DataFrame:
    """The same table, by who rates what, genres and series together.

    The score of a neighbour is a weighted sum of three similarities, each standardised over all neighbours of the
    movie: the cosine of the users who rated both, shrunk by CO_RATED_SHRINKAGE, the cosine of `item_factors`, and the
    Jaccard similarity of genres; and SERIES_BONUS where titles and score say that both are of one series.

    `movies` is `movie_id, title, genres`; its other columns are ignored. Only movies with at least `min_ratings`
    ratings have rows and are neighbours.
    """
    rated = interactions.user_items.astype(bool).astype(np.float32)
    counts = np.bincount(rated.indices, minlength=rated.shape[1])
    trusted = np.flatnonzero(counts >= min_ratings)
    ids, sizes = interactions.movie_ids[trusted], counts[trusted].astype(np.float32)
    by_movie = sp.csr_array(rated[:, trusted].T)
    users = sp.csr_array(by_movie.T)
    unit = _normalize_rows(item_factors[trusted])
    described = pl.DataFrame({"movie_id": ids}).join(movies, on="movie_id", how="left", maintain_order="left")
    genres, n_genres = _encode_genres(described["genres"])
    first, second = find_series(described["title"].fill_null("").to_list())
    series = sp.csr_array((np.ones(len(first), np.float32), (first, second)), shape=(len(ids), len(ids)))

    def score(rows: Indices) -> Float32Array:
        common = (by_movie[rows] @ users).toarray()
        co_rated = common / np.sqrt(np.outer(sizes[rows], sizes)) * (common / (common + CO_RATED_SHRINKAGE))
        shared = genres[rows] @ genres.T
        jaccard = shared / np.maximum(n_genres[rows][:, None] + n_genres[None, :] - shared, 1)
        total = CO_RATED_WEIGHT * _standardize_rows(co_rated)
        total += FACTORS_WEIGHT * _standardize_rows(unit[rows] @ unit.T)
        total += GENRES_WEIGHT * _standardize_rows(jaccard)
        total += SERIES_BONUS * series[rows].toarray() * (total > MIN_SERIES_SCORE)
        scores: Float32Array = total.astype(np.float32)
        return scores

    return _build_similar_table(ids, np.arange(len(ids)), ids, score, n=n, model=TASTE_AND_CONTENT)


def _normalize_rows(vectors: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Float32Array = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def _standardize_rows(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Each row with mean 0 and standard deviation 1; a row of equal values becomes 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    is_equal = spread <= 1e-5 * np.abs(values).max(axis=1, keepdims=True)  # but for rounding
    standardized: npt.NDArray[np.floating] = np.where(is_equal, 0, centred / np.where(is_equal, 1, spread))
    return standardized


def _encode_genres(genres: pl.Series) -> tuple[Float32Array, Float32Array]:
    """Movies x genres as 0 and 1, and the number of genres of each movie."""
    lists = [row or [] for row in genres.to_list()]
    names = sorted({genre for row in lists for genre in row})
    has = np.array([[name in row for name in names] for row in lists], dtype=np.float32).reshape(len(lists), len(names))
    sizes: Float32Array = has.sum(axis=1)
    return has, sizes


def find_similar_by_genres(movies: pl.DataFrame, movie_ids: Ids, popularity: pl.DataFrame, *, n: int) -> pl.DataFrame:
    """The same table for `movie_ids`, by Jaccard similarity of genres; movies without genres have no rows.

    `movies`: `movie_id, genres`. `popularity`: `movie_id, n_ratings`. Of equally similar movies the more rated come
    first, because visitors are more likely to know them.
    """
    table = (
        movies.filter(pl.col("genres").list.len() > 0)
        .join(popularity.select("movie_id", "n_ratings"), on="movie_id", how="left")
        .sort(pl.col("n_ratings").fill_null(0), "movie_id", descending=[True, False])
    )
    ids = table["movie_id"].to_numpy()
    has, sizes = _encode_genres(table["genres"])
    order = np.argsort(ids)
    rows = index_of_ids(ids[order], movie_ids)
    rows = order[rows[rows >= 0]]

    def score(block: Indices) -> Float32Array:
        shared = has[block] @ has.T
        jaccard: Float32Array = (shared / (sizes[block][:, None] + sizes[None, :] - shared)).astype(np.float32)
        return jaccard

    return _build_similar_table(ids[rows], rows, ids, score, n=n, model=GENRE_JACCARD)


def _build_similar_table(
    movie_ids: Ids, rows: Indices, neighbour_ids: Ids, score: Callable[[Indices], Float32Array], *, n: int, model: str
) -> pl.DataFrame:
    neighbours: list[list[int]] = []
    scores: list[list[float]] = []
    for block in iter_blocks(rows, len(neighbour_ids)):
        values = score(block)
        values[np.arange(len(block)), block] = -np.inf
        columns, best = top_n(values, n=min(n, len(neighbour_ids)))
        for found, similarity in zip(columns, best, strict=True):
            kept = similarity > 0
            neighbours.append(neighbour_ids[found[kept]].tolist())
            scores.append(similarity[kept].tolist())
    return pl.DataFrame(
        {
            "movie_id": movie_ids,
            "model": [model] * len(movie_ids),
            "similar_ids": neighbours,
            "similarity_scores": scores,
        },
        schema={
            "movie_id": pl.Int32,
            "model": pl.String,
            "similar_ids": pl.List(pl.Int32),
            "similarity_scores": pl.List(pl.Float32),
        },
    )


@dataclass(frozen=True)
class SimilarityIndex:
    """Neighbours of all movies in flat arrays: those of movie i are `similar[starts[i]:starts[i + 1]]`."""

    movie_ids: Ids
    models: list[str]
    starts: Indices
    similar: Ids
    scores: Float32Array

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> Self:
        """From a table as `find_similar_by_factors` makes it."""
        table = table.sort("movie_id")
        ids, scores = (table[name].explode(empty_as_null=False) for name in ("similar_ids", "similarity_scores"))
        starts = np.concatenate([[0], np.cumsum(table["similar_ids"].list.len().to_numpy())]).astype(np.intp)
        return cls(
            table["movie_id"].to_numpy(),
            table["model"].to_list(),
            starts,
            ids.cast(pl.Int32).to_numpy(),
            scores.to_numpy(),
        )

    def find_similar_movies(self, movie_id: int, *, n: int) -> SimilarMovies:
        """The `n` most similar movies; none, with model NOT_AVAILABLE, for a movie that is not in the index."""
        row = int(index_of_ids(self.movie_ids, [movie_id])[0])
        if row < 0:
            return SimilarMovies(NOT_AVAILABLE, [], [])
        here = slice(self.starts[row], min(self.starts[row] + n, self.starts[row + 1]))
        return SimilarMovies(self.models[row], self.similar[here].tolist(), self.scores[here].tolist())

    def save(self, folder: Path) -> None:
        """Writes `similar.parquet` in the published exchange format.

        Its columns are movieId, model, similar_ids, similarity_scores.
        """
        folder.mkdir(parents=True, exist_ok=True)
        sizes = np.diff(self.starts)
        owners = np.repeat(np.arange(len(self.movie_ids)), sizes)
        flat = pl.DataFrame({"row": owners, "similar_ids": self.similar, "similarity_scores": self.scores})
        rows = pl.DataFrame({"row": np.arange(len(self.movie_ids)), "movieId": self.movie_ids, "model": self.models})
        grouped = flat.group_by("row", maintain_order=True).agg(
            pl.col("similar_ids").cast(pl.Int64), pl.col("similarity_scores")
        )
        rows.join(grouped, on="row", how="left").drop("row").with_columns(
            pl.col("movieId").cast(pl.Int64), pl.col("similar_ids", "similarity_scores").fill_null([])
        ).write_parquet(folder / "similar.parquet")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        table = pl.read_parquet(folder / "similar.parquet")
        return cls.from_table(table.rename({"movieId": "movie_id"}))
