"""Why a movie was recommended, as JSON: the ranker's score in parts, and the rated movies that spoke for it."""

from collections.abc import Mapping
from math import isnan
from typing import Self

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from movierec.bundles.bundle import Bundle
from movierec.recommender.explanations import Explanation, Reason

EXAMPLE: JsonDict = {
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
    """A feature of the ranker in `words`, its `value` (null where it has none), its SHAP contribution to the score."""

    feature: str
    words: str
    value: float | None
    contribution: float

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(**reason._asdict() | {"value": None if isnan(reason.value) else reason.value})


class RatedTitle(BaseModel):
    """A movie that somebody has rated."""

    movie_id: int
    title: str


class Why(BaseModel):
    """`base` + the contributions of `reasons` + `others` is the movie's `score`.

    `base` is what the ranker expects of any movie, `reasons` are the three features that moved the score most, `others`
    is what all other features add. Without a ranker there are no reasons, and both numbers are null. `because_of` are
    rated movies without which this one would have been a weaker candidate, the strongest first.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    reasons: list[ReasonOut]
    base: float | None
    others: float | None
    because_of: list[RatedTitle]


def why_by_movie(bundle: Bundle, explanations: Mapping[int, Explanation]) -> dict[int, Why]:
    return {movie_id: _why(bundle, each) for movie_id, each in explanations.items()}


def _why(bundle: Bundle, explanation: Explanation) -> Why:
    parts = explanation.parts
    return Why(
        reasons=[ReasonOut.of(reason) for reason in parts.reasons] if parts else [],
        base=parts.base if parts else None,
        others=parts.others if parts else None,
        because_of=[
            RatedTitle(movie_id=movie.movie_id, title=movie.title)
            for movie in bundle.catalog.known(explanation.because_of)
        ],
    )
