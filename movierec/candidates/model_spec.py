"""The entry of a candidate model: everything that the graph, the tables and the site must know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from movierec.candidates.base import CandidateModel
from movierec.data.interactions import Interactions


class Real(NamedTuple):
    """A real number from `low` to `high`, drawn uniformly, or with `log` uniformly in its logarithm."""

    low: float
    high: float
    log: bool = False


class Whole(NamedTuple):
    """As Real, for whole numbers."""

    low: int
    high: int
    log: bool = False


class Choice(NamedTuple):
    """One of `values`."""

    values: tuple[float | str, ...]


SearchSpace = Mapping[str, Real | Whole | Choice]


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a candidate model before it is fitted.

    `experiment` is the MLflow experiment of its fits. `floor` is the model that it must not be worse than, or nothing
    is published; `compared_with` are models that it is only compared with. `words` tell in an explanation what its
    score means. `space` holds the hyper-parameters that are searched, `reference` those of the seed design. `defaults`
    are used where none are given; without them those of the model's parameter class.

    A model that `is_same_for_everybody` also answers users without ratings. One that `reads_content` is fitted with the
    content vectors (`fit(..., content=...)`) and also scores movies without ratings. One that `is_served` is published
    even where it is no channel of the recommender.

    As a channel its ranks count `fusion_weight` times, and it is also asked about only the last so many ratings of a
    user, for each of `recent_windows`.
    """

    model_class: type[CandidateModel]
    params_class: type[Any]
    experiment: str = "collaborative_filtering"
    floor: str | None = None
    compared_with: tuple[str, ...] = ()
    words: str | None = None
    space: SearchSpace = field(default_factory=dict)
    reference: Any = None
    defaults: Any = None
    is_same_for_everybody: bool = False
    reads_content: bool = False
    is_served: bool = False
    fusion_weight: float = 1.0
    recent_windows: tuple[int, ...] = ()

    def fit(self, interactions: Interactions, params: Any = None, **content: Any) -> CandidateModel:
        """Fits the model. `content` is the argument `content` of a model that `reads_content`."""
        return self.model_class.fit(interactions, self.choose_params(params), **content)

    def choose_params(self, params: Any) -> Any:
        """`params`, or if they are None the parameters that a fit without any has."""
        return params or self.defaults or self.params_class()
