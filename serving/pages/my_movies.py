"""The visitor's own pages: lists, statistics, profiles, sessions, export, deletion."""

import json
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from movierec.catalog.catalog import Movie
from serving.community.collection import Collection, ListEntry, export_visitor_data, load_collection
from serving.community.database import SkipIfUnavailable
from serving.i18n.languages import N_, choose_language
from serving.pages.cards import Card, build_card
from serving.pages.charts import CHARTS, BarChart, ChartedMovie, draw_chart
from serving.web.dependencies import TheBundle, TheSite
from serving.web.query_params import parse_digits, require_page_number
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)

LIST_NAMES = ("watched", "watchlist", "rated", "reviews")
PAGE_SIZE = 48
NO_SUCH_PAGE = N_("This page does not exist.")
MyPageNumber = Annotated[int, require_page_number(NO_SUCH_PAGE)]
EMPTY_COLLECTION = Collection([], [], [], [])


class ListedMovie(NamedTuple):
    """A movie in one of the visitor's lists."""

    card: Card
    entry: ListEntry


class MyPage(NamedTuple):
    """One page of the visitor's lists or statistics.

    `show` is one of LIST_NAMES or "statistics". `moved` and `kept` are shown once, after a guest has signed in: how
    many entries were taken over, and for how many movies the account's own ones stayed. `n_unknown` entries are not in
    the catalogue.
    """

    show: str
    counts: Mapping[str, int]
    shown: list[ListedMovie]
    number: int
    n_pages: int
    n_unknown: int
    n_seen: int
    figures: Mapping[str, BarChart]
    is_known: bool
    moved: int
    kept: int


@router.get("/me")
def show_my_page(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    number: MyPageNumber,
    *,
    show: str = "watched",
    moved: str = "",
    kept: str = "",
) -> Response:
    """A page of one list (watched, watchlist, rated, reviews) or the statistics. Raises a 404 for an unknown list."""
    if show not in {*LIST_NAMES, "statistics"}:
        raise HTTPException(404, N_("This list does not exist."))
    found = load_my_collection(request, site)
    everything = found or EMPTY_COLLECTION
    entries = getattr(everything, show) if show in LIST_NAMES else []
    n_pages = max(1, -(-len(entries) // PAGE_SIZE))
    if number > n_pages:
        raise HTTPException(404, NO_SUCH_PAGE)
    shown = entries[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    by_id = bundle.catalogue.by_id
    seen, language = list_charted_movies(everything, by_id), site.languages[choose_language(request)]
    mine = MyPage(
        show,
        {name: len(getattr(everything, name)) for name in LIST_NAMES},
        [ListedMovie(build_card(by_id[entry.movie_id]), entry) for entry in shown if entry.movie_id in by_id],
        number,
        n_pages,
        n_unknown=sum(entry.movie_id not in by_id for entry in entries),
        n_seen=len(seen),
        figures={name: bars(seen, language) for name, bars in CHARTS.items()} if show == "statistics" else {},
        is_known=found is not None,
        moved=parse_digits(moved, most=99_999) or 0,
        kept=parse_digits(kept, most=99_999) or 0,
    )
    return site.render_page(request, "my_movies/me.html", bundle=bundle, me=mine)


@router.get("/me/pictures/{name}")
def show_chart(request: Request, site: TheSite, bundle: TheBundle, name: str) -> Response:
    """A chart of the visitor's statistics as SVG, never cached. Raises a 404 for an unknown name."""
    if name not in CHARTS:
        raise HTTPException(404, N_("This picture does not exist."))
    seen = list_charted_movies(load_my_collection(request, site) or EMPTY_COLLECTION, bundle.catalogue.by_id)
    language = site.languages[choose_language(request)]
    drawn = draw_chart(CHARTS[name](seen, language)).encode("utf-8", "replace")
    return Response(drawn, headers={"Cache-Control": "private, no-store"}, media_type="image/svg+xml")


@router.get("/me/export")
def export_my_data(request: Request, site: TheSite) -> Response:
    """All data stored about the visitor, as a JSON file. Raises a 404 if there is none, a 503 if it cannot be read."""
    visitor = site.community.get_visitor(request)
    if visitor.profile is None:
        raise HTTPException(503 if visitor.state == "unknown" else 404, N_("You have no data to download."))
    with SkipIfUnavailable("nothing was exported"), site.community.database.read_transaction() as session:
        found = json.dumps(export_visitor_data(session, visitor), indent=1, ensure_ascii=False)
        headers = {"Content-Disposition": 'attachment; filename="movierec.json"', "Cache-Control": "private, no-store"}
        return Response(found, headers=headers, media_type="application/json")
    raise HTTPException(503, N_("Your data is not available right now. Please try again in a moment."))


def load_my_collection(request: Request, site: Site) -> Collection | None:
    """The lists of the visitor's profile; empty without a profile, None if the database cannot be read."""
    visitor = site.community.get_visitor(request)
    if visitor.profile is None:
        return None if visitor.state == "unknown" else EMPTY_COLLECTION
    unread = SkipIfUnavailable("nothing of a profile can be shown")
    with unread, site.community.database.read_transaction() as session:
        return load_collection(session, visitor.profile.id)
    return None


def list_charted_movies(everything: Collection, by_id: Mapping[int, Movie]) -> list[ChartedMovie]:
    """The watched and rated movies that are in the catalogue."""
    return [
        ChartedMovie(by_id[entry.movie_id], entry.at, entry.rating)
        for entry in everything.watched
        if entry.movie_id in by_id
    ]
