"""Forms about one movie: rate, save, mark as watched, review.

Answers htmx with a fragment, other browsers with a redirect.
"""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.community import opinions, rate_limits
from serving.community.validation import strip_unstorable, validate_review
from serving.i18n.languages import N_
from serving.pages.movie_view import render_movie
from serving.pages.opinion_views import NO_RATING, RATINGS_BY_TEXT, load_actions, load_reviews
from serving.pages.visitor_transaction import WriteDeclinedError, visitor_transaction
from serving.web.dependencies import TheBundle, TheMovie, TheSite
from serving.web.forms import Form, TheForm, redirect_after_post, wants_fragment
from serving.web.query_params import require_page_number
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)

NO_SUCH_PAGE = N_("This page does not exist.")
ReviewsPageNumber = Annotated[int, require_page_number(NO_SUCH_PAGE)]


@router.post("/movies/{movie_id}/rating")
def rate_movie(request: Request, site: TheSite, bundle: TheBundle, form: TheForm, movie: TheMovie) -> Response:
    """Saves a rating. The field `rating` is 0.5 to 5 in steps of 0.5, or `none` to delete the rating."""
    is_removal = form("rating") == NO_RATING
    try:
        with visitor_transaction(request, site, form, limit=rate_limits.CHANGES, is_removal=is_removal) as writer:
            stars = parse_rating(form)
            before = opinions.set_rating(writer.session, writer.profile_id, movie.movie_id, stars, now=writer.now)
    except WriteDeclinedError as error:
        return render_declined(request, site, bundle, movie, form=form, error=error)
    undo = "" if before == stars else f"{before:g}" if before else NO_RATING
    said = "unrated" if is_removal else "rated"
    return render_written(request, site, bundle, movie, form=form, said=said, undo=undo)


@router.post("/movies/{movie_id}/saved")
def save_movie(request: Request, site: TheSite, bundle: TheBundle, form: TheForm, movie: TheMovie) -> Response:
    """Puts the movie on the watchlist (field `on` is 1) or takes it off (0)."""
    return change_switch(request, site, bundle, form, movie, set_opinion=opinions.set_saved, said=("saved", "unsaved"))


@router.post("/movies/{movie_id}/watched")
def mark_watched(request: Request, site: TheSite, bundle: TheBundle, form: TheForm, movie: TheMovie) -> Response:
    """Marks the movie as watched (field `on` is 1) or removes the mark (0)."""
    said = ("watched", "unwatched")
    return change_switch(request, site, bundle, form, movie, set_opinion=opinions.set_watched, said=said)


def change_switch(
    request: Request,
    site: Site,
    bundle: Bundle,
    form: Form,
    movie: Movie,
    *,
    set_opinion: Callable[..., None],
    said: tuple[str, str],
) -> Response:
    """Sets by the field `on` what the visitor has switched; `said` is what the answer says of on and of off."""
    is_removal = form("on") == "0"
    try:
        with visitor_transaction(request, site, form, limit=rate_limits.CHANGES, is_removal=is_removal) as writer:
            is_on = parse_switch(form)
            set_opinion(writer.session, writer.profile_id, movie.movie_id, is_on=is_on, now=writer.now)
    except WriteDeclinedError as error:
        return render_declined(request, site, bundle, movie, form=form, error=error)
    return render_written(request, site, bundle, movie, form=form, said=said[is_removal])


@router.post("/movies/{movie_id}/review")
def post_review(request: Request, site: TheSite, bundle: TheBundle, form: TheForm, movie: TheMovie) -> Response:
    """Saves the field `text` as the review, or deletes the review if `delete` is set.

    If that fails, the typed text stands in the form again.
    """
    try:
        with visitor_transaction(
            request, site, form, limit=rate_limits.REVIEWS, is_removal=bool(form("delete"))
        ) as writer:
            if form("delete"):
                opinions.delete_review(writer.session, writer.profile_id, movie.movie_id)
            else:
                text = validate_review(form("text"))
                opinions.set_review(writer.session, writer.profile_id, movie.movie_id, text, now=writer.now)
    except WriteDeclinedError as error:
        reviews = load_reviews(request, site, movie)
        draft = None if form("delete") else strip_unstorable(form("text"))
        reviews = reviews._replace(draft=draft, problem=error.problem, seconds=error.seconds)
        return error.add_retry_after(
            render_movie(request, site, bundle, movie, reviews=reviews, fragment_name="reviews", status=error.status)
        )
    said = "unreviewed" if form("delete") else "reviewed"
    if wants_fragment(request):
        reviews = load_reviews(request, site, movie)._replace(said=said)
        answer = render_movie(request, site, bundle, movie, reviews=reviews, fragment_name="reviews")
    else:
        answer = redirect_after_post(
            form.get_back_url(f"/movies/{movie.movie_id}?said={said}#reviews-{movie.movie_id}")
        )
    return site.community.set_new_session_cookie(request, answer)


@router.get("/movies/{movie_id}/reviews")
def show_reviews(
    request: Request, site: TheSite, bundle: TheBundle, movie: TheMovie, number: ReviewsPageNumber
) -> Response:
    """The reviews of a movie, newest first; for htmx only the list. Raises a 404 for a page that does not exist."""
    reviews = load_reviews(request, site, movie, number=number)
    if reviews.is_known and number > reviews.n_pages:
        raise HTTPException(404, NO_SUCH_PAGE)
    return site.render_page(
        request, "opinions/reviews.html", bundle=bundle, fragment="partials/reviews.html", movie=movie, reviews=reviews
    )


def render_written(
    request: Request, site: Site, bundle: Bundle, movie: Movie, *, form: Form, said: str, undo: str = ""
) -> Response:
    """The answer to a stored opinion: `said` is what was done, `undo` the rating before.

    htmx gets the form again, other browsers are redirected.
    """
    if wants_fragment(request):
        shown = load_actions(request, site, movie, shows_move=bool(form("move")))._replace(said=said, undo=undo)
        answer = render_movie(request, site, bundle, movie, actions=shown, fragment_name="actions")
        answer.headers["HX-Trigger"] = "opinion"
    else:
        outcome = urlencode({"said": said} | ({"was": undo} if undo else {}))
        answer = redirect_after_post(form.get_back_url(f"/movies/{movie.movie_id}?{outcome}#actions-{movie.movie_id}"))
    return site.community.set_new_session_cookie(request, answer)


def render_declined(
    request: Request, site: Site, bundle: Bundle, movie: Movie, *, form: Form, error: WriteDeclinedError
) -> Response:
    """The movie's buttons as they are, with the reason why nothing was stored."""
    shown = load_actions(request, site, movie, shows_move=bool(form("move")))
    shown = shown._replace(problem=error.problem, seconds=error.seconds)
    answer = render_movie(request, site, bundle, movie, actions=shown, fragment_name="actions", status=error.status)
    return error.add_retry_after(answer)


def parse_rating(form: Form) -> float | None:
    """The stars in the field `rating`, None for `none`. Raises WriteDeclinedError for anything else."""
    if form("rating") not in {*RATINGS_BY_TEXT, NO_RATING}:
        raise WriteDeclinedError("rating_is_none")
    return RATINGS_BY_TEXT.get(form("rating"))


def parse_switch(form: Form) -> bool:
    """True for 1, False for 0 in the field `on`. Raises WriteDeclinedError for anything else."""
    if form("on") not in {"0", "1"}:
        raise WriteDeclinedError("neither_on_nor_off")
    return form("on") == "1"
