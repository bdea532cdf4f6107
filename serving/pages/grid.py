"""A page of a grid of movies, as the home page, the list of all movies and the search show it."""

from collections.abc import Iterable
from typing import Annotated, NamedTuple

from fastapi import HTTPException

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.i18n.languages import N_, Sentence
from serving.pages.cards import Card, build_cards
from serving.web.query_params import require_page_number

PAGE_SIZE = 48
AUTOMATIC_PAGES = 5  # so many pages load by scrolling, then "Show more" waits: the footer can be reached

GridPageNumber = Annotated[int, require_page_number(N_("This page does not exist."))]


class GridPage(NamedTuple):
    """One page of movies; `more` is the URL of the next page, None on the last.

    `loads_by_itself`: the next page is fetched when the visitor scrolls to the end.
    """

    cards: list[Card]
    number: int
    n_pages: int
    n_movies: int
    more: str | None
    loads_by_itself: bool


def build_grid_page(shown: Iterable[Movie], number: int, *, n_movies: int, next_href: str) -> GridPage:
    """Page `number` with the movies `shown`, of `n_movies` in all. Raises a 404 past the last page."""
    n_pages = -(-n_movies // PAGE_SIZE)
    if number > max(n_pages, 1):
        text = N_("There is no page %(number)s. The last page is %(pages)s.")
        raise HTTPException(404, Sentence(text, {"number": number, "pages": n_pages}))
    more = next_href if number < n_pages else None
    return GridPage(build_cards(shown), number, n_pages, n_movies, more, number % AUTOMATIC_PAGES != 0)


def build_catalogue_page(bundle: Bundle, number: int) -> GridPage:
    """Page `number` of all movies, most popular first. Raises a 404 past the last page."""
    shown = bundle.catalogue.get_page(number, size=PAGE_SIZE)
    n_movies = len(bundle.catalogue.movies)
    return build_grid_page(shown, number, n_movies=n_movies, next_href=f"/movies?page={number + 1}")
