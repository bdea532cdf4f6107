"""Forms about one movie: rate, save, mark as watched, review.

Answers htmx with a fragment, other browsers with a redirect.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.community import opinions, rate_limits
from serving.community.validation import strip_unstorable, validate_review
from serving.i18n.languages import N_
from serving.pages.catalogue import PAGE_NUMBER_ADAPTER
from serving.pages.movie import render_movie, require_movie
from serving.pages.opinion_views import NO_RATING, RATINGS_BY_TEXT, ActionsView, load_actions, load_reviews
from serving.pages.visitor_transaction import WriteDeclinedError, Writer, visitor_transaction
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import Form, TheForm, redirect_after_post, wants_fragment
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)


class FlagSetter(Protocol):
    """Sets or clears one mark (saved, watched) of a profile on a movie."""

    def __call__(self, session: Session, profile_id: UUID, movie_id: int, *, is_on: bool, now: datetime) -> None: ...


OpinionAction = Callable[[Writer], dict[str, str]]  # gives what was `said`, and the rating it `was`


@router.post("/movies/{movie_id}/rating")
def rate_movie(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """Saves a rating. The field `rating` is 0.5 to 5 in steps of 0.5, or `none` to delete the rating."""
    movie = require_movie(bundle, movie_id)

    def act(writer: Writer) -> dict[str, str]:
        sent = form("rating")
        if sent not in {*RATINGS_BY_TEXT, NO_RATING}:
            raise WriteDeclinedError("rating_is_none")
        stars = RATINGS_BY_TEXT.get(sent)
        before = opinions.set_rating(writer.session, writer.profile_id, movie.movie_id, stars, now=writer.now)
        said = "unrated" if stars is None else "rated"
        return {"said": said} | ({} if before == stars else {"was": f"{before:g}" if before else NO_RATING})

    return write_opinion(request, site, bundle, movie, form=form, action=act)


@router.post("/movies/{movie_id}/saved")
def save_movie(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """Puts the movie on the watchlist (field `on` is 1) or takes it off (0)."""
    return write_flag(
        request, site, bundle, movie_id, form=form, setter=opinions.set_saved, outcomes=("saved", "unsaved")
    )


@router.post("/movies/{movie_id}/watched")
def mark_watched(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """Marks the movie as watched (field `on` is 1) or removes the mark (0)."""
    return write_flag(
        request, site, bundle, movie_id, form=form, setter=opinions.set_watched, outcomes=("watched", "unwatched")
    )


def write_flag(
    request: Request,
    site: Site,
    bundle: Bundle,
    movie_id: str,
    *,
    form: Form,
    setter: FlagSetter,
    outcomes: tuple[str, str],
) -> Response:
    """Saves the field `on` with `setter`; `outcomes` are the keys of the messages for on and for off."""
    movie = require_movie(bundle, movie_id)

    def act(writer: Writer) -> dict[str, str]:
        is_on = parse_switch(form)
        setter(writer.session, writer.profile_id, movie.movie_id, is_on=is_on, now=writer.now)
        return {"said": outcomes[0] if is_on else outcomes[1]}

    return write_opinion(request, site, bundle, movie, form=form, action=act)


@router.post("/movies/{movie_id}/review")
def post_review(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """Saves the field `text` as the review, or deletes the review if `delete` is set.

    If that fails, the typed text stands in the form again.
    """
    movie = require_movie(bundle, movie_id)
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
def show_reviews(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, page: str = "") -> Response:
    """The reviews of a movie, newest first; for htmx only the list. Raises a 404 for a page that does not exist."""
    movie = require_movie(bundle, movie_id)
    try:
        number = PAGE_NUMBER_ADAPTER.validate_python(page or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None
    reviews = load_reviews(request, site, movie, number=min(number, 10**6))
    if reviews.is_known and number > reviews.n_pages:
        raise HTTPException(404, N_("This page does not exist."))
    return site.render_page(
        request, "reviews.html", bundle=bundle, fragment="partials/reviews.html", movie=movie, reviews=reviews
    )


def write_opinion(
    request: Request, site: Site, bundle: Bundle, movie: Movie, *, form: Form, action: OpinionAction
) -> Response:
    """Runs `action` in a transaction and answers with the new state of the movie.

    htmx gets the form again, other browsers are redirected. If writing fails, the form says why.
    """
    try:
        takes_away = form("on") == "0" or form("rating") == NO_RATING
        with visitor_transaction(request, site, form, limit=rate_limits.CHANGES, is_removal=takes_away) as writer:
            done = action(writer)
    except WriteDeclinedError as error:
        shown = reload_actions(request, site, movie, form)._replace(problem=error.problem, seconds=error.seconds)
        return error.add_retry_after(
            render_movie(request, site, bundle, movie, actions=shown, fragment_name="actions", status=error.status)
        )
    if wants_fragment(request):
        shown = reload_actions(request, site, movie, form)._replace(said=done["said"], undo=done.get("was", ""))
        answer = render_movie(request, site, bundle, movie, actions=shown, fragment_name="actions")
        answer.headers["HX-Trigger"] = "opinion"
    else:
        answer = redirect_after_post(
            form.get_back_url(f"/movies/{movie.movie_id}?{urlencode(done)}#actions-{movie.movie_id}")
        )
    return site.community.set_new_session_cookie(request, answer)


def reload_actions(request: Request, site: Site, movie: Movie, form: Form) -> ActionsView:
    """The current state of the movie's buttons, read again; with the link to its own page if the form had it."""
    return load_actions(request, site, movie, shows_move=bool(form("move")))


def parse_switch(form: Form) -> bool:
    """True for 1, False for 0 in the field `on`. Raises WriteDeclinedError for anything else."""
    if form("on") not in {"0", "1"}:
        raise WriteDeclinedError("neither_on_nor_off")
    return form("on") == "1"
