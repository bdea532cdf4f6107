"""The pages: one address, one function, one tree of templates."""

import logging
from typing import Annotated, NamedTuple

from fastapi import APIRouter, HTTPException, Query
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.catalog import Movie
from movierec.published import Bundle
from serving.because import BecauseRow, because_rows
from serving.cards import Card, card, cards
from serving.deps import TheBundle, TheSite
from serving.languages import N_, Sentence
from serving.lookups import (
    Chosen,
    MovieId,
    PageNumber,
    User,
    UserId,
    liked_by,
    n_ratings,
    personal,
    rated_movies,
    similar,
)

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 48
ROW_SIZE = 20
SIMILAR_SIZE = 24
AUTOMATIC_PAGES = 5  # so many pages load by scrolling, then "Show more" waits: the footer can be reached

A_USER_ID: TypeAdapter[int] = TypeAdapter(UserId)
A_MOVIE_ID: TypeAdapter[int] = TypeAdapter(MovieId)
A_PAGE_NUMBER: TypeAdapter[int] = TypeAdapter(PageNumber)


class PersonalRow(NamedTuple):
    """The "For you" row. `state` is the model that chose, or "nobody", "not_an_id", "failed"."""

    state: str
    asked: str
    presets: list[User]
    user: User | None = None
    cards: list[Card] = []  # noqa: RUF012  never changed
    because: list[BecauseRow] = []  # noqa: RUF012


class CataloguePage(NamedTuple):
    """One page of all movies; `more` is the address of the next, None on the last."""

    cards: list[Card]
    number: int
    n_pages: int
    n_movies: int
    more: str | None
    loads_by_itself: bool


@router.get("/")
def home(
    request: Request, site: TheSite, bundle: TheBundle, user_id: Annotated[str | None, Query()] = None
) -> Response:
    """Trending, a personal row, all movies; for htmx the personal row alone.

    Without a `user_id` the first preset user is shown, with an empty one nobody.
    """
    presets = site.presets(bundle)
    asked = user_id if user_id is not None else str(presets[0].user_id if presets else "")
    row = personal_row(bundle, asked, presets)
    return site.html(
        request,
        "home.html",
        bundle=bundle,
        fragment="partials/personal.html",
        status=422 if row.state == "not_an_id" else 200,
        trending=cards(bundle.catalog.popular(limit=ROW_SIZE)),
        personal=row,
        catalogue=catalogue_page(bundle, 1),
    )


@router.get("/movies")
def all_movies(request: Request, site: TheSite, bundle: TheBundle, page: Annotated[str, Query()] = "") -> Response:
    """Every movie, a page at a time; for htmx the cards of that page alone."""
    try:
        number = A_PAGE_NUMBER.validate_python(page or 1)
    except ValidationError:
        raise HTTPException(404, N_("There is no such page of movies.")) from None
    n_pages = bundle.catalog.n_pages(size=PAGE_SIZE)
    if number > max(n_pages, 1):
        text = N_("There is no page %(number)s: all movies fit on %(pages)s.")
        raise HTTPException(404, Sentence(text, {"number": number, "pages": n_pages}))
    return site.html(
        request,
        "movies.html",
        bundle=bundle,
        fragment="partials/catalogue.html",
        catalogue=catalogue_page(bundle, number),
    )


@router.get("/movies/{movie_id}")
def movie_page(request: Request, site: TheSite, bundle: TheBundle, movie_id: str) -> Response:
    """One movie and the movies like it; for htmx what the overlay shows of it."""
    movie = known_movie(bundle, movie_id)
    alike = similar_or_none(bundle, movie)
    return site.html(
        request,
        "movie.html",
        bundle=bundle,
        fragment="partials/overlay.html",
        movie=movie,
        card=card(movie),
        description=site.pictures.descriptions().get(movie.movie_id),
        similar_model=alike.model if alike else None,
        similar=cards(alike.movies if alike else [], beside=movie),
    )


def known_movie(bundle: Bundle, movie_id: str) -> Movie:
    """Raises a 404 for an id that is none or that no movie has."""
    try:
        return bundle.catalog.by_id[A_MOVIE_ID.validate_python(movie_id)]
    except (ValidationError, KeyError):
        raise HTTPException(404, N_("This movie is not in the catalogue.")) from None


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


def personal_row(bundle: Bundle, asked: str, presets: list[User]) -> PersonalRow:
    """Never raises: a row that cannot be computed says so and leaves the page whole."""
    if not asked.strip():
        return PersonalRow("nobody", "", presets)
    try:
        user_id = A_USER_ID.validate_python(asked)
    except ValidationError:
        return PersonalRow("not_an_id", readable(asked), presets)
    try:
        chosen = personal(bundle, user_id, n=ROW_SIZE)
        user = User(user_id, n_ratings(bundle, user_id))
    except Exception:
        log.exception("no personal row for user %s from bundle %s", user_id, bundle.version)
        return PersonalRow("failed", str(user_id), presets, User(user_id, 0))
    because = because_or_none(bundle, user_id)
    return PersonalRow(chosen.model, str(user_id), presets, user, cards(chosen.movies), because)


def because_or_none(bundle: Bundle, user_id: int) -> list[BecauseRow]:
    """Rows for what a user liked last; a page without them is still whole."""
    try:
        return because_rows(bundle, liked_by(bundle, user_id), rated_movies(bundle, user_id))
    except Exception:
        log.exception("no rows for what user %s liked from bundle %s", user_id, bundle.version)
        return []


def similar_or_none(bundle: Bundle, movie: Movie) -> Chosen | None:
    """A movie page without its neighbours is still a movie page."""
    try:
        return similar(bundle, movie.movie_id, n=SIMILAR_SIZE)
    except Exception:
        log.exception("no similar movies for %s from bundle %s", movie.movie_id, bundle.version)
        return None


def readable(text: str) -> str:
    """What somebody typed, short enough to repeat and sure to be encodable."""
    short = text if len(text) <= 40 else f"{text[:40]}…"
    return short.encode("utf-8", "replace").decode()
