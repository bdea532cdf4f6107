"""What users like: their liked movies, and the genre and the decade that they like more than others do."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from movierec.data.schema import RELEVANT

Traits = Callable[[Movie], Sequence[str]]


class Taste(NamedTuple):
    """A genre and the first year of a decade; None where nothing stands out."""

    genre: str | None
    decade: int | None


def tastes(bundle: Bundle, rows: Iterable[int]) -> list[Taste]:
    """Of users by their rows: where the shares of their liked movies exceed those of all ratings by most."""
    movies = bundle.catalog.movies
    rated = [movie.n_ratings for movie in movies]
    usual = [(of, shares(movies, rated, of)) for of in (genres_of, decades_of)]
    found = []
    for row in rows:
        liked = liked_movies(bundle, row)
        genre, decade = (standing_out(shares(liked, [1] * len(liked), of), others) for of, others in usual)
        found.append(Taste(genre, int(decade) if decade else None))
    return found


def liked_movies(bundle: Bundle, row: int) -> list[Movie]:
    """The movies of the catalogue that the user of `row` liked, the one rated last first."""
    interactions = bundle.recommender.interactions
    columns, ratings = interactions.newest_first(row)
    return bundle.catalog.known(interactions.movie_ids[columns[ratings >= RELEVANT]].tolist())


def shares(movies: Sequence[Movie], weights: Sequence[int], traits: Traits) -> dict[str, float]:
    """The part of the weight that falls on movies with each trait; a movie may have several."""
    sums: Counter[str] = Counter()
    for movie, weight in zip(movies, weights, strict=True):
        for trait in traits(movie):
            sums[trait] += weight
    total = sum(weights) or 1
    return {trait: weight / total for trait, weight in sums.items()}


def standing_out(own: dict[str, float], usual: dict[str, float]) -> str | None:
    """The trait whose share exceeds the usual one by most, the first by name of several; None where none does."""
    most = max(sorted(own), key=lambda trait: own[trait] - usual.get(trait, 0.0), default=None)
    return most if most is not None and own[most] > usual.get(most, 0.0) else None


def genres_of(movie: Movie) -> Sequence[str]:
    return movie.genres


def decades_of(movie: Movie) -> Sequence[str]:
    return () if movie.year is None else (str(movie.year // 10 * 10),)
