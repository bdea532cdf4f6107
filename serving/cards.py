"""Cards: what the one partial that draws a movie needs."""

from collections.abc import Iterable
from typing import NamedTuple

from movierec.catalog import Movie
from serving import posters


class Card(NamedTuple):
    """`poster` is as small as a card, `large_poster` is not. `shared` are the genres to name under the card: those that
    it has in common with the movie it is shown for. `href` names the user whose row the card stands in, so that the
    movie can say why.
    """

    href: str
    poster: str
    large_poster: str
    title: str
    year: int | None
    mean_rating: float | None
    shared: tuple[str, ...] = ()


def card(movie: Movie, *, beside: Movie | None = None, user_id: int | None = None) -> Card:
    shared = tuple(genre for genre in movie.genres if genre in beside.genres) if beside else ()
    href = f"/movies/{movie.movie_id}" + ("" if user_id is None else f"?user_id={user_id}")
    large = posters.url(movie)
    return Card(href, f"{large}&size=card", large, movie.title, movie.year, movie.mean_rating, shared)


def cards(movies: Iterable[Movie], *, beside: Movie | None = None, user_id: int | None = None) -> list[Card]:
    return [card(movie, beside=beside, user_id=user_id) for movie in movies]
