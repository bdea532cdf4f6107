"""The pages: one address, one function, one tree of templates."""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, HTTPException
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.catalog import Movie
from movierec.published import Bundle
from serving.because import ROW_SIZE, BecauseRow, because_rows
from serving.cards import Card, card, cards
from serving.deps import Site, TheBundle, TheSite
from serving.htmx import wants_fragment
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
from serving.mine import because_of, liked_in, my_ratings, my_seen, personal_for
from serving.opinions import Actions, Reviews, actions_of, reviews_of, told

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 48
SIMILAR_SIZE = 24
ME = "me"  # in the place of a user id: who asks
AUTOMATIC_PAGES = 5  # so many pages load by scrolling, then "Show more" waits: the footer can be reached

A_USER_ID: TypeAdapter[int] = TypeAdapter(UserId)
A_MOVIE_ID: TypeAdapter[int] = TypeAdapter(MovieId)
A_PAGE_NUMBER: TypeAdapter[int] = TypeAdapter(PageNumber)


class PersonalRow(NamedTuple):
    """The "For you" row. `state` is the model that chose, or "nobody", "not_an_id", "failed".

    With `is_mine` it is the visitor's own, by `n_mine` ratings; of other users it is only to look at.
    """

    state: str
    asked: str
    presets: list[User]
    user: User | None = None
    cards: list[Card] = []  # noqa: RUF012  never changed
    because: list[BecauseRow] = []  # noqa: RUF012
    n_mine: int = 0
    is_mine: bool = False


class Reason(NamedTuple):
    """Who else has a movie in the row, and which of their rated movies speak most for it."""

    user_id: int
    because: list[Card]


class CataloguePage(NamedTuple):
    """One page of all movies; `more` is the address of the next, None on the last."""

    cards: list[Card]
    number: int
    n_pages: int
    n_movies: int
    more: str | None
    loads_by_itself: bool


@router.get("/")
def home(request: Request, site: TheSite, bundle: TheBundle, user_id: str | None = None) -> Response:
    """Trending, a personal row, all movies; for htmx the personal row alone.

    Without a `user_id` the visitor's own row is shown, or the first preset user's to who has rated nothing; with an
    empty one nobody's. What the visitor has seen is left out, but of the row of a user who was asked for.
    """
    presets = site.presets(bundle)
    mine = my_ratings(request, site) or []
    by_default = ME if mine else str(presets[0].user_id if presets else "")
    asked = by_default if user_id is None else user_id
    seen = my_seen(request) if user_id in {None, ME} else ()  # the row of a user who was asked for stays theirs
    row = personal_row(bundle, asked, presets, mine=mine, seen=seen)
    return site.html(
        request,
        "home.html",
        bundle=bundle,
        fragment="partials/personal.html",
        status=422 if row.state == "not_an_id" else 200,
        personal=row,
        visitor=site.people.visitor(request),
        **({} if wants_fragment(request) else around_the_row(bundle)),
    )


def around_the_row(bundle: Bundle) -> dict[str, Any]:
    """What only the whole home page shows."""
    trending = cards(bundle.catalog.known(bundle.trending)[:ROW_SIZE])
    return {"trending": trending, "catalogue": catalogue_page(bundle, 1)}


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


@router.get("/movies/{movie_id}")
def movie_page(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    movie_id: str,
    *,
    said: str = "",
    was: str = "",
    user_id: str = "",
) -> Response:
    """One movie, what people say of it, and the movies like it.

    `said` and `was` tell what a form has just done; `user_id` is whose row led here.
    """
    movie = known_movie(bundle, movie_id)
    reason = reason_of(bundle, user_id, movie)
    actions = told(actions_of(request, site, movie), said=said, was=was)
    reviews = reviews_of(request, site, movie)._replace(said=actions.said)
    return movie_answer(request, site, bundle, movie, actions=actions, reviews=reviews, reason=reason)


def movie_answer(
    request: Request,
    site: Site,
    bundle: Bundle,
    movie: Movie,
    *,
    actions: Actions | None = None,
    reviews: Reviews | None = None,
    reason: Reason | None = None,
    asked_for: Literal["actions", "reviews", ""] = "",
    status: int = 200,
) -> Response:
    """The page of a movie; for htmx the part of it that was `asked_for`."""
    if asked_for and wants_fragment(request):
        part = {"actions": actions, "reviews": reviews}[asked_for]
        page = f"partials/{asked_for}.html"
        return site.html(request, page, bundle=bundle, fragment=page, status=status, movie=movie, **{asked_for: part})
    alike = similar_or_none(bundle, movie)
    return site.html(
        request,
        "movie.html",
        bundle=bundle,
        fragment="partials/overlay.html",
        status=status,
        movie=movie,
        canonical=request.url_for("movie_page", movie_id=movie.movie_id),
        card=card(movie),
        actions=actions or actions_of(request, site, movie),
        reviews=reviews or reviews_of(request, site, movie),
        because=cards(because_of(bundle, my_ratings(request, site) or [], movie)),
        reason=reason,
        description=site.pictures.descriptions().get(movie.movie_id),
        similar_model=alike.model if alike else None,
        similar=cards(alike.movies if alike else [], beside=movie),
    )


def reason_of(bundle: Bundle, asked: str, movie: Movie) -> Reason | None:
    """Why the movie stands in the row of the user `asked` for; None where it does not, or nothing speaks for it.

    Raises a 422 for what is not a user id.
    """
    if not asked.strip():
        return None
    try:
        user_id = A_USER_ID.validate_python(asked)
    except ValidationError:
        text = N_("“%(asked)s” is not a user id. A user id is a whole number, such as 15.")
        raise HTTPException(422, Sentence(text, {"asked": readable(asked)})) from None
    try:
        explanation = personal(bundle, user_id, n=ROW_SIZE, explain=True).explanations.get(movie.movie_id)
    except Exception:
        log.exception("no reason for user %s from bundle %s", user_id, bundle.version)
        return None
    because = cards(bundle.catalog.known(explanation.because_of)) if explanation else []
    return Reason(user_id, because) if because else None


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


def personal_row(
    bundle: Bundle,
    asked: str,
    presets: list[User],
    *,
    mine: Sequence[tuple[int, float]] = (),
    seen: Collection[int] = (),
) -> PersonalRow:
    """Never raises: a row that cannot be computed says so and leaves the page whole.

    `mine` are the visitor's ratings, `seen` the ids of the movies that no row may have.
    """
    row = PersonalRow("nobody", "", presets, n_mine=len(mine))
    if asked == ME:
        return my_row(bundle, row, mine, seen)
    return row_of_user(bundle, row, asked, seen) if asked.strip() else row


def my_row(bundle: Bundle, row: PersonalRow, mine: Sequence[tuple[int, float]], seen: Collection[int]) -> PersonalRow:
    row = row._replace(is_mine=True)
    if not mine:
        return row
    try:
        chosen = personal_for(bundle, list(mine), n=ROW_SIZE, without=seen)
    except Exception:
        log.exception("no personal row for %s ratings of a visitor from bundle %s", len(mine), bundle.version)
        return row._replace(state="failed")
    because = because_or_none(bundle, lambda: (liked_in(bundle, mine), {*seen, *(movie_id for movie_id, _ in mine)}))
    return row._replace(state=chosen.model, cards=cards(chosen.movies), because=because)


def row_of_user(bundle: Bundle, row: PersonalRow, asked: str, seen: Collection[int]) -> PersonalRow:
    try:
        user_id = A_USER_ID.validate_python(asked)
    except ValidationError:
        return row._replace(state="not_an_id", asked=readable(asked))
    try:
        chosen = personal(bundle, user_id, n=ROW_SIZE, without=seen)
        user = User(user_id, n_ratings(bundle, user_id))
    except Exception:
        log.exception("no personal row for user %s from bundle %s", user_id, bundle.version)
        return row._replace(state="failed", asked=str(user_id), user=User(user_id, 0))
    because = because_or_none(bundle, lambda: (liked_by(bundle, user_id), {*seen, *rated_movies(bundle, user_id)}))
    shown = cards(chosen.movies, user_id=user_id if user.n_ratings else None)
    return row._replace(state=chosen.model, asked=str(user_id), user=user, cards=shown, because=because)


def because_or_none(bundle: Bundle, tastes: Callable[[], tuple[list[Movie], set[int]]]) -> list[BecauseRow]:
    """Rows for what somebody liked last, without what was rated or watched; a page without them is still whole."""
    try:
        return because_rows(bundle, *tastes())
    except Exception:
        log.exception("no rows for what somebody liked from bundle %s", bundle.version)
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
