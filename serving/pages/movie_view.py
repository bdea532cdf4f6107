"""The page of a movie and its parts, as the page itself and the forms about a movie answer."""

import logging
from typing import Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.observability.request_record import note_model
from serving.pages.cards import Card, build_card, build_cards
from serving.pages.opinion_views import ActionsView, ReviewsView, load_actions, load_reviews
from serving.services.recommendations import MovieList, find_influential_movies, find_similar_movies
from serving.web.forms import wants_fragment
from serving.web.rendering import Site
from serving.web.visitor_lists import load_my_ratings

log = logging.getLogger(__name__)

N_SIMILAR = 24


class UserReason(NamedTuple):
    """A user to whom the movie is recommended, and the ratings that led to it."""

    user_id: int
    because: list[Card]


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
    if alike:
        note_model(alike.model)
    return site.render_page(
        request,
        "movie/movie.html",
        bundle=bundle,
        fragment="movie/overlay.html",
        status=status,
        movie=movie,
        canonical=request.url_for("show_movie", movie_id=movie.movie_id),
        card=build_card(movie),
        actions=actions or load_actions(request, site, movie),
        reviews=reviews or load_reviews(request, site, movie),
        because=build_cards(find_influential_movies(bundle, load_my_ratings(request, site) or [], movie)),
        reason=reason,
        description=site.image_store.descriptions().find_description(movie.movie_id),
        similar_model=alike.model if alike else None,
        similar=build_cards(alike.movies if alike else [], compared_to=movie),
    )


def try_find_similar_movies(bundle: Bundle, movie: Movie) -> MovieList | None:
    """Similar movies. If they cannot be computed, logs the error and returns None."""
    try:
        return find_similar_movies(bundle, movie.movie_id, n=N_SIMILAR)
    except Exception:
        log.exception("no similar movies for %s from bundle %s", movie.movie_id, bundle.version)
        return None
