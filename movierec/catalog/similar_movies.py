"""Similar movies: nearest by cosine of item factors, or by shared genres for movies with too few ratings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from movierec.data.interactions import Float32Array, Ids, Indices, index_of_ids
from movierec.data.top_k import iter_blocks, top_n

FACTOR_COSINE, GENRE_JACCARD, NOT_AVAILABLE = "als_cosine", "genre_jaccard", "not_available"


class SimilarMovies(NamedTuple):
    """Movies similar to one movie, most similar first; `model` is FACTOR_COSINE, GENRE_JACCARD or NOT_AVAILABLE."""

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
    vectors = item_factors[trusted]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    ids = movie_ids[trusted]

    def score(rows: Indices) -> Float32Array:
        cosine: Float32Array = unit[rows] @ unit.T
        return cosine

    return _build_similar_table(ids, np.arange(len(ids)), ids, score, n=n, model=FACTOR_COSINE)


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
    genres = table["genres"].list.join("|").str.split("|").to_list()
    names = sorted({genre for row in genres for genre in row})
    has = np.array([[name in row for name in names] for row in genres], dtype=np.float32)
    has = has.reshape(len(ids), len(names))
    sizes = has.sum(axis=1)
    order = np.argsort(ids)
    rows = index_of_ids(ids[order], movie_ids)
    rows = order[rows[rows >= 0]]

    def score(block: Indices) -> Float32Array:
        shared = has[block] @ has.T
        jaccard: Float32Array = shared / (sizes[block][:, None] + sizes[None, :] - shared)
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
