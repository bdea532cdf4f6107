"""What a choice of hyper-parameters is judged by: what people rated in windows of time, the last window left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl

from movierec.candidates import CANDIDATE_MODELS
from movierec.data.interactions import Interactions
from movierec.data.sampling import MAX_USERS_PER_SEGMENT
from movierec.data.splitting import ratings_at_cut, select_part
from movierec.data.windows import RATER_SEGMENTS, RETURNING, Cases, Window, ratings_before_cut, select_cases
from movierec.evaluation import metrics
from movierec.evaluation.backtest import METRIC, rank_cases, select_relevant_movies
from movierec.evaluation.evaluated_models import EvaluatedModel, build_candidate_model, build_evaluated_models
from movierec.features.matrix import Features
from movierec.recommender.ranker import Ranker, RankerParams
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Retrieval
from movierec.recommender.training_rows import build_window_label_rows, pool_label_rows

CHANNELS = RECOMMENDER_CHANNELS["two_stage"]
N_TRIAL_WINDOWS = 3  # on which a trial is judged, the last before the last window
N_LABEL_WINDOWS = 5  # before those, from which the ranker of a trial also learns
N_CANDIDATES = 100


@dataclass(frozen=True)
class TrialCut:
    """The ratings known at one cut, and the returning users and newcomers who are asked about there.

    `relevant` is `segment, user_id, movie_id`: what they then liked.
    """

    known: pl.LazyFrame
    cases: Cases
    relevant: pl.DataFrame

    @classmethod
    def from_window(cls, ratings: pl.LazyFrame, window: Window) -> Self:
        cases = select_cases(ratings, window)
        relevant = select_relevant_movies(cases).filter(pl.col("segment").is_in(RATER_SEGMENTS))
        return cls(ratings_before_cut(ratings, window), cases, relevant)

    @classmethod
    def from_split(cls, split: pl.LazyFrame) -> Self:
        """The labels of each user by their history, for ratings that no moment cuts in two."""
        history = ratings_at_cut(split, "history")
        asked = select_part(split, "labels").join(history, on="user_id", how="semi").collect()
        cases = Cases(
            pl.DataFrame(schema={"segment": pl.String, **asked.schema}), asked.with_columns(segment=pl.lit(RETURNING))
        )
        return cls(history, cases, select_relevant_movies(cases))

    @cached_property
    def interactions(self) -> Interactions:
        return Interactions.from_ratings(self.known)

    def score_users(self, model: EvaluatedModel) -> list[float]:
        """nDCG@10 of each user who is asked about, by segment."""
        ranking = rank_cases(model, self.cases, self.relevant, n=10)
        scores: list[float] = []
        for (segment,), wanted in self.relevant.group_by("segment", maintain_order=True):
            found = metrics.compute_user_metrics(ranking.filter(segment=segment), wanted, ks=[10])
            scores += found[METRIC].to_list()
        return scores


def list_trial_cuts(ratings: pl.LazyFrame, split: pl.LazyFrame, windows: Sequence[Window]) -> list[TrialCut]:
    """The cuts on which a trial is judged, oldest first: the last N_TRIAL_WINDOWS of `windows` but the very last.

    If nobody liked anything there, the split of each user's own ratings. Empty if nobody liked anything there either.
    """
    cuts = [TrialCut.from_window(ratings, window) for window in windows[:-1][-N_TRIAL_WINDOWS:]]
    found = [cut for cut in cuts if len(cut.relevant)] or [TrialCut.from_split(split)]
    return [cut for cut in found if len(cut.relevant)]


def compute_candidate_ndcg(name: str, params: Any, cuts: Sequence[TrialCut]) -> float:
    """Mean nDCG@10 over the users of all `cuts` of a candidate model that is fitted at each."""
    spec = CANDIDATE_MODELS[name]
    scores: list[float] = []
    for cut in cuts:
        model = spec.fit(cut.interactions, params)
        evaluated = build_candidate_model(model, cut.interactions, is_non_personal=spec.is_same_for_everybody)
        scores += cut.score_users(evaluated)
    return float(np.mean(scores))


@dataclass(frozen=True)
class RankerTrial:
    """A cut at which the ranker is judged: it orders the candidates of `retrieval`, and learns from `rows`, which are
    of earlier windows."""

    cut: TrialCut
    retrieval: Retrieval
    features: Features
    rows: pl.DataFrame

    def score_users(self, params: RankerParams) -> list[float]:
        """nDCG@10 of each user by the two-stage recommender with a ranker of these parameters."""
        ranker = Ranker.fit(self.rows, params)
        models = build_evaluated_models(
            dict(self.retrieval.models), {"two_stage": ranker}, self.retrieval.interactions, self.features
        )
        return self.cut.score_users(models["two_stage"])


def build_ranker_trials(ratings: pl.LazyFrame, movies: pl.LazyFrame, windows: Sequence[Window]) -> list[RankerTrial]:
    """A trial for each of the last N_TRIAL_WINDOWS of `windows` but the very last, with the label rows of the
    N_LABEL_WINDOWS before them; the channels have their default parameters. Windows without earlier rows have none.
    """
    trials: list[RankerTrial] = []
    earlier: list[tuple[Window, pl.DataFrame]] = []
    judged = set(windows[:-1][-N_TRIAL_WINDOWS:])
    for window in windows[:-1][-N_TRIAL_WINDOWS - N_LABEL_WINDOWS :]:
        cut = TrialCut.from_window(ratings, window)
        if cut.relevant.is_empty():
            continue
        models = {name: CANDIDATE_MODELS[name].fit(cut.interactions) for name in CHANNELS}
        retrieval, features = Retrieval(models, cut.interactions), Features.from_ratings(cut.known, movies)
        known = [rows for before, rows in earlier if before.end <= window.cut]
        if known and window in judged:
            trials.append(RankerTrial(cut, retrieval, features, pool_label_rows(pl.concat(known))))
        rows = build_window_label_rows(
            retrieval, features, cut.cases, n_candidates=N_CANDIDATES, max_users=MAX_USERS_PER_SEGMENT
        )
        if len(rows):
            earlier.append((window, rows.with_columns(window=pl.lit(window.name))))
    return trials


def compute_ranker_ndcg(params: RankerParams, trials: Sequence[RankerTrial]) -> float:
    """Mean nDCG@10 over the users of all `trials`."""
    return float(np.mean([score for trial in trials for score in trial.score_users(params)]))
