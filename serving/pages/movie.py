"""The page of a movie."""

import logging
from typing import Annotated, get_args
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Query
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.i18n.languages import N_, Sentence
from serving.observability.metrics import CLICKS
from serving.pages.cards import ROW_PARAMETER, ROW_SIZE, HomeRow, build_cards
from serving.pages.movie_view import UserReason, render_movie
from serving.pages.opinion_views import load_actions, load_reviews, with_outcome, with_review_outcome
from serving.services.recommendations import recommend_for_user
from serving.web.dependencies import TheBundle, TheMovie, TheSite
from serving.web.local_urls import find_referring_page
from serving.web.query_params import parse_digits, shorten_for_display

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)


@router.get("/movies/{movie_id}")
def show_movie(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    movie: TheMovie,
    *,
    said: str = "",
    was: str = "",
    user_id: str = "",
    row: Annotated[str, Query(alias=ROW_PARAMETER)] = "",
) -> Response:
    """The page of a movie with reviews and similar movies.

    `said` and `was` report what a form has just done; `user_id` is the user whose row linked here, `row` the kind of
    that row on the home page.
    """
    if row in get_args(HomeRow) and is_opened_from_home(request):
        CLICKS.labels(row).inc()
    reason = explain_for_user(bundle, user_id, movie)
    actions = with_outcome(load_actions(request, site, movie), said=said, was=was)
    reviews = with_review_outcome(load_reviews(request, site, movie), said=said)
    return render_movie(request, site, bundle, movie, actions=actions, reviews=reviews, reason=reason)


def is_opened_from_home(request: Request) -> bool:
    """Whether a card of the home page was opened just now; not a reload, a shared link, or a prefetch.

    Browsers name the page of a link as Referer; a reload has `Cache-Control: max-age=0` or `no-cache`.
    """
    headers = request.headers
    is_from_home = urlsplit(find_referring_page(request, default="")).path == "/"
    is_reload = any(word in headers.get("cache-control", "") for word in ("max-age=0", "no-cache"))
    return is_from_home and not is_reload and "sec-purpose" not in headers


def explain_for_user(bundle: Bundle, asked: str, movie: Movie) -> UserReason | None:
    """Why the movie is recommended to the user `asked`; None if it is not, or if no rating led to it.

    Raises a 422 if `asked` is not a user id.
    """
    if not asked.strip():
        return None
    user_id = parse_digits(asked)
    if user_id is None:
        text = N_("“%(asked)s” is not a user id. A user id is a whole number, such as 15.")
        raise HTTPException(422, Sentence(text, {"asked": shorten_for_display(asked)}))
    try:
        explanation = recommend_for_user(bundle, user_id, n=ROW_SIZE, explain=True).explanations.get(movie.movie_id)
    except Exception:
        log.exception("no reason for user %s from bundle %s", user_id, bundle.version)
        return None
    because = build_cards(bundle.catalogue.find_movies(explanation.influential_movie_ids)) if explanation else []
    return UserReason(user_id, because) if because else None
