"""The home page: trending, the personal row, all movies."""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.pages.cards import ROW_SIZE, BecauseRow, Card, because_rows, cards
from serving.pages.catalogue import catalogue_page
from serving.pages.movie import A_USER_ID, readable
from serving.services.recommendations import (
    User,
    liked_by,
    liked_in,
    n_ratings,
    personal,
    personal_for,
    rated_movies,
)
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import wants_fragment
from serving.web.visitor_lists import my_ratings, my_seen

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)


ME = "me"  # in the place of a user id: who asks


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
