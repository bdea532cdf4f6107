"""Explanations as JSON: the parts of the ranker's score, and the rated movies that led to a recommendation."""

from collections.abc import Mapping
from math import isnan
from typing import Self

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from movierec.bundles.bundle import Bundle
from movierec.recommender.explanations import Explanation, FeatureReason

EXPLANATION_EXAMPLE: JsonDict = {
    "reasons": [
        {
            "feature": "ials_score",
            "words": "people of your taste like it",
            "value": 0.83,
            "contribution": 0.41,
        }
    ],
    "base": -0.52,
    "others": 0.87,
    "because_of": [{"movie_id": 260, "title": "Star Wars: Episode IV - A New Hope"}],
}


class ReasonOut(BaseModel):
    """One feature of the ranker in `words`, its `value` (null if unknown), its SHAP contribution to the score."""

    feature: str
    words: str
    value: float | None
    contribution: float

    @classmethod
    def from_reason(cls, reason: FeatureReason) -> Self:
        """The reason as JSON; NaN becomes null."""
        return cls(**reason._asdict() | {"value": None if isnan(reason.value) else reason.value})


class RatedTitle(BaseModel):
    """A movie that the user rated."""

    movie_id: int
    title: str


class Why(BaseModel):
    """Why a movie was recommended: `base` + the contributions of `reasons` + `others` is its `score`.

    `base` is the score that the ranker expects of any movie, `reasons` are the three features with the largest
    contributions, `others` is the sum of the contributions of all other features. Without a ranker `reasons` is empty,
    `base` and `others` are null. `because_of` are the rated movies that raised this movie's candidate score most,
    strongest first.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXPLANATION_EXAMPLE]})

    reasons: list[ReasonOut]
    base: float | None
    others: float | None
    because_of: list[RatedTitle]


def explain_movies(bundle: Bundle, explanations: Mapping[int, Explanation]) -> dict[int, Why]:
    """The explanations as JSON models, by movie_id."""
    return {movie_id: _build_why(bundle, each) for movie_id, each in explanations.items()}


def _build_why(bundle: Bundle, explanation: Explanation) -> Why:
    parts = explanation.parts
    return Why(
        reasons=[ReasonOut.from_reason(reason) for reason in parts.reasons] if parts else [],
        base=parts.base if parts else None,
        others=parts.others if parts else None,
        because_of=[
            RatedTitle(movie_id=movie.movie_id, title=movie.title)
            for movie in bundle.catalogue.find_movies(explanation.influential_movie_ids)
        ],
    )
