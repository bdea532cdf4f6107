"""Cards: the data of partials/card.html, which draws a movie in a row or grid."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.posters import poster
from serving.services.recommendations import find_similar_movies

HomeRow = Literal["trending", "personal", "because"]  # the kinds of rows of the home page, as metrics name them
ROW_PARAMETER = "from"


class Card(NamedTuple):
    """`poster` is the small image, `large_poster` the full one.

    `shared` are the genres that the movie shares with the one it is compared to. `href` may carry a user id, so that
    the page of the movie can explain why it was recommended to that user, and the row of the home page that it is in.
    """

    movie_id: int
    href: str
    poster: str
    large_poster: str
    title: str
    year: int | None
    mean_rating: float | None
    shared: tuple[str, ...] = ()


def build_card(
    movie: Movie, *, compared_to: Movie | None = None, user_id: int | None = None, row: HomeRow | None = None
) -> Card:
    """The card of a movie; with the genres shared with `compared_to`, and with `user_id` and `row` in its link."""
    shared = tuple(genre for genre in movie.genres if genre in compared_to.genres) if compared_to else ()
    query = urlencode({k: v for k, v in (("user_id", user_id), (ROW_PARAMETER, row)) if v is not None})
    href = f"/movies/{movie.movie_id}" + (f"?{query}" if query else "")
    large = poster.build_poster_url(movie)
    return Card(movie.movie_id, href, f"{large}&size=card", large, movie.title, movie.year, movie.mean_rating, shared)


def build_cards(
    movies: Iterable[Movie],
    *,
    compared_to: Movie | None = None,
    user_id: int | None = None,
    row: HomeRow | None = None,
) -> list[Card]:
    """A card for each movie, in order."""
    return [build_card(movie, compared_to=compared_to, user_id=user_id, row=row) for movie in movies]


MAX_BECAUSE_ROWS = 3
N_LATEST_LIKED = 12  # so many of the liked movies are considered, the latest
MIN_ROW_SIZE = 5  # a row of less says little
ROW_SIZE = 20


class BecauseRow(NamedTuple):
    """The liked movie and the cards of similar ones."""

    movie: Movie
    cards: list[Card]


def build_because_rows(bundle: Bundle, liked: Sequence[Movie], without: Container[int]) -> list[BecauseRow]:
    """Up to MAX_BECAUSE_ROWS rows, for the movies with most ratings among the first N_LATEST_LIKED of `liked`.

    Of movies with equally many ratings, the one that comes first in `liked` comes first. No movie of `without` is
    shown, and none in two rows. Movies with many ratings have the most reliable neighbours.
    """
    best_known = sorted(liked[:N_LATEST_LIKED], key=lambda movie: -movie.n_ratings)
    return list(islice(_iter_because_rows(bundle, best_known, without), MAX_BECAUSE_ROWS))


def _iter_because_rows(bundle: Bundle, liked: Iterable[Movie], without: Container[int]) -> Iterator[BecauseRow]:
    shown: set[int] = set()
    for movie in liked:
        alike = find_similar_movies(bundle, movie.movie_id, n=2 * ROW_SIZE).movies
        fresh = [found for found in alike if found.movie_id not in without and found.movie_id not in shown][:ROW_SIZE]
        if len(fresh) >= MIN_ROW_SIZE:
            shown.update(found.movie_id for found in fresh)
            yield BecauseRow(movie, build_cards(fresh, row="because"))
