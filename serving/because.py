"""The rows "Because you liked X": the movies most similar to one that was liked."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from movierec.catalog import Movie
from movierec.published import Bundle
from serving.cards import Card, cards
from serving.lookups import similar

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
