"""Cards: what the one partial that draws a movie needs."""

from collections.abc import Iterable
from typing import NamedTuple

from movierec.catalog import Movie
from serving import posters


class Card(NamedTuple):
    href: str
    poster: str
    title: str
    year: int | None
    mean_rating: float | None


def card(movie: Movie) -> Card:
    return Card(f"/movies/{movie.movie_id}", posters.url(movie), movie.title, movie.year, movie.mean_rating)


def cards(movies: Iterable[Movie]) -> list[Card]:
    return [card(movie) for movie in movies]
