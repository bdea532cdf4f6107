"""One's own page: what one has left, what it adds up to, profiles, sessions, export and farewell."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from movierec.catalog import Movie
from movierec.published import Bundle, BundleError
from serving.addresses import came_from
from serving.cards import Card, card
from serving.deps import Site, TheBundle, TheSite
from serving.figures import PICTURES, Bars, Seen, svg
from serving.forms import Form, TheForm, see
from serving.languages import N_, language_of
from serving.pages import A_PAGE_NUMBER
from serving.people import accounts, limits, profiles
from serving.people.collection import Collection, Entry, collection, exported
from serving.people.database import Unavailable
from serving.people.profiles import OpenSession
from serving.people.records import Account
from serving.people.signing import forget
from serving.people.texts import name_of, new_password_of
from serving.people.visitors import Visitor
from serving.writers import Declined, Writer, writing_as

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


class MyAccount(NamedTuple):
    """`problems` are keys by the form they belong to."""

    sessions: list[OpenSession]
    is_known: bool
    done: str = ""
    problems: Mapping[str, str] = {}
    seconds: int = 0


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


@router.get("/me/account")
def my_account(request: Request, site: TheSite, done: str = "") -> Response:
    """Profiles, sessions, password, export, farewell."""
    return account_answer(request, site, done=done)


Act = Callable[[Writer, Visitor], None]


@router.post("/me/profiles")
def create_profile(request: Request, site: TheSite, form: TheForm) -> Response:
    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.create(writer.session, visitor, name_of(form("name")), now=writer.now)

    return changed(request, site, form, act, of="profiles", done="created")


@router.post("/me/profiles/{profile_id}/switch")
def switch_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Back to where the visitor was, now as somebody else."""

    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.switch(writer.session, visitor, own(visitor, profile_id), now=writer.now)

    return changed(request, site, form, act, of="profiles", to=came_from(request, "/me"))


@router.post("/me/profiles/{profile_id}/rename")
def rename_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.rename(writer.session, visitor, own(visitor, profile_id), name_of(form("name")))

    return changed(request, site, form, act, of=profile_id, done="renamed")


@router.post("/me/profiles/{profile_id}/delete")
def delete_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """With everything it left; asks for a tick."""

    def act(writer: Writer, visitor: Visitor) -> None:
        confirmed(form)
        profiles.remove(writer.session, visitor, own(visitor, profile_id))

    return changed(request, site, form, act, of=profile_id, done="removed")


@router.post("/me/sessions/{session_id}/end")
def end_session(request: Request, site: TheSite, session_id: str, form: TheForm) -> Response:
    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.end_session(writer.session, visitor, known_id(session_id))

    return changed(request, site, form, act, of="sessions", done="ended")


@router.post("/me/password")
def change_password(request: Request, site: TheSite, form: TheForm) -> Response:
    """Asks for the old one; every other session ends."""

    def act(writer: Writer, visitor: Visitor) -> None:
        prove(site, writer, visitor, form("old"))
        password = new_password_of(form("password"), name=visitor.account_name)
        accounts.change_password(writer.session, visitor, site.people.passwords.hashed(password))

    return changed(request, site, form, act, of="password", done="password")


@router.post("/me/delete")
def delete_me(request: Request, site: TheSite, form: TheForm) -> Response:
    """The account with all profiles, or the guest's profile, and everything they left. Asks for password and tick."""

    def act(writer: Writer, visitor: Visitor) -> None:
        confirmed(form)
        if visitor.account_id:
            prove(site, writer, visitor, form("old"))
        accounts.delete_everything(writer.session, visitor)

    answer = changed(request, site, form, act, of="delete", to="/", for_guests=True)
    if answer.status_code == 303:
        forget(answer)
    return answer


def changed(
    request: Request,
    site: Site,
    form: Form,
    act: Act,
    *,
    of: str,
    done: str = "",
    to: str = "",
    for_guests: bool = False,
) -> Response:
    """Does it for who is signed in (or for a guest), and leads on; what goes wrong is said at the form it is `of`."""
    visitor = site.people.visitor(request)
    try:
        if visitor.state != "unknown" and visitor.state not in ({"member", "guest"} if for_guests else {"member"}):
            raise Declined("needs_account")  # noqa: TRY301
        with writing_as(request, site, form, limit=limits.PROFILES, takes_away=for_guests) as writer:
            act(writer, visitor)
    except Declined as error:
        answer = account_answer(request, site, problems={of: error.problem}, seconds=error.seconds, status=error.status)
        return error.stamp(answer)
    return see(to or f"/me/account?done={done}")


def account_answer(
    request: Request,
    site: Site,
    *,
    done: str = "",
    problems: Mapping[str, str] | None = None,
    seconds: int = 0,
    status: int = 200,
) -> Response:
    visitor = site.people.visitor(request)
    sessions: list[OpenSession] = []
    is_known = visitor.state != "unknown"
    try:
        if visitor.profile:
            with site.people.database.reading() as session:
                sessions = profiles.sessions_of(session, visitor, now=site.people.clock())
    except Unavailable as error:
        log.error("no sessions to show: %s", error)  # noqa: TRY400
        is_known = False
    found = MyAccount(sessions, is_known, done, problems or {}, seconds)
    return site.html(request, "account.html", bundle=bundle_or_none(site), status=status, mine=found)


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


def bundle_or_none(site: Site) -> Bundle | None:
    try:
        return site.live()
    except BundleError:
        return None


def prove(site: Site, writer: Writer, visitor: Visitor, password: str) -> None:
    """Raises Declined where it is not the account's password; few tries are allowed."""
    limits.count(writer.session, limits.PASSWORDS, str(visitor.account_id), now=writer.now)
    account = writer.session.get(Account, visitor.account_id)
    if not site.people.passwords.are_equal(account.password if account else None, password[:10_000]):
        writer.session.commit()  # the try counts
        raise Declined("password_is_wrong")


def own(visitor: Visitor, profile_id: str) -> UUID:
    found = known_id(profile_id)
    if found not in {profile.id for profile in visitor.profiles}:
        raise HTTPException(404, N_("This profile does not exist."))
    return found


def known_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(404, N_("Nothing has this id.")) from None


def confirmed(form: Form) -> None:
    if form("sure") != "1":
        raise Declined("not_confirmed")


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
