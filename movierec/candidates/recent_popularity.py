"""Recent popularity: how many people rated a movie lately."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.interactions import Float32Array, Ids, Indices, Interactions


@dataclass(frozen=True)
class RecentPopularityParams:
    """Counted are the last `days` days, or the last `share` of the time of all ratings if that is shorter."""

    days: float = 365.0
    share: float = 0.15


@dataclass(frozen=True)
class RecentPopularity:
    """The same score for everybody: the number of recent ratings; a movie without any is not recommended.

    Days count back from the last rating of the fit. A list of the last days is a strong floor when what is measured is
    later than all that is known (Ji, Sun, Zhang, Li 2020, "A re-visit of the popularity baseline").
    """

    movie_ids: Ids
    params: RecentPopularityParams
    counts: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: RecentPopularityParams | None = None) -> Self:
        p = params or RecentPopularityParams()
        days = interactions.rated_on.astype(np.float64)
        last = days.max(initial=0)
        length = min(p.days, p.share * (last - days.min(initial=last)))
        is_recent = days >= last - length
        counts = np.bincount(interactions.user_items.indices[is_recent], minlength=len(interactions.movie_ids))
        return cls(interactions.movie_ids, p, np.where(counts > 0, counts, -np.inf).astype(np.float32))

    def score(self, interactions: Interactions) -> Float32Array:
        return np.tile(self.counts, (len(interactions.user_ids), 1))

    def leave_one_out(self, single_user: Interactions, entries: Indices, columns: Indices) -> Float32Array:  # noqa: ARG002
        """0: no score depends on what the user rated."""
        return np.zeros((len(entries), len(columns)), np.float32)

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, counts=self.counts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, RecentPopularityParams, "counts"))
