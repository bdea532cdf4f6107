"""Trending: popularity in which older ratings count less."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.interactions import Float32Array, Ids, Interactions


@dataclass(frozen=True)
class TrendingParams:
    """A rating's weight halves every `half_life_days`; `w_r` and `w_c` as in PopularityParams."""

    half_life_days: float = 180.0
    w_r: float = 1.0
    w_c: float = 1.0
    min_weight: float = 1.0  # movies whose faded ratings add up to less are not recommended


@dataclass(frozen=True)
class Trending:
    """The same score for all users: w_r * weighted mean rating + w_c * log(1 + total weight of the ratings).

    Ages count from the last rating of the fit. `trend` is -inf for movies whose total weight is below `min_weight`.
    """

    movie_ids: Ids
    params: TrendingParams
    trend: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: TrendingParams | None = None) -> Self:
        p = params or TrendingParams()
        days = interactions.rated_on.astype(np.float64)
        weights = 0.5 ** ((days.max(initial=0) - days) / p.half_life_days)
        columns, n_movies = interactions.user_items.indices, len(interactions.movie_ids)
        count = np.bincount(columns, weights=weights, minlength=n_movies)
        total = np.bincount(columns, weights=weights * interactions.user_items.data, minlength=n_movies)
        score = p.w_r * total / np.maximum(count, 1e-9) + p.w_c * np.log1p(count)
        enough = count >= min(p.min_weight, count.max(initial=0))
        return cls(interactions.movie_ids, p, np.where(enough, score, -np.inf).astype(np.float32))

    def score(self, interactions: Interactions) -> Float32Array:
        return np.tile(self.trend, (len(interactions.user_ids), 1))

    def list_top_movies(self, n: int) -> list[int]:
        """Ids of the `n` movies with the highest score, best first; equal scores by ascending id."""
        order = np.argsort(-self.trend, kind="stable")[:n]
        return [int(self.movie_ids[at]) for at in order if np.isfinite(self.trend[at])]

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, trend=self.trend)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, TrendingParams, "trend"))
