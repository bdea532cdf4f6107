"""What people do with a movie: rate, save, mark as watched, review. Each a form; to htmx its fragment is answered."""

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
from serving.community.validation import review_of, storable
from serving.i18n.languages import N_
from serving.pages.catalogue import A_PAGE_NUMBER
from serving.pages.movie import known_movie, movie_answer
from serving.pages.opinion_views import NO_RATING, RATINGS, Actions, actions_of, reviews_of
from serving.pages.visitor_transaction import Declined, Writer, writing_as
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import Form, TheForm, see, wants_fragment
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)


class Keep(Protocol):
    """Keeps for a profile whether something holds of a movie."""

    def __call__(self, session: Session, profile_id: UUID, movie_id: int, *, is_on: bool, now: datetime) -> None: ...


Act = Callable[[Writer], dict[str, str]]  # gives what was `said`, and the rating it `was`


@router.post("/movies/{movie_id}/rating")
def rate(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """`rating` is 0.5 to 5, or `none` to take it away."""
    movie = known_movie(bundle, movie_id)

    def act(writer: Writer) -> dict[str, str]:
        sent = form("rating")
        if sent not in {*RATINGS, NO_RATING}:
            raise Declined("rating_is_none")
        stars = RATINGS.get(sent)
        before = opinions.rate(writer.session, writer.profile_id, movie.movie_id, stars, now=writer.now)
        said = "unrated" if stars is None else "rated"
        return {"said": said} | ({} if before == stars else {"was": f"{before:g}" if before else NO_RATING})

    return changed(request, site, bundle, movie, form=form, act=act)


@router.post("/movies/{movie_id}/saved")
def save(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """`on` is 1 to save for later, 0 to take it off the list."""
    return switched(request, site, bundle, movie_id, form=form, keep=opinions.save, said=("saved", "unsaved"))


@router.post("/movies/{movie_id}/watched")
def watch(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """`on` is 1 for watched, 0 for not."""
    return switched(request, site, bundle, movie_id, form=form, keep=opinions.watch, said=("watched", "unwatched"))


def switched(
    request: Request,
    site: Site,
    bundle: Bundle,
    movie_id: str,
    *,
    form: Form,
    keep: Keep,
    said: tuple[str, str],
) -> Response:
    """`said` is what is told of on and of off."""
    movie = known_movie(bundle, movie_id)

    def act(writer: Writer) -> dict[str, str]:
        is_on = switch(form)
        keep(writer.session, writer.profile_id, movie.movie_id, is_on=is_on, now=writer.now)
        return {"said": said[0] if is_on else said[1]}

    return changed(request, site, bundle, movie, form=form, act=act)


@router.post("/movies/{movie_id}/review")
def review(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, form: TheForm) -> Response:
    """`text` takes the place of the review before; with `delete` the review goes. What was typed is never lost."""
    movie = known_movie(bundle, movie_id)
    try:
        with writing_as(request, site, form, limit=rate_limits.REVIEWS, takes_away=bool(form("delete"))) as writer:
            if form("delete"):
                opinions.unreview(writer.session, writer.profile_id, movie.movie_id)
            else:
                text = review_of(form("text"))
                opinions.review(writer.session, writer.profile_id, movie.movie_id, text, now=writer.now)
    except Declined as error:
        reviews = reviews_of(request, site, movie)
        draft = None if form("delete") else storable(form("text"))
        reviews = reviews._replace(draft=draft, problem=error.problem, seconds=error.seconds)
        return error.stamp(
            movie_answer(request, site, bundle, movie, reviews=reviews, asked_for="reviews", status=error.status)
        )
    said = "unreviewed" if form("delete") else "reviewed"
    if wants_fragment(request):
        reviews = reviews_of(request, site, movie)._replace(said=said)
        answer = movie_answer(request, site, bundle, movie, reviews=reviews, asked_for="reviews")
    else:
        answer = see(form.back(f"/movies/{movie.movie_id}?said={said}#reviews-{movie.movie_id}"))
    return site.people.remember(request, answer)


@router.get("/movies/{movie_id}/reviews")
def all_reviews(request: Request, site: TheSite, bundle: TheBundle, movie_id: str, page: str = "") -> Response:
    """The reviews of a movie, newest first; for htmx without the page around them."""
    movie = known_movie(bundle, movie_id)
    try:
        number = A_PAGE_NUMBER.validate_python(page or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None
    reviews = reviews_of(request, site, movie, number=min(number, 10**6))
    if reviews.is_known and number > reviews.n_pages:
        raise HTTPException(404, N_("This page does not exist."))
    return site.html(
        request, "reviews.html", bundle=bundle, fragment="partials/reviews.html", movie=movie, reviews=reviews
    )


def changed(request: Request, site: Site, bundle: Bundle, movie: Movie, *, form: Form, act: Act) -> Response:
    """Does it, and answers with the truth after it: the same form again, or a redirect without JavaScript."""
    try:
        takes_away = form("on") == "0" or form("rating") == NO_RATING
        with writing_as(request, site, form, limit=rate_limits.CHANGES, takes_away=takes_away) as writer:
            done = act(writer)
    except Declined as error:
        shown = shown_actions(request, site, movie, form)._replace(problem=error.problem, seconds=error.seconds)
        return error.stamp(
            movie_answer(request, site, bundle, movie, actions=shown, asked_for="actions", status=error.status)
        )
    if wants_fragment(request):
        shown = shown_actions(request, site, movie, form)._replace(said=done["said"], undo=done.get("was", ""))
        answer = movie_answer(request, site, bundle, movie, actions=shown, asked_for="actions")
        answer.headers["HX-Trigger"] = "opinion"
    else:
        answer = see(form.back(f"/movies/{movie.movie_id}?{urlencode(done)}#actions-{movie.movie_id}"))
    return site.people.remember(request, answer)


def shown_actions(request: Request, site: Site, movie: Movie, form: Form) -> Actions:
    return actions_of(request, site, movie, shows_move=bool(form("move")))


def switch(form: Form) -> bool:
    if form("on") not in {"0", "1"}:
        raise Declined("neither_on_nor_off")
    return form("on") == "1"
