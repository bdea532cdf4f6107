"""One's own page: what one has left, what it adds up to, profiles, sessions, export and farewell."""

import json
import logging
from collections.abc import Mapping
from typing import NamedTuple

from fastapi import APIRouter, HTTPException
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.catalog.catalog import Movie
from serving.community.collection import Collection, Entry, collection, exported
from serving.community.database import Unavailable
from serving.i18n.languages import N_, language_of
from serving.pages.cards import Card, card
from serving.pages.catalogue import A_PAGE_NUMBER
from serving.pages.charts import PICTURES, Bars, Seen, svg
from serving.web.dependencies import TheBundle, TheSite
from serving.web.rendering import Site

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

LISTS = ("watched", "watchlist", "rated", "reviews")
PAGE_SIZE = 48
NOTHING = Collection([], [], [], [])


class Shown(NamedTuple):
    """A movie on one's own page."""

    card: Card
    entry: Entry


class MyPage(NamedTuple):
    """`show` is one of LISTS or "statistics"; `moved` and `kept` are told once, after a guest has signed in."""

    show: str
    counts: Mapping[str, int]
    shown: list[Shown]
    number: int
    n_pages: int
    n_unknown: int
    n_seen: int
    figures: Mapping[str, Bars]
    is_known: bool
    moved: int
    kept: int


@router.get("/me")
def my_page(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    *,
    show: str = "watched",
    page: str = "",
    moved: str = "",
    kept: str = "",
) -> Response:
    """What one has watched, saved, rated, reviewed, and its statistics."""
    if show not in {*LISTS, "statistics"}:
        raise HTTPException(404, N_("This list does not exist."))
    found = my_collection(request, site)
    everything = found or NOTHING
    entries = getattr(everything, show) if show in LISTS else []
    number = page_number(page, n_pages=max(1, -(-len(entries) // PAGE_SIZE)))
    shown = entries[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    by_id = bundle.catalog.by_id
    seen, language = seen_by(everything, by_id), site.languages[language_of(request)]
    mine = MyPage(
        show,
        {name: len(getattr(everything, name)) for name in LISTS},
        [Shown(card(by_id[entry.movie_id]), entry) for entry in shown if entry.movie_id in by_id],
        number,
        max(1, -(-len(entries) // PAGE_SIZE)),
        n_unknown=sum(entry.movie_id not in by_id for entry in entries),
        n_seen=len(seen),
        figures={name: bars(seen, language) for name, bars in PICTURES.items()} if show == "statistics" else {},
        is_known=found is not None,
        moved=small_number(moved),
        kept=small_number(kept),
    )
    return site.html(request, "me.html", bundle=bundle, me=mine)


@router.get("/me/pictures/{name}")
def my_picture(request: Request, site: TheSite, bundle: TheBundle, name: str) -> Response:
    """A picture of one's statistics; always of now."""
    if name not in PICTURES:
        raise HTTPException(404, N_("This picture does not exist."))
    seen = seen_by(my_collection(request, site) or NOTHING, bundle.catalog.by_id)
    language = site.languages[language_of(request)]
    drawn = svg(PICTURES[name](seen, language)).encode("utf-8", "replace")
    return Response(drawn, headers={"Cache-Control": "private, no-store"}, media_type="image/svg+xml")


@router.get("/me/export")
def my_export(request: Request, site: TheSite) -> Response:
    """Everything that is kept of the visitor, as JSON to keep."""
    visitor = site.people.visitor(request)
    if visitor.profile is None:
        raise HTTPException(503 if visitor.state == "unknown" else 404, N_("You have no data to download."))
    try:
        with site.people.database.reading() as session:
            found = exported(session, visitor)
    except Unavailable as error:
        log.error("nothing was exported: %s", error)  # noqa: TRY400
        raise HTTPException(503, N_("Your data is not available right now. Please try again in a moment.")) from None
    headers = {"Content-Disposition": 'attachment; filename="movierec.json"', "Cache-Control": "private, no-store"}
    return Response(json.dumps(found, indent=1, ensure_ascii=False), 200, headers, "application/json")


def my_collection(request: Request, site: Site) -> Collection | None:
    """None where it cannot be read."""
    visitor = site.people.visitor(request)
    if visitor.profile is None:
        return None if visitor.state == "unknown" else NOTHING
    try:
        with site.people.database.reading() as session:
            return collection(session, visitor.profile.id)
    except Unavailable as error:
        log.error("nothing of a profile can be shown: %s", error)  # noqa: TRY400
        return None


def seen_by(everything: Collection, by_id: Mapping[int, Movie]) -> list[Seen]:
    return [
        Seen(by_id[entry.movie_id], entry.at, entry.rating) for entry in everything.watched if entry.movie_id in by_id
    ]


def page_number(text: str, *, n_pages: int) -> int:
    try:
        number = A_PAGE_NUMBER.validate_python(text or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None
    if number > n_pages:
        raise HTTPException(404, N_("This page does not exist."))
    return number


def small_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
