"""All movies, a page at a time."""

from typing import NamedTuple

from fastapi import APIRouter, HTTPException
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from serving.i18n.languages import N_, Sentence
from serving.pages.cards import Card, cards
from serving.web.dependencies import TheBundle, TheSite
from serving.web.query_params import PageNumber

router = APIRouter(include_in_schema=False)


PAGE_SIZE = 48
AUTOMATIC_PAGES = 5  # so many pages load by scrolling, then "Show more" waits: the footer can be reached
A_PAGE_NUMBER: TypeAdapter[int] = TypeAdapter(PageNumber)


class CataloguePage(NamedTuple):
    """One page of all movies; `more` is the address of the next, None on the last."""

    cards: list[Card]
    number: int
    n_pages: int
    n_movies: int
    more: str | None
    loads_by_itself: bool


@router.get("/movies")
def all_movies(request: Request, site: TheSite, bundle: TheBundle, page: str = "") -> Response:
    """Every movie, a page at a time; for htmx the cards of that page alone."""
    try:
        number = A_PAGE_NUMBER.validate_python(page or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None
    n_pages = bundle.catalog.n_pages(size=PAGE_SIZE)
    if number > max(n_pages, 1):
        text = N_("There is no page %(number)s. The last page is %(pages)s.")
        raise HTTPException(404, Sentence(text, {"number": number, "pages": n_pages}))
    return site.html(
        request,
        "movies.html",
        bundle=bundle,
        fragment="partials/catalogue.html",
        catalogue=catalogue_page(bundle, number),
    )


def catalogue_page(bundle: Bundle, number: int) -> CataloguePage:
    catalog = bundle.catalog
    n_pages = catalog.n_pages(size=PAGE_SIZE)
    return CataloguePage(
        cards(catalog.page(number, size=PAGE_SIZE)),
        number,
        n_pages,
        len(catalog.movies),
        f"/movies?page={number + 1}" if number < n_pages else None,
        loads_by_itself=number % AUTOMATIC_PAGES != 0,
    )
