"""Hyper-parameter searches with Optuna. Studies are stored in SQLite and continue where they stopped."""

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
    """The best trial of a study: its objective value, its parameters as drawn, and the number of finished trials."""

    value: float
    drawn_params: dict[str, Any]
    n_trials: int


class OptunaStudies(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Optuna studies in `folder`, one database per sample.

    With `reference` nothing is searched: the reference hyper-parameters are used.
    """

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
        """Runs `n_trials` more trials of a study and gives the best of all trials; None if there is none.

        A new study starts with `first_params`; `objective` is maximised. The study's name includes a hash of the search
        space: trials from another space are neither continued nor returned.
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
    """Lets the trial draw a value for each parameter of the search space."""
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
