"""What users of the data set like: their liked movies, and the genre and decade that they prefer."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from movierec.data.schema import RELEVANT

ListTraits = Callable[[Movie], Sequence[str]]


class Taste(NamedTuple):
    """A genre and the first year of a decade; None where the user has no clear preference."""

    genre: str | None
    decade: int | None


def find_tastes(bundle: Bundle, rows: Iterable[int]) -> list[Taste]:
    """For each row the genre and the decade whose share of the user's liked movies exceeds that of all ratings most."""
    movies = bundle.catalogue.movies
    rated = [movie.n_ratings for movie in movies]
    usual = [(of, compute_shares(movies, rated, of)) for of in (list_genres, list_decades)]
    found = []
    for row in rows:
        liked = list_liked_by_row(bundle, row)
        genre, decade = (
            find_standout_trait(compute_shares(liked, [1] * len(liked), of), others) for of, others in usual
        )
        found.append(Taste(genre, int(decade) if decade else None))
    return found


def list_liked_by_row(bundle: Bundle, row: int) -> list[Movie]:
    """The movies of the catalogue that the user in this row liked, last rated first."""
    interactions = bundle.recommender.interactions
    columns, ratings = interactions.sort_newest_first(row)
    return bundle.catalogue.find_movies(interactions.movie_ids[columns[ratings >= RELEVANT]].tolist())


def compute_shares(movies: Sequence[Movie], weights: Sequence[int], traits: ListTraits) -> dict[str, float]:
    """The share of the total weight on movies with each trait; a movie may have several traits."""
    sums: Counter[str] = Counter()
    for movie, weight in zip(movies, weights, strict=True):
        for trait in traits(movie):
            sums[trait] += weight
    total = sum(weights) or 1
    return {trait: weight / total for trait, weight in sums.items()}


def find_standout_trait(own: dict[str, float], usual: dict[str, float]) -> str | None:
    """The trait whose share exceeds its usual share most, of equal ones the first by name; None if none does."""
    most = max(sorted(own), key=lambda trait: own[trait] - usual.get(trait, 0.0), default=None)
    return most if most is not None and own[most] > usual.get(most, 0.0) else None


def list_genres(movie: Movie) -> Sequence[str]:
    """The genres of the movie."""
    return movie.genres


def list_decades(movie: Movie) -> Sequence[str]:
    """The first year of the movie's decade, such as `1990`; empty without a year."""
    return () if movie.year is None else (str(movie.year // 10 * 10),)
