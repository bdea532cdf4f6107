"""All movies, a page at a time."""

from typing import NamedTuple

from fastapi import APIRouter, HTTPException
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from serving.i18n.languages import N_, Sentence
from serving.pages.cards import Card, build_cards
from serving.web.dependencies import TheBundle, TheSite
from serving.web.query_params import PageNumber

router = APIRouter(include_in_schema=False)


PAGE_SIZE = 48
AUTOMATIC_PAGES = 5  # so many pages load by scrolling, then "Show more" waits: the footer can be reached
PAGE_NUMBER_ADAPTER: TypeAdapter[int] = TypeAdapter(PageNumber)


class CataloguePage(NamedTuple):
    """One page of movies; `more` is the URL of the next page, None on the last.

    `loads_by_itself`: the next page is fetched when the visitor scrolls to the end.
    """

    cards: list[Card]
    number: int
    n_pages: int
    n_movies: int
    more: str | None
    loads_by_itself: bool


@router.get("/movies")
def show_all_movies(request: Request, site: TheSite, bundle: TheBundle, page: str = "") -> Response:
    """All movies, most popular first, one page at a time; for htmx only the cards. Raises a 404 past the last page."""
    try:
        number = PAGE_NUMBER_ADAPTER.validate_python(page or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None
    n_pages = bundle.catalog.n_pages(size=PAGE_SIZE)
    if number > max(n_pages, 1):
        text = N_("There is no page %(number)s. The last page is %(pages)s.")
        raise HTTPException(404, Sentence(text, {"number": number, "pages": n_pages}))
    return site.render_page(
        request,
        "movies.html",
        bundle=bundle,
        fragment="partials/catalogue.html",
        catalogue=build_catalogue_page(bundle, number),
    )


def build_catalogue_page(bundle: Bundle, number: int) -> CataloguePage:
    """Page `number` of all movies, most popular first."""
    catalog = bundle.catalog
    n_pages = catalog.n_pages(size=PAGE_SIZE)
    return CataloguePage(
        build_cards(catalog.page(number, size=PAGE_SIZE)),
        number,
        n_pages,
        len(catalog.movies),
        f"/movies?page={number + 1}" if number < n_pages else None,
        loads_by_itself=number % AUTOMATIC_PAGES != 0,
    )
