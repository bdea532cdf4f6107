"""The first visit: the visitor picks five movies and gets recommendations."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Catalogue, Movie
from movierec.data.schema import RELEVANT
from serving.community import opinions, rate_limits
from serving.pages.cards import Card, build_card
from serving.pages.opinion_views import RATINGS_BY_TEXT
from serving.pages.visitor_transaction import WriteDeclinedError, visitor_transaction
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import Form, TheForm, redirect_after_post
from serving.web.local_urls import sanitize_local_url
from serving.web.query_params import parse_digits
from serving.web.rendering import Site
from serving.web.visitor_lists import load_my_ratings

router = APIRouter(include_in_schema=False)

N_WANTED_RATINGS = 5
SCREEN_SIZE = 18
MAX_SCREENS = 999
N_WELL_KNOWN = 400  # among so many of the most popular movies one finds some that one knows
PICK_RATING = RELEVANT  # a pick says "I like it"
MY_ROW_URL = "/?user_id=me#for-you"


class Offer(NamedTuple):
    """A movie to pick; `picked` is the rating that was sent but not stored, empty for none."""

    movie_id: int
    card: Card
    picked: str  # the rating that was sent and not kept, empty for none


class Welcome(NamedTuple):
    """One screen of movies to pick from; `n_rated` counts the ratings stored so far."""

    offers: list[Offer]
    n_rated: int
    number: int
    back: str
    is_known: bool = True
    has_more: bool = True
    problem: str = ""
    seconds: int = 0


@router.get("/welcome")
def show_welcome(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    *,
    more: str = "",
    back: str = "",
) -> Response:
    """Popular movies of all genres and decades; `more` is the number of the screen, from 1."""
    return render_welcome(
        request,
        site,
        bundle,
        number=parse_digits(more, least=1, most=MAX_SCREENS) or 1,
        back=sanitize_local_url(request, back),
    )


@router.post("/welcome")
def save_picks(request: Request, site: TheSite, bundle: TheBundle, form: TheForm) -> Response:
    """Stores each field `rating-<movie_id>`, and each `pick` as 4 stars.

    With five ratings it leads to the recommendations, else (or with `other`) to the next screen.
    """
    chosen = parse_picks(form, bundle.catalogue)
    back, number = form.get_back_url(""), parse_digits(form("more"), least=1, most=MAX_SCREENS) or 1
    onward = f"/welcome?{urlencode({'more': number + 1, 'back': back})}"
    if not chosen and form("other"):
        return redirect_after_post(onward)
    if not chosen:
        kept = load_my_ratings(request, site)
        if kept is not None and len(kept) >= N_WANTED_RATINGS:
            return redirect_after_post(MY_ROW_URL)
        return render_welcome(request, site, bundle, number=number, back=back, problem="no_film", status=422)
    try:
        with visitor_transaction(request, site, form, limit=rate_limits.CHANGES) as writer:
            for movie_id, rating in chosen.items():
                opinions.set_rating(writer.session, writer.profile_id, movie_id, rating, now=writer.now)
            n_rated = opinions.count_ratings(writer.session, writer.profile_id)
    except WriteDeclinedError as error:
        answer = render_welcome(
            request, site, bundle, number=number, back=back, chosen=chosen, problem=error.problem,
            seconds=error.seconds, status=error.status,
        )  # fmt: skip
        return error.add_retry_after(answer)
    answer = redirect_after_post(onward if n_rated < N_WANTED_RATINGS or form("other") else MY_ROW_URL)
    return site.community.set_new_session_cookie(request, answer)


def parse_picks(form: Form, catalog: Catalogue) -> dict[int, float]:
    """Ratings by movie_id: those that were given, and 4 stars for a pick without one. Invalid fields are ignored."""
    found: dict[int, float] = {}
    for field, value in form.fields.items():
        kind, _, text = field.partition("-")
        if kind in {"pick", "rating"} and text.isascii() and text.isdigit() and len(text) < 12:
            movie_id = int(text)
            if movie_id in catalog.by_id:
                if kind == "rating" and value in RATINGS_BY_TEXT:
                    found[movie_id] = RATINGS_BY_TEXT[value]
                elif kind == "pick":
                    found.setdefault(movie_id, PICK_RATING)
    return found


def render_welcome(
    request: Request,
    site: Site,
    bundle: Bundle,
    *,
    number: int,
    back: str,
    chosen: dict[int, float] | None = None,
    problem: str = "",
    seconds: int = 0,
    status: int = 200,
) -> Response:
    """Renders a screen; `chosen` are ratings that were sent but not stored."""
    rated = load_my_ratings(request, site)
    known = {movie_id for movie_id, _ in rated or []}
    offered, has_more = list_offers(bundle.catalogue, without=known, number=number)
    kept = chosen or {}
    found = Welcome(
        [Offer(m.movie_id, build_card(m), f"{kept[m.movie_id]:g}" if m.movie_id in kept else "") for m in offered],
        len(known),
        number,
        back,
        is_known=rated is not None,
        has_more=has_more,
        problem=problem,
        seconds=seconds,
    )
    return site.render_page(request, "onboarding/welcome.html", bundle=bundle, status=status, welcome=found)


def list_offers(catalog: Catalogue, *, without: Collection[int], number: int) -> tuple[list[Movie], bool]:
    """The movies of screen `number` (from 1), and whether another screen follows."""
    ordered = interleave_movies(catalog.list_popular(limit=N_WELL_KNOWN) or catalog.get_page(1, size=N_WELL_KNOWN))
    end = number * SCREEN_SIZE
    # Screens are cut first, so that a film rated on one does not shift the films of the next.
    return [movie for movie in ordered[end - SCREEN_SIZE : end] if movie.movie_id not in without], end < len(ordered)


def interleave_movies(movies: Sequence[Movie]) -> list[Movie]:
    """Orders movies in rounds, most popular first: in a round each genre and each decade occurs once.

    Of several movies with the same title before a colon only the first is kept.
    """
    ordered: list[Movie] = []
    left = list({movie.title.split(":")[0]: movie for movie in reversed(movies)}.values())[::-1]
    while left:
        genres: set[str] = set()
        decades: set[int] = set()
        skipped: list[Movie] = []
        for movie in left:
            genre = movie.genres[0] if movie.genres else ""
            decade = (movie.year or 0) // 10
            if genre in genres or decade in decades:
                skipped.append(movie)
            else:
                ordered.append(movie)
                genres.add(genre)
                decades.add(decade)
        left = skipped  # shorter each time: the first is always taken
    return ordered
