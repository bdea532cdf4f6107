"""What a bundle knows of a user: their ratings, newest first, and their taste in genres and decades."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.services.recommendations import row_of


class Rated(NamedTuple):
    """`place` counts from the user's first rating, 1, so that it stays the same when newer ratings come."""

    movie: Movie
    rating: float
    place: int


class Taste(NamedTuple):
    """How many of a user's ratings fall on something, their share of all, and their mean."""

    name: str
    n_ratings: int
    share: float
    mean_rating: float


def history(bundle: Bundle, user_id: int) -> list[Rated]:
    """The user's ratings of movies of the catalogue, newest first; none for an unknown user."""
    interactions = bundle.recommender.interactions
    row = row_of(bundle, user_id)
    if row is None:
        return []
    columns, ratings = interactions.newest_first(row)
    by_id = bundle.catalog.by_id
    each = zip(interactions.movie_ids[columns].tolist(), ratings.tolist(), range(len(columns), 0, -1), strict=True)
    return [Rated(by_id[movie_id], rating, place) for movie_id, rating, place in each if movie_id in by_id]


def tastes(rated: list[Rated], names: Callable[[Movie], Iterable[str]]) -> list[Taste]:
    """By what `names` calls a movie, most rated first, then by name; a movie may count for several."""
    of_each: dict[str, list[float]] = defaultdict(list)
    for each in rated:
        for name in names(each.movie):
            of_each[name].append(each.rating)
    found = [
        Taste(name, len(stars), len(stars) / len(rated), sum(stars) / len(stars)) for name, stars in of_each.items()
    ]
    return sorted(found, key=lambda taste: (-taste.n_ratings, taste.name))


def decades(movie: Movie) -> tuple[str, ...]:
    """`1990s`; none for a movie without a year."""
    return () if movie.year is None else (f"{movie.year // 10 * 10}s",)
