"""The account page: profiles, sessions, password and deletion."""

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle, BundleError
from serving.community import accounts, profiles, rate_limits
from serving.community.cookies import forget
from serving.community.database import Unavailable
from serving.community.models import Account
from serving.community.profiles import OpenSession
from serving.community.sessions import Visitor
from serving.community.validation import name_of, new_password_of
from serving.i18n.languages import N_
from serving.pages.visitor_transaction import Declined, Writer, writing_as
from serving.web.dependencies import TheSite
from serving.web.forms import Form, TheForm, see
from serving.web.local_urls import came_from
from serving.web.rendering import Site

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)


class MyAccount(NamedTuple):
    """`problems` are keys by the form they belong to."""

    sessions: list[OpenSession]
    is_known: bool
    done: str = ""
    problems: Mapping[str, str] = {}
    seconds: int = 0


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
        with writing_as(request, site, form, limit=rate_limits.PROFILES, takes_away=for_guests) as writer:
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


def bundle_or_none(site: Site) -> Bundle | None:
    try:
        return site.live()
    except BundleError:
        return None


def prove(site: Site, writer: Writer, visitor: Visitor, password: str) -> None:
    """Raises Declined where it is not the account's password; few tries are allowed."""
    rate_limits.count(writer.session, rate_limits.PASSWORDS, str(visitor.account_id), now=writer.now)
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
