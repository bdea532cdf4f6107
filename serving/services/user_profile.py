"""A user of the data set: their history of ratings, and shares by genre and decade."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.services.recommendations import find_user_row


class UserRating(NamedTuple):
    """A rating; `place` is its position in the user's history, 1 for the first, so newer ratings do not change it."""

    movie: Movie
    rating: float
    place: int


class TasteShare(NamedTuple):
    """The number, share and mean of a user's ratings of one genre or decade."""

    name: str
    n_ratings: int
    share: float
    mean_rating: float


def list_user_ratings(bundle: Bundle, user_id: int) -> list[UserRating]:
    """The user's ratings of movies in the catalogue, newest first; empty for an unknown user."""
    interactions = bundle.recommender.interactions
    row = find_user_row(bundle, user_id)
    if row is None:
        return []
    columns, ratings = interactions.sort_newest_first(row)
    by_id = bundle.catalogue.by_id
    each = zip(interactions.movie_ids[columns].tolist(), ratings.tolist(), range(len(columns), 0, -1), strict=True)
    return [UserRating(by_id[movie_id], rating, place) for movie_id, rating, place in each if movie_id in by_id]


def compute_tastes(rated: list[UserRating], list_names: Callable[[Movie], Iterable[str]]) -> list[TasteShare]:
    """Shares by the names that `list_names` gives for a movie, most rated first, then by name.

    A movie with several names counts for each of them.
    """
    of_each: dict[str, list[float]] = defaultdict(list)
    for each in rated:
        for name in list_names(each.movie):
            of_each[name].append(each.rating)
    found = [
        TasteShare(name, len(stars), len(stars) / len(rated), sum(stars) / len(stars))
        for name, stars in of_each.items()
    ]
    return sorted(found, key=lambda taste: (-taste.n_ratings, taste.name))


def list_decade_names(movie: Movie) -> tuple[str, ...]:
    """The decade of the movie, such as `1990s`; empty without a year."""
    return () if movie.year is None else (f"{movie.year // 10 * 10}s",)
