"""The first visit: five films that one knows, and the site recommends."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Catalog, Movie
from movierec.data.schema import RELEVANT
from serving.community import opinions, rate_limits
from serving.pages.cards import Card, card
from serving.pages.opinion_views import RATINGS
from serving.pages.visitor_transaction import Declined, writing_as
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import Form, TheForm, see
from serving.web.local_urls import local
from serving.web.rendering import Site
from serving.web.visitor_lists import my_ratings

router = APIRouter(include_in_schema=False)

WANTED = 5
OFFERED = 18
KNOWN_TO_MANY = 400  # among so many of the most popular movies one finds some that one knows
PICKED = RELEVANT  # a pick says "I like it"
MINE = "/?user_id=me#for-you"


class Offer(NamedTuple):
    movie_id: int
    card: Card
    picked: str  # the rating that was sent and not kept, empty for none


class Welcome(NamedTuple):
    """`n_rated` counts what is kept already."""

    offers: list[Offer]
    n_rated: int
    number: int
    back: str
    is_known: bool = True
    has_more: bool = True
    problem: str = ""
    seconds: int = 0


@router.get("/welcome")
def welcome_page(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    *,
    more: str = "",
    back: str = "",
) -> Response:
    """Popular films of all genres and decades; `more` shows the next ones."""
    return welcome_answer(request, site, bundle, number=page_of(more), back=local(request, back))


@router.post("/welcome")
def pick(request: Request, site: TheSite, bundle: TheBundle, form: TheForm) -> Response:
    """Keeps each `rating-<movie_id>`, and each `pick` as four stars. With five the recommendations follow, or the
    next screen where `other` asks for it."""
    chosen = picks_of(form, bundle.catalog)
    back, number = form.back(""), page_of(form("more"))
    onward = f"/welcome?{urlencode({'more': number + 1, 'back': back})}"
    if not chosen and form("other"):
        return see(onward)
    if not chosen:
        kept = my_ratings(request, site)
        if kept is not None and len(kept) >= WANTED:
            return see(MINE)
        return welcome_answer(request, site, bundle, number=number, back=back, problem="no_film", status=422)
    try:
        with writing_as(request, site, form, limit=rate_limits.CHANGES) as writer:
            for movie_id, rating in chosen.items():
                opinions.rate(writer.session, writer.profile_id, movie_id, rating, now=writer.now)
            n_rated = opinions.n_ratings_of(writer.session, writer.profile_id)
    except Declined as error:
        answer = welcome_answer(
            request, site, bundle, number=number, back=back, chosen=chosen, problem=error.problem,
            seconds=error.seconds, status=error.status,
        )  # fmt: skip
        return error.stamp(answer)
    answer = see(onward if n_rated < WANTED or form("other") else MINE)
    return site.people.remember(request, answer)


def picks_of(form: Form, catalog: Catalog) -> dict[int, float]:
    """What was rated, and what was picked without a rating; fields that make no sense are left alone."""
    found: dict[int, float] = {}
    for field, value in form.fields.items():
        kind, _, text = field.partition("-")
        if kind in {"pick", "rating"} and text.isascii() and text.isdigit() and len(text) < 12:
            movie_id = int(text)
            if movie_id in catalog.by_id:
                if kind == "rating" and value in RATINGS:
                    found[movie_id] = RATINGS[value]
                elif kind == "pick":
                    found.setdefault(movie_id, PICKED)
    return found


def welcome_answer(
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
    rated = my_ratings(request, site)
    known = {movie_id for movie_id, _ in rated or []}
    offered, has_more = offers(bundle.catalog, without=known, number=number)
    kept = chosen or {}
    found = Welcome(
        [Offer(m.movie_id, card(m), f"{kept[m.movie_id]:g}" if m.movie_id in kept else "") for m in offered],
        len(known),
        number,
        back,
        is_known=rated is not None,
        has_more=has_more,
        problem=problem,
        seconds=seconds,
    )
    return site.html(request, "welcome.html", bundle=bundle, status=status, welcome=found)


def offers(catalog: Catalog, *, without: Collection[int], number: int) -> tuple[list[Movie], bool]:
    """The films of screen `number` (from 1), and whether another screen follows."""
    ordered = diverse(catalog.popular(limit=KNOWN_TO_MANY) or catalog.page(1, size=KNOWN_TO_MANY))
    end = number * OFFERED
    # Screens are cut first, so that a film rated on one does not shift the films of the next.
    return [movie for movie in ordered[end - OFFERED : end] if movie.movie_id not in without], end < len(ordered)


def diverse(movies: Sequence[Movie]) -> list[Movie]:
    """Most popular first, but in turns: each genre and decade comes once before any comes again; of a series one."""
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


def page_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 4 and int(text) else 1
