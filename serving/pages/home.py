"""The home page: trending, the personal row, all movies."""

import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.observability.metrics import IMPRESSIONS
from serving.observability.request_record import note_model
from serving.pages.cards import ROW_SIZE, BecauseRow, Card, build_because_rows, build_cards
from serving.pages.grid import build_catalogue_page
from serving.services.recommendations import (
    UserSummary,
    count_ratings,
    get_rated_movie_ids,
    list_liked_by_user,
    list_liked_in_ratings,
    recommend_for_user,
    recommend_from_ratings,
)
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import wants_fragment
from serving.web.query_params import parse_digits, shorten_for_display
from serving.web.visitor_lists import load_my_ratings, my_seen

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)


ME = "me"  # in the place of a user id: who asks


class PersonalRow(NamedTuple):
    """The "For you" row. `state` is the model that chose, or "nobody", "not_an_id" or "failed".

    If `is_mine`, it is the visitor's own row from `n_mine` ratings; else it is the row of `user`. `href` is the address
    of the home page with this row: what it shows there follows the visitor's ratings.
    """

    state: str
    asked: str
    presets: list[UserSummary]
    href: str = "/"
    user: UserSummary | None = None
    cards: list[Card] = []  # noqa: RUF012  never changed
    because: list[BecauseRow] = []  # noqa: RUF012
    n_mine: int = 0
    is_mine: bool = False


@router.get("/")
def show_home(request: Request, site: TheSite, bundle: TheBundle, user_id: str | None = None) -> Response:
    """The home page: trending movies, a personal row, all movies; for htmx only the personal row and what is trending.

    No movie is twice in these rows: the personal row keeps its ranking, and the others leave out what it shows. The
    list of all movies is complete. Without `user_id` the row is the visitor's own, or that of the first example user if
    the visitor has no ratings. An empty `user_id` shows no row.
    """
    presets = site.preset_users(bundle)
    mine = load_my_ratings(request, site) or []
    by_default = ME if mine else str(presets[0].user_id if presets else "")
    asked = by_default if user_id is None else user_id
    my_movies = my_seen(request)
    seen = my_movies if user_id in {None, ME} else ()  # the row of a user who was asked for stays theirs
    row = build_personal_row(bundle, asked, presets, mine=mine, seen=seen)
    chosen = {card.movie_id for card in row.cards}
    trending = list_trending(bundle, without={*my_movies, *chosen})
    shown = {*seen, *chosen, *(movie.movie_id for movie in trending)}
    row = row._replace(
        href="/" if user_id is None else "/?" + urlencode({"user_id": ME if row.is_mine else row.asked}),
        because=try_build_because_rows(bundle, row, mine, without=shown),
    )
    count_impressions(row, trending=[] if wants_fragment(request) else trending)  # its cards were shown before
    return site.render_page(
        request,
        "home/home.html",
        bundle=bundle,
        fragment="home/rows.html",
        status=422 if row.state == "not_an_id" else 200,
        personal=row,
        trending=build_cards(trending, row="trending"),
        visitor=site.community.get_visitor(request),
        **({} if wants_fragment(request) else {"catalogue": build_catalogue_page(bundle, 1)}),
    )


def count_impressions(row: PersonalRow, *, trending: Sequence[Movie]) -> None:
    """Counts the cards that the rows of the home page show, for the metrics."""
    shown = {"trending": len(trending), "personal": len(row.cards), "because": sum(len(e.cards) for e in row.because)}
    for name, n_cards in shown.items():
        IMPRESSIONS.labels(name).inc(n_cards)


def list_trending(bundle: Bundle, *, without: Collection[int]) -> list[Movie]:
    """The first ROW_SIZE trending movies that are not in `without`, in the order of the model `trending`."""
    fresh = [movie_id for movie_id in bundle.trending if movie_id not in without]
    return bundle.catalogue.find_movies(fresh)[:ROW_SIZE]


def build_personal_row(
    bundle: Bundle,
    asked: str,
    presets: list[UserSummary],
    *,
    mine: Sequence[tuple[int, float]] = (),
    seen: Collection[int] = (),
) -> PersonalRow:
    """The row for the user id in `asked`, or for the visitor's own ratings `mine` if it is "me".

    The rows "Because you liked" are not in it yet. Never raises: if the row cannot be computed, its `state` says so.
    """
    row = PersonalRow("nobody", "", presets, n_mine=len(mine))
    if asked == ME:
        return build_my_row(bundle, row, mine, seen)
    return build_user_row(bundle, row, asked, seen) if asked.strip() else row


def build_my_row(
    bundle: Bundle, row: PersonalRow, mine: Sequence[tuple[int, float]], seen: Collection[int]
) -> PersonalRow:
    """The visitor's own row from their ratings; `state` is "failed" if it cannot be computed."""
    row = row._replace(is_mine=True)
    if not mine:
        return row
    try:
        chosen = recommend_from_ratings(bundle, list(mine), n=ROW_SIZE, without=seen)
    except Exception:
        log.exception("no personal row for %s ratings of a visitor from bundle %s", len(mine), bundle.version)
        return row._replace(state="failed")
    note_model(chosen.model)
    return row._replace(state=chosen.model, cards=build_cards(chosen.movies, row="personal"))


def build_user_row(bundle: Bundle, row: PersonalRow, asked: str, seen: Collection[int]) -> PersonalRow:
    """The row of a user of the data set; `state` is "not_an_id" or "failed" if there is none."""
    user_id = parse_digits(asked)
    if user_id is None:
        return row._replace(state="not_an_id", asked=shorten_for_display(asked))
    try:
        chosen = recommend_for_user(bundle, user_id, n=ROW_SIZE, without=seen)
        user = UserSummary(user_id, count_ratings(bundle, user_id))
    except Exception:
        log.exception("no personal row for user %s from bundle %s", user_id, bundle.version)
        return row._replace(state="failed", asked=str(user_id), user=UserSummary(user_id, 0))
    note_model(chosen.model)
    shown = build_cards(chosen.movies, user_id=user_id if user.n_ratings else None, row="personal")
    return row._replace(state=chosen.model, asked=str(user_id), user=user, cards=shown)


def try_build_because_rows(
    bundle: Bundle, row: PersonalRow, mine: Sequence[tuple[int, float]], *, without: Collection[int]
) -> list[BecauseRow]:
    """The rows "Because you liked" beside a personal row, without what was rated and the movies `without`.

    If they cannot be computed, logs the error and returns none.
    """
    if not row.cards:
        return []
    try:
        if row.user is None:
            liked, rated = list_liked_in_ratings(bundle, mine), {movie_id for movie_id, _ in mine}
        else:
            liked = list_liked_by_user(bundle, row.user.user_id)
            rated = get_rated_movie_ids(bundle, row.user.user_id)
        return build_because_rows(bundle, liked, {*without, *rated})
    except Exception:
        log.exception("no rows for what somebody liked from bundle %s", bundle.version)
        return []
