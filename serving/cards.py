"""Cards: what the one partial that draws a movie needs."""

from collections.abc import Iterable
from typing import NamedTuple

from movierec.catalog import Movie
from serving import posters


class Card(NamedTuple):
    """`poster` is as small as a card, `large_poster` is not. `shared` are the genres to name under the card: those that
    it has in common with the movie it is shown for."""

    href: str
    poster: str
    large_poster: str
    title: str
    year: int | None
    mean_rating: float | None
    shared: tuple[str, ...] = ()


def card(movie: Movie, *, beside: Movie | None = None) -> Card:
    shared = tuple(genre for genre in movie.genres if genre in beside.genres) if beside else ()
    large = posters.url(movie)
    return Card(
        f"/movies/{movie.movie_id}",
        f"{large}&size=card",
        large,
        movie.title,
        movie.year,
        movie.mean_rating,
        shared,
    )


def cards(movies: Iterable[Movie], *, beside: Movie | None = None) -> list[Card]:
    return [card(movie, beside=beside) for movie in movies]
