"""The pages: one address, one function, one tree of templates."""

import logging
from typing import Literal, NamedTuple

from fastapi import APIRouter, HTTPException
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.i18n.languages import N_, Sentence
from serving.pages.cards import ROW_SIZE, Card, card, cards
from serving.pages.opinion_views import Actions, Reviews, actions_of, reviews_of, told
from serving.services.recommendations import (
    Chosen,
    because_of,
    personal,
    similar,
)
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import wants_fragment
from serving.web.query_params import MovieId, UserId
from serving.web.rendering import Site
from serving.web.visitor_lists import my_ratings

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)
SIMILAR_SIZE = 24

A_USER_ID: TypeAdapter[int] = TypeAdapter(UserId)
A_MOVIE_ID: TypeAdapter[int] = TypeAdapter(MovieId)


class Reason(NamedTuple):
    """Who else has a movie in the row, and which of their rated movies speak most for it."""

    user_id: int
    because: list[Card]


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
