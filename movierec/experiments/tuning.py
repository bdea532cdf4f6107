"""Search spaces of the hyper-parameters, and the score by which a choice is judged."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import polars as pl

from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.base import top_candidates
from movierec.candidates.model_spec import Real, SearchSpace, Whole
from movierec.data.interactions import Interactions
from movierec.evaluation import metrics
from movierec.experiments.validation import Validation
from movierec.recommender.ranker import REFERENCE_PARAMS as RANKER_REFERENCE
from movierec.recommender.ranker import RankerParams

TUNING_METRIC = "ndcg_at_10"

SEARCH_SPACES: dict[str, SearchSpace] = {
    **{name: spec.space for name, spec in CANDIDATE_MODELS.items() if spec.space},
    "ranker": {
        "learning_rate": Real(0.02, 0.2, log=True),
        "depth": Whole(4, 8),
        "rsm": Real(0.2, 1.0),
    },
}
PARAMS_CLASSES: dict[str, type[Any]] = {
    **{name: spec.params_class for name, spec in CANDIDATE_MODELS.items()},
    "ranker": RankerParams,
}
# The hyper-parameters of the seed design, for those that have any.
_REFERENCES = {name: spec.reference for name, spec in CANDIDATE_MODELS.items() if spec.reference is not None}


def get_default_values(model: str) -> dict[str, Any]:
    """The default values of the parameters that are searched for `model`."""
    return {name: getattr(PARAMS_CLASSES[model](), name) for name in SEARCH_SPACES[model]}


def compute_ranker_ndcg(params: RankerParams, validation: Validation) -> float:
    """Mean nDCG@10 of the two-stage recommender with a ranker of these parameters."""
    return float(validation.compute_ndcg(validation.rows, [params.seed], params).mean())


def compute_candidate_ndcg(model: str, params: Any, history: Interactions, liked: pl.DataFrame) -> float:
    """Mean nDCG@10 of a candidate model fitted on `history`.

    `liked` (`user_id, movie_id`) is what its users liked afterwards.
    """
    fitted = CANDIDATE_MODELS[model].fit(history, params)
    ranking = top_candidates(fitted, history, liked["user_id"].unique().sort().to_numpy(), 10)
    value = metrics.compute_user_metrics(ranking, liked, ks=[10])[TUNING_METRIC].mean()
    assert isinstance(value, float)  # noqa: S101  there are users, or `liked` could not have been made
    return value


@dataclass(frozen=True)
class TunedParams:
    """The best parameters found, by model; models that are missing use their defaults."""

    params: Mapping[str, Any]

    def get_params(self, model: str) -> Any:
        """The parameters of `model`, to be given to `fit`; None for the defaults."""
        return self.params.get(model)

    def save(self, folder: Path) -> None:
        """Writes params.json into `folder`, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "params.json").write_text(json.dumps({name: asdict(p) for name, p in self.params.items()}, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; parameters and models that no longer exist are ignored."""
        stored = json.loads((folder / "params.json").read_text())
        return cls(
            {
                name: _make_params(PARAMS_CLASSES[name], given)
                for name, given in stored.items()
                if name in PARAMS_CLASSES
            }
        )


REFERENCE_TUNING = TunedParams({**_REFERENCES, "ranker": RANKER_REFERENCE})


def _make_params(kind: type[Any], given: Mapping[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in given.items() if name in known})
