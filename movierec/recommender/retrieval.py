"""Retrieval: several candidate models (channels) propose movies, rank fusion picks the best, scores become features."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.base import check_movies
from movierec.data.interactions import UNKNOWN, Float32Array, Indices, Interactions
from movierec.data.top_k import top_n

NO_COLUMNS: Indices = np.empty(0, np.intp)
RANK_OFFSET = 60  # of reciprocal rank fusion, as in its paper
CANDIDATES_PER_CHANNEL = 100

# Recommenders by name: the channels whose candidates their ranker orders.
RECOMMENDER_CHANNELS: dict[str, tuple[str, ...]] = {
    "two_stage_als": ("als",),
    "two_stage_ials": ("ials",),
    "two_stage": ("ease", "ials", "transitions", "recent_popularity"),
}


class Proposals(NamedTuple):
    """Candidates of a block of users, best first: `columns` and fused `scores`, both users x n, and `signals`.

    `signals` are the ranker's features from the channels, each users x n, by the names of `list_signal_names`. Empty
    places have column UNKNOWN and score -inf.
    """

    columns: Indices
    scores: Float32Array
    signals: dict[str, Float32Array]


def list_signal_names(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the signals: score, rank and z of each channel, then score and z of each of its recent windows.

    z is the score standardised over the user's candidates. Recent windows have no rank, because that would need a sort
    of the whole catalogue for each.
    """
    names: list[str] = []
    for channel in channels:
        names += [f"{channel}_{kind}" for kind in ("score", "rank", "z")]
        names += [f"{channel}_last{k}_{kind}" for k in recent_windows(channel, channels) for kind in ("score", "z")]
    return tuple(names)


def recent_windows(channel: str, channels: tuple[str, ...]) -> tuple[int, ...]:
    """The recent windows of a channel: how many of the latest ratings it is asked about in addition to all of them.

    Empty if the channel is the only one.
    """
    return CANDIDATE_MODELS[channel].recent_windows if len(channels) > 1 else ()


@dataclass(frozen=True)
class Retrieval:
    """Channels by name, all fitted on `interactions`. With a single channel it returns that model's candidates.

    Raises ValueError if a model was fitted on other movies.
    """

    models: Mapping[str, CandidateModel]
    interactions: Interactions

    def __post_init__(self) -> None:
        for model in self.models.values():
            check_movies(model, self.interactions)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels, in order."""
        return tuple(self.models)

    @property
    def values_per_user(self) -> int:
        """Dense numbers that `propose` holds per user; `iter_blocks` takes it as the width of a row."""
        asked = sum(1 + len(recent_windows(name, self.channels)) for name in self.channels)
        return len(self.interactions.movie_ids) * (3 + asked)

    def propose(self, interactions: Interactions, *, n: int, without: Indices = NO_COLUMNS) -> Proposals:
        """The `n` best unseen movies of each user of `interactions`, by weighted reciprocal rank fusion (Cormack et al.
        2009).

        Users of the fit are known by their ratings like all others. The columns in `without` are proposed to nobody.
        The fused score is the sum over channels of weight / (RANK_OFFSET + rank), over the first max(n,
        CANDIDATES_PER_CHANNEL) of each channel. Where a user has too few unseen movies, the remaining places are
        UNKNOWN. Scores are dense: pass a block of users (see `iter_blocks`).
        """
        depth = min(max(n, CANDIDATES_PER_CHANNEL), len(interactions.movie_ids))
        views = {
            last: interactions.stack_latest(*last)
            for last in {recent_windows(name, self.channels) for name in self.channels}
        }
        scores: dict[str, Float32Array] = {}
        for name, model in self.models.items():
            last = recent_windows(name, self.channels)
            names = (name, *(f"{name}_last{k}" for k in last))
            scores |= zip(names, np.split(model.score(views[last]), len(names)), strict=True)
        weights = {name: CANDIDATE_MODELS[name].fusion_weight for name in self.channels}
        return fuse_channels(scores, weights, interactions.user_items, n=n, depth=depth, without=without)

    def save(self, folder: Path) -> None:
        """Writes the names of the channels, the ratings, and each channel into a folder of its name."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "channels.json").write_text(json.dumps(self.channels))
        self.interactions.save(folder / "interactions")
        for name, model in self.models.items():
            model.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; arrays are mapped read-only."""
        channels = json.loads((folder / "channels.json").read_text())
        models = {name: CANDIDATE_MODELS[name].model_class.load(folder / name) for name in channels}
        return cls(models, Interactions.load(folder / "interactions"))


class RankedMovies(NamedTuple):
    """What one channel proposes, users x depth, best first: columns, and ranks from 1, nan from where it has no more
    proposals."""

    columns: Indices
    ranks: Float32Array


def fuse_channels(
    scores: dict[str, Float32Array],
    weights: Mapping[str, float],
    seen: sp.csr_array,
    *,
    n: int,
    depth: int,
    without: Indices = NO_COLUMNS,
) -> Proposals:
    """Proposals from dense scores, each users x movies, by name of channel or window; -inf where a model has no score.

    Only the channels in `weights` propose movies, each its first `depth`, and their ranks count by these weights; the
    recent windows only add signals. Overwrites with -inf the scores of movies in `seen` and of the columns in
    `without`.
    """
    users = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
    for dense in scores.values():
        dense[users, seen.indices] = -np.inf
        dense[:, without] = -np.inf
    proposed = {name: _rank_movies(scores[name], depth=depth) for name in weights}
    columns, fused = top_n(_fuse_ranks(proposed, weights, seen.shape), n=min(n, seen.shape[1]))
    signals = _collect_signals(scores, proposed, columns)
    return Proposals(np.where(np.isneginf(fused), UNKNOWN, columns), fused, signals)


def _rank_movies(scores: Float32Array, *, depth: int) -> RankedMovies:
    """The first `depth` movies of each user by the scores of one channel (users x movies)."""
    columns, values = top_n(scores, n=depth)
    places = np.arange(1, depth + 1, dtype=np.float32)
    return RankedMovies(columns, np.where(np.isneginf(values), np.nan, places))


def _fuse_ranks(
    proposed: Mapping[str, RankedMovies], weights: Mapping[str, float], shape: tuple[int, ...]
) -> Float32Array:
    """Users x movies: sum over channels of weight / (RANK_OFFSET + rank), -inf for what no channel proposes."""
    fused = np.zeros(shape, dtype=np.float32)
    rows = np.arange(shape[0])[:, None]
    for name, (columns, ranks) in proposed.items():
        fused[rows, columns] += np.nan_to_num(weights[name] / (RANK_OFFSET + ranks))
    fused[fused == 0] = -np.inf
    return fused


def _collect_signals(
    scores: Mapping[str, Float32Array], proposed: Mapping[str, RankedMovies], columns: Indices
) -> dict[str, Float32Array]:
    """Score, rank and standardised score of the movies in `columns` (users x n), nan where there is none."""
    rows = np.arange(len(columns))[:, None]
    signals: dict[str, Float32Array] = {}
    for name, dense in scores.items():
        values = dense[rows, columns]
        values[np.isneginf(values)] = np.nan
        signals[f"{name}_score"] = values
        if name in proposed:
            ranks = np.full(dense.shape, np.nan, dtype=np.float32)
            ranks[rows, proposed[name].columns] = proposed[name].ranks
            signals[f"{name}_rank"] = ranks[rows, columns]
        signals[f"{name}_z"] = _standardise(values)
    return signals


def _standardise(values: Float32Array) -> Float32Array:
    """Values scaled to mean 0 and standard deviation 1 along the last axis; nan stays nan."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    filled = np.where(known, values, 0)
    centred = np.where(known, filled - filled.sum(axis=-1, keepdims=True) / count, 0)
    spread: npt.NDArray[np.float32] = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / count)
    return np.where(known, centred / (spread + 1e-9), np.nan).astype(np.float32)
