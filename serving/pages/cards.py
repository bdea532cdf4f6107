"""Cards: what the one partial that draws a movie needs."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.posters import poster
from serving.services.recommendations import similar


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
    large = poster.url(movie)
    return Card(href, f"{large}&size=card", large, movie.title, movie.year, movie.mean_rating, shared)


def cards(movies: Iterable[Movie], *, beside: Movie | None = None, user_id: int | None = None) -> list[Card]:
    return [card(movie, beside=beside, user_id=user_id) for movie in movies]


N_ROWS = 3
LATEST = 12  # so many of the liked movies are considered, the latest
FEWEST = 5  # a row of less says little
ROW_SIZE = 20


class BecauseRow(NamedTuple):
    movie: Movie
    cards: list[Card]


def because_rows(bundle: Bundle, liked: Sequence[Movie], seen: Container[int]) -> list[BecauseRow]:
    """For the best known of the `LATEST` first of `liked`; no movie of `seen`, and none in two rows.

    What is similar to a movie is the surer, the more people rated it.
    """
    best_known = sorted(liked[:LATEST], key=lambda movie: -movie.n_ratings)
    return list(islice(_rows(bundle, best_known, seen), N_ROWS))


def _rows(bundle: Bundle, liked: Iterable[Movie], seen: Container[int]) -> Iterator[BecauseRow]:
    shown: set[int] = set()
    for movie in liked:
        alike = similar(bundle, movie.movie_id, n=2 * ROW_SIZE).movies
        fresh = [found for found in alike if found.movie_id not in seen and found.movie_id not in shown][:ROW_SIZE]
        if len(fresh) >= FEWEST:
            shown.update(found.movie_id for found in fresh)
            yield BecauseRow(movie, cards(fresh))
