"""The home page, the list of all movies, and the page of a movie."""

import logging
from typing import Literal, NamedTuple

from fastapi import APIRouter, HTTPException
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.i18n.languages import N_, Sentence
from serving.pages.cards import ROW_SIZE, Card, build_card, build_cards
from serving.pages.opinion_views import ActionsView, ReviewsView, load_actions, load_reviews, with_outcome
from serving.services.recommendations import (
    MovieList,
    find_influential_movies,
    find_similar_movies,
    recommend_for_user,
)
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import wants_fragment
from serving.web.query_params import MovieId, UserId
from serving.web.rendering import Site
from serving.web.visitor_lists import load_my_ratings

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)
N_SIMILAR = 24

USER_ID_ADAPTER: TypeAdapter[int] = TypeAdapter(UserId)
MOVIE_ID_ADAPTER: TypeAdapter[int] = TypeAdapter(MovieId)


class UserReason(NamedTuple):
    """A user to whom the movie is recommended, and the ratings that led to it."""

    user_id: int
    because: list[Card]


@router.get("/movies/{movie_id}")
def show_movie(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    movie_id: str,
    *,
    said: str = "",
    was: str = "",
    user_id: str = "",
) -> Response:
    """The page of a movie with reviews and similar movies.

    `said` and `was` report what a form has just done; `user_id` is the user whose row linked here.
    """
    movie = require_movie(bundle, movie_id)
    reason = explain_for_user(bundle, user_id, movie)
    actions = with_outcome(load_actions(request, site, movie), said=said, was=was)
    reviews = load_reviews(request, site, movie)._replace(said=actions.said)
    return render_movie(request, site, bundle, movie, actions=actions, reviews=reviews, reason=reason)


def render_movie(
    request: Request,
    site: Site,
    bundle: Bundle,
    movie: Movie,
    *,
    actions: ActionsView | None = None,
    reviews: ReviewsView | None = None,
    reason: UserReason | None = None,
    fragment_name: Literal["actions", "reviews", ""] = "",
    status: int = 200,
) -> Response:
    """Renders the page of a movie; for htmx only the part `fragment_name`."""
    if fragment_name and wants_fragment(request):
        part = {"actions": actions, "reviews": reviews}[fragment_name]
        page = f"partials/{fragment_name}.html"
        return site.render_page(
            request, page, bundle=bundle, fragment=page, status=status, movie=movie, **{fragment_name: part}
        )
    alike = try_find_similar_movies(bundle, movie)
    return site.render_page(
        request,
        "movie.html",
        bundle=bundle,
        fragment="partials/overlay.html",
        status=status,
        movie=movie,
        canonical=request.url_for("show_movie", movie_id=movie.movie_id),
        card=build_card(movie),
        actions=actions or load_actions(request, site, movie),
        reviews=reviews or load_reviews(request, site, movie),
        because=build_cards(find_influential_movies(bundle, load_my_ratings(request, site) or [], movie)),
        reason=reason,
        description=site.image_store.descriptions().get(movie.movie_id),
        similar_model=alike.model if alike else None,
        similar=build_cards(alike.movies if alike else [], compared_to=movie),
    )


def explain_for_user(bundle: Bundle, asked: str, movie: Movie) -> UserReason | None:
    """Why the movie is recommended to the user `asked`; None if it is not, or if no rating led to it.

    Raises a 422 if `asked` is not a user id.
    """
    if not asked.strip():
        return None
    try:
        user_id = USER_ID_ADAPTER.validate_python(asked)
    except ValidationError:
        text = N_("“%(asked)s” is not a user id. A user id is a whole number, such as 15.")
        raise HTTPException(422, Sentence(text, {"asked": shorten_for_display(asked)})) from None
    try:
        explanation = recommend_for_user(bundle, user_id, n=ROW_SIZE, explain=True).explanations.get(movie.movie_id)
    except Exception:
        log.exception("no reason for user %s from bundle %s", user_id, bundle.version)
        return None
    because = build_cards(bundle.catalog.known(explanation.because_of)) if explanation else []
    return UserReason(user_id, because) if because else None


def require_movie(bundle: Bundle, movie_id: str) -> Movie:
    """The movie with this id. Raises a 404 if the text is not an id or the catalogue does not have it."""
    try:
        return bundle.catalog.by_id[MOVIE_ID_ADAPTER.validate_python(movie_id)]
    except (ValidationError, KeyError):
        raise HTTPException(404, N_("This movie is not in the catalogue.")) from None


def try_find_similar_movies(bundle: Bundle, movie: Movie) -> MovieList | None:
    """Similar movies. If they cannot be computed, logs the error and returns None."""
    try:
        return find_similar_movies(bundle, movie.movie_id, n=N_SIMILAR)
    except Exception:
        log.exception("no similar movies for %s from bundle %s", movie.movie_id, bundle.version)
        return None


def shorten_for_display(text: str) -> str:
    """The text cut to 40 characters and safe to encode, to repeat it in a message."""
    short = text if len(text) <= 40 else f"{text[:40]}…"
    return short.encode("utf-8", "replace").decode()
