"""What a recommender answers: movies for one user, and the names of what chose them."""

from typing import NamedTuple

from movierec.recommender.explanations import Explanation

TWO_STAGE, CANDIDATES_ONLY, POPULARITY_FALLBACK = "two_stage", "candidates", "popularity_fallback"
POPULAR_IN_GENRES = "popular_in_genres"


class Recommendations(NamedTuple):
    """Movies for one user, best first, with their scores; `model` is the name of what chose them (the constants above).

    `explanations` by movie id, if asked for; popular movies have none.
    """

    model: str
    movie_ids: list[int]
    scores: list[float]
    explanations: dict[int, Explanation] = {}  # noqa: RUF012  never written
