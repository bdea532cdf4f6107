"""Popularity: movies that many users rated, and rated well. Used for new users and for rows without a user."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from movierec.data.interactions import Float32Array, Ids, Indices, Interactions


@dataclass(frozen=True)
class PopularityParams:
    """Weights of the score, and the number of ratings below which a movie is not recommended."""

    w_r: float = 1.0  # weight of the mean rating
    w_c: float = 1.0  # weight of log(1 + number of ratings)
    min_ratings: int = 5  # movies with fewer are not recommended: a single five-star rating is no trend


@dataclass(frozen=True)
class Popularity:
    """The same score for all users: w_r * mean rating + w_c * log(1 + number of ratings)."""

    movie_ids: Ids
    params: PopularityParams
    mean_ratings: Float32Array
    n_ratings: Indices

    @classmethod
    def fit(cls, interactions: Interactions, params: PopularityParams | None = None) -> Self:
        items = interactions.user_items.tocsc()
        n_ratings = np.diff(items.indptr)
        mean_ratings = np.asarray(items.sum(axis=0)).ravel() / np.maximum(n_ratings, 1)
        return cls(interactions.movie_ids, params or PopularityParams(), mean_ratings.astype(np.float32), n_ratings)

    @property
    def popularity(self) -> Float32Array:
        """w_r * mean rating + w_c * log(1 + number of ratings) of each movie; -inf for movies with fewer than
        `min_ratings`.

        If no movie has that many ratings, the movies with the most ratings get a score.
        """
        p = self.params
        score = p.w_r * self.mean_ratings + p.w_c * np.log1p(self.n_ratings)
        # In a small sample no movie may reach the floor; then the movies with the most ratings count.
        floor = min(p.min_ratings, int(self.n_ratings.max(initial=0)))
        return np.where(self.n_ratings >= floor, score, -np.inf).astype(np.float32)

    def score(self, interactions: Interactions) -> Float32Array:
        return np.tile(self.popularity, (len(interactions.user_ids), 1))

    def compute_movie_stats(self) -> pl.DataFrame:
        """`movie_id, n_ratings, mean_rating, popularity` of each rated movie, most popular first.

        `popularity` is null for movies with fewer than `min_ratings` ratings; they stand last.
        """
        popularity = self.popularity
        return (
            pl.DataFrame(
                {
                    "movie_id": self.movie_ids,
                    "n_ratings": self.n_ratings.astype(np.int32),
                    "mean_rating": self.mean_ratings,
                    "popularity": np.where(np.isneginf(popularity), np.nan, popularity),
                },
            )
            .with_columns(pl.col("popularity").fill_nan(None))
            .sort("popularity", "n_ratings", "movie_id", descending=[True, True, False], nulls_last=True)
        )

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.compute_movie_stats().write_parquet(folder / "item_stats.parquet")
        (folder / "config.json").write_text(json.dumps(asdict(self.params), indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        stats = pl.read_parquet(folder / "item_stats.parquet").sort("movie_id")
        params = PopularityParams(**json.loads((folder / "config.json").read_text()))
        movie_ids, mean_ratings, n_ratings = (
            stats[name].to_numpy() for name in ("movie_id", "mean_rating", "n_ratings")
        )
        return cls(movie_ids, params, mean_ratings, n_ratings.astype(np.intp))
