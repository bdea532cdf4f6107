"""Optuna's studies: each search is kept in SQLite, goes on where it stopped, and is asked for its best."""

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from movierec.candidates.model_spec import Choice, Real, SearchSpace, Whole

log = logging.getLogger(__name__)

SAMPLER_SEED = 7


class BestTrial(NamedTuple):
    """The best trial of a study: its value, its parameters as they were drawn, and of how many trials."""

    value: float
    drawn_params: dict[str, Any]
    n_trials: int


class OptunaStudies(dg.ConfigurableResource):  # type: ignore[type-arg]
    """`folder` holds a database for each sample. With `reference` the seed design's parameters hold."""

    folder: str
    reference: bool = False

    def run_study(
        self,
        sample: str,
        study_name: str,
        space: SearchSpace,
        objective: Callable[[dict[str, Any]], float],
        *,
        first_params: dict[str, Any],
        n_trials: int,
    ) -> BestTrial | None:
        """Goes on with `study` for so many `trials`, of which a new one begins with `first`; None without any trial.

        Of each space its own: what was drawn from another one can neither be gone on with nor be the best.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{Path(self.folder, f'{sample}.db').absolute()}"
        name = f"{study_name} {_hash_space(space)}"
        found = optuna.create_study(storage=url, study_name=name, direction="maximize", load_if_exists=True)
        # With one seed for every run each would begin with the same draws again.
        found.sampler = optuna.samplers.TPESampler(seed=SAMPLER_SEED + len(found.trials))
        if n_trials and not found.trials:
            found.enqueue_trial(first_params)
        for number in range(1, n_trials + 1):
            started = time.perf_counter()
            found.optimize(lambda trial: objective(_draw_params(trial, space)), n_trials=1)
            seconds = time.perf_counter() - started
            log.info("%s: trial %d of %d, best %.4f, %.1f s", study_name, number, n_trials, found.best_value, seconds)
        done = [trial for trial in found.trials if trial.value is not None]
        return BestTrial(found.best_value, found.best_params, len(done)) if done else None


def _hash_space(space: SearchSpace) -> str:
    return hashlib.sha256(repr(sorted(space.items())).encode()).hexdigest()[:8]


def _draw_params(trial: Any, space: SearchSpace) -> dict[str, Any]:
    """A value for each name of the space, drawn by the trial."""
    drawn: dict[str, Any] = {}
    for name, of in space.items():
        match of:
            case Choice(values):
                drawn[name] = trial.suggest_categorical(name, values)
            case Whole(low, high, log):
                drawn[name] = trial.suggest_int(name, low, high, log=log)
            case Real(low, high, log):
                drawn[name] = trial.suggest_float(name, low, high, log=log)
    return drawn
