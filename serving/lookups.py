"""What pages and their JSON twins read from a bundle."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field

from movierec.catalog import Movie
from movierec.explanations import Explanation
from movierec.interactions import UNKNOWN
from movierec.published import Bundle
from serving.tastes import Taste, liked_movies, tastes

NOBODY = 2**31  # ids are int32, so this is no user's
TYPICAL_RATINGS = 200  # enough to know a user by, few enough to leave well-known movies to recommend


def plain_digits(value: object) -> object:
    """Lets no text pass but 1 to 18 digits: left alone, Pydantic reads 1_5, 15.0, +15 and " 15" as 15 too."""
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,18}", value):
        raise ValueError("must be a whole number of 1 to 18 digits")
    return value


Whole = Annotated[int, BeforeValidator(plain_digits)]
UserId = Annotated[Whole, Field(ge=0, lt=10**18)]
MovieId = Annotated[Whole, Field(ge=0, lt=10**18)]
PageNumber = Annotated[Whole, Field(ge=1, lt=10**9)]


class Chosen(NamedTuple):
    """Movies for somebody or something, best first, with their scores, and the model that chose them.

    `explanations` by movie_id, where they were asked for.
    """

    model: str
    movies: list[Movie]
    scores: list[float]
    explanations: Mapping[int, Explanation] = {}


class User(NamedTuple):
    user_id: int
    n_ratings: int
    taste: Taste = Taste(None, None)


def personal(bundle: Bundle, user_id: int, *, n: int, explain: bool = False, without: Collection[int] = ()) -> Chosen:
    """Recommendations for one user, none of the movie ids `without`.

    Popular movies, and a model that says so, where the user is unknown.
    """
    found = bundle.recommender.for_user(min(user_id, NOBODY), n=n, explain=explain, without=without)
    chosen = known_movies(bundle, found.model, found.movie_ids, found.scores)
    return chosen._replace(explanations=found.explanations)


def similar(bundle: Bundle, movie_id: int, *, n: int) -> Chosen:
    found = bundle.similar.similar_to(movie_id, n=n)
    return known_movies(bundle, found.model, found.movie_ids, found.scores)


def n_ratings(bundle: Bundle, user_id: int) -> int:
    """How many movies a user has rated; 0 for an unknown one."""
    return len(rated_movies(bundle, user_id))


def rated_movies(bundle: Bundle, user_id: int) -> set[int]:
    """The ids of the movies a user has rated; none for an unknown user."""
    interactions = bundle.recommender.interactions
    row = row_of(bundle, user_id)
    return set() if row is None else set(interactions.movie_ids[interactions.seen(row)].tolist())


def liked_by(bundle: Bundle, user_id: int) -> list[Movie]:
    """The movies a user liked, the one rated last first; none for an unknown user."""
    row = row_of(bundle, user_id)
    return [] if row is None else liked_movies(bundle, row)


def row_of(bundle: Bundle, user_id: int) -> int | None:
    """Of a user in the interactions, None for an unknown one."""
    row = int(bundle.recommender.interactions.rows_of([min(user_id, NOBODY)])[0])
    return None if row == UNKNOWN else row


def preset_users(bundle: Bundle) -> list[User]:
    """Three users to try the site as: of each third of the ids the one nearest to TYPICAL_RATINGS."""
    interactions = bundle.recommender.interactions
    counts = np.diff(interactions.user_items.indptr)
    rows = [
        int(third[np.abs(counts[third] - TYPICAL_RATINGS).argmin()])
        for third in np.array_split(np.arange(len(counts)), 3)
        if len(third)
    ]
    return [
        User(int(interactions.user_ids[row]), int(counts[row]), taste)
        for row, taste in zip(rows, tastes(bundle, rows), strict=True)
    ]


def known_movies(bundle: Bundle, model: str, movie_ids: list[int], scores: list[float]) -> Chosen:
    """The catalogue may lack a movie that people rated; such a one is left out."""
    by_id = bundle.catalog.by_id
    known = [(by_id[i], score) for i, score in zip(movie_ids, scores, strict=True) if i in by_id]
    return Chosen(model, [movie for movie, _ in known], [score for _, score in known])
