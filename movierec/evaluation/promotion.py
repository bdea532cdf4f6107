"""Decides what is served: which recommender or channel, and whether a challenger replaces the champion."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from movierec.data.windows import RATERS
from movierec.evaluation.backtest import METRIC
from movierec.evaluation.bootstrap import Interval, bootstrap_mean
from movierec.evaluation.holdout import KNOWN_USERS

MAX_NDCG_LOSS = 0.01  # a loss of nDCG@10 that must be excluded by the interval
MIN_COVERAGE_SHARE = 0.5  # of the champion's
QUICK_SECONDS = 0.05  # an answer that takes no longer is quick enough, whatever the champion takes
MAX_SLOWDOWN = 2.0  # times the champion's time for one user


class Verdict(NamedTuple):
    """Whether the challenger is promoted, the reason, and its paired difference to the champion.

    The difference is None where there was no champion to compare with.
    """

    is_promoted: bool
    reason: str
    difference: Interval | None = None


class ServedStage(NamedTuple):
    """What is served ("two_stage", "blend" or a single channel), and the reason."""

    name: str
    reason: str


def choose_served_stage(comparison: pl.DataFrame) -> ServedStage:
    """`two_stage`, or `blend` if the ranker is on average no better than the candidates that it orders.

    `comparison` is made by `evaluation.compare_models` and must contain the pair (two_stage, blend).
    """
    (row,) = comparison.filter(segment=KNOWN_USERS, model="two_stage", base="blend").iter_rows(named=True)
    told = f"nDCG@10 of the ranker {_format_interval(Interval(row['value'], row['low'], row['high'], row['n']))}"
    return ServedStage("two_stage" if row["value"] > 0 else "blend", f"{told} against the candidates it orders")


def choose_served_model(backtest: pl.DataFrame, models: Sequence[str]) -> ServedStage:
    """The best of `models` by their mean nDCG@10 over the returning users and newcomers of the back-test.

    `backtest` is as `backtest.summarize_scores` makes it; of equal models the first is served. So what is served is
    never below the best single channel where both were measured.
    """
    rows = {row["model"]: row for row in backtest.filter(segment=RATERS, metric=METRIC).iter_rows(named=True)}
    best = max((name for name in models if name in rows), key=lambda name: rows[name]["value"])
    others = ", ".join(f"{name} {rows[name]['value']:.4f}" for name in models if name in rows and name != best)
    row = rows[best]
    told = f"nDCG@10 {row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}], n = {row['n']}, in the back-test"
    return ServedStage(best, f"{told}; {others}")


def judge_challenger(
    challenger: pl.DataFrame,
    champion: pl.DataFrame | None,
    *,
    coverage: float,
    champion_coverage: float = 0.0,
    seconds: float = 0.0,
    champion_seconds: float | None = None,
    max_loss: float = MAX_NDCG_LOSS,
) -> Verdict:
    """Compares challenger and champion (`user_id, ndcg_at_10`), paired over the users that both have.

    The challenger is promoted if (1) the 95 % interval of its gain in nDCG@10 lies above -`max_loss`, (2) its coverage
    is at least MIN_COVERAGE_SHARE of the champion's, and (3) it answers one user within QUICK_SECONDS, or within
    MAX_SLOWDOWN times `champion_seconds`, which must be measured in the same process (None: the champion cannot be
    timed, and this is not checked). With `champion` None (nothing published, or measured on other data) it is promoted
    without comparison.

    Scores of the back-test also have the columns `window, fingerprint`: they are paired in the windows that both were
    measured in, and the interval is over users. Without such windows the challenger is promoted.
    """
    if champion is None:
        return Verdict(is_promoted=True, reason="no champion whose scores on the same data can be read")
    keys = [name for name in challenger.columns if name != METRIC]
    both = challenger.join(champion, on=keys, suffix="_champion")
    if both.is_empty():
        return Verdict(is_promoted=True, reason="the champion was measured in none of the same windows")
    difference = (both[METRIC] - both[f"{METRIC}_champion"]).to_numpy()
    gain = bootstrap_mean(difference, clusters=both["user_id"].to_numpy())
    told = f"nDCG@10 {_format_interval(gain)} against the champion"
    if not gain.low > -max_loss:
        return Verdict(is_promoted=False, reason=f"{told}: a loss of {max_loss} is not excluded", difference=gain)
    if coverage < MIN_COVERAGE_SHARE * champion_coverage:
        told = f"{told}; coverage {coverage:.3f} is less than half of the champion's {champion_coverage:.3f}"
        return Verdict(is_promoted=False, reason=told, difference=gain)
    if champion_seconds is None:
        told = f"{told}; this code cannot open the champion, so nobody compared how fast they answer"
    elif seconds > max(QUICK_SECONDS, MAX_SLOWDOWN * champion_seconds):
        told = f"{told}; {seconds * 1000:.0f} ms for one user, the champion takes {champion_seconds * 1000:.0f} ms"
        return Verdict(is_promoted=False, reason=told, difference=gain)
    return Verdict(is_promoted=True, reason=told, difference=gain)


def _format_interval(gain: Interval) -> str:
    return f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}], n = {gain.n},"
