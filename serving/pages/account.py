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
from serving.community.cookies import delete_session_cookie
from serving.community.database import DatabaseUnavailableError
from serving.community.models import Account
from serving.community.profiles import OpenSession
from serving.community.sessions import Visitor
from serving.community.validation import validate_name, validate_new_password
from serving.i18n.languages import N_
from serving.pages.visitor_transaction import WriteDeclinedError, Writer, visitor_transaction
from serving.web.dependencies import TheSite
from serving.web.forms import Form, TheForm, redirect_after_post
from serving.web.local_urls import find_referring_page
from serving.web.rendering import Site

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)


class MyAccount(NamedTuple):
    """The account page. `problems` are keys of partials/problem.html by form; `seconds` is how long to wait."""

    sessions: list[OpenSession]
    is_known: bool
    done: str = ""
    problems: Mapping[str, str] = {}
    seconds: int = 0


@router.get("/me/account")
def show_account(request: Request, site: TheSite, done: str = "") -> Response:
    """The page with profiles, sessions, password, export and deletion."""
    return render_account(request, site, done=done)


AccountAction = Callable[[Writer, Visitor], None]


@router.post("/me/profiles")
def create_profile(request: Request, site: TheSite, form: TheForm) -> Response:
    """Adds a profile to the account and switches to it."""

    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.create_profile(writer.session, visitor, validate_name(form("name")), now=writer.now)

    return write_account(request, site, form, act, form_key="profiles", done="created")


@router.post("/me/profiles/{profile_id}/switch")
def switch_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Switches to another profile of the account and returns to the page before."""

    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.switch_profile(writer.session, visitor, own_profile_id(visitor, profile_id), now=writer.now)

    return write_account(request, site, form, act, form_key="profiles", redirect_to=find_referring_page(request, "/me"))


@router.post("/me/profiles/{profile_id}/rename")
def rename_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Gives a profile of the account a new name."""

    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.rename_profile(
            writer.session, visitor, own_profile_id(visitor, profile_id), validate_name(form("name"))
        )

    return write_account(request, site, form, act, form_key=profile_id, done="renamed")


@router.post("/me/profiles/{profile_id}/delete")
def delete_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Deletes a profile with its ratings, lists and reviews. The box `sure` must be ticked."""

    def act(writer: Writer, visitor: Visitor) -> None:
        require_confirmation(form)
        profiles.delete_profile(writer.session, visitor, own_profile_id(visitor, profile_id))

    return write_account(request, site, form, act, form_key=profile_id, done="removed")


@router.post("/me/sessions/{session_id}/end")
def end_session(request: Request, site: TheSite, session_id: str, form: TheForm) -> Response:
    """Ends one of the account's sessions."""

    def act(writer: Writer, visitor: Visitor) -> None:
        profiles.end_session(writer.session, visitor, parse_id(session_id))

    return write_account(request, site, form, act, form_key="sessions", done="ended")


@router.post("/me/password")
def change_password(request: Request, site: TheSite, form: TheForm) -> Response:
    """Sets a new password after checking the old one. All other sessions end."""

    def act(writer: Writer, visitor: Visitor) -> None:
        verify_own_password(site, writer, visitor, form("old"))
        password = validate_new_password(form("password"), name=visitor.account_name)
        accounts.change_password(writer.session, visitor, site.community.passwords.hash_password(password))

    return write_account(request, site, form, act, form_key="password", done="password")


@router.post("/me/delete")
def delete_my_data(request: Request, site: TheSite, form: TheForm) -> Response:
    """Deletes the account with all profiles, or the guest's profile, and all their data.

    The box `sure` must be ticked; an account also needs its password.
    """

    def act(writer: Writer, visitor: Visitor) -> None:
        require_confirmation(form)
        if visitor.account_id:
            verify_own_password(site, writer, visitor, form("old"))
        accounts.delete_everything(writer.session, visitor)

    answer = write_account(request, site, form, act, form_key="delete", redirect_to="/", for_guests=True)
    if answer.status_code == 303:
        delete_session_cookie(answer)
    return answer


def write_account(
    request: Request,
    site: Site,
    form: Form,
    action: AccountAction,
    *,
    form_key: str,
    done: str = "",
    redirect_to: str = "",
    for_guests: bool = False,
) -> Response:
    """Runs `action` in a transaction for a signed-in visitor (or also a guest) and redirects.

    If it fails, the account page shows the reason at the form `form_key`.
    """
    visitor = site.community.get_visitor(request)
    try:
        if visitor.state != "unknown" and visitor.state not in ({"member", "guest"} if for_guests else {"member"}):
            raise WriteDeclinedError("needs_account")  # noqa: TRY301
        with visitor_transaction(request, site, form, limit=rate_limits.PROFILES, is_removal=for_guests) as writer:
            action(writer, visitor)
    except WriteDeclinedError as error:
        answer = render_account(
            request, site, problems={form_key: error.problem}, seconds=error.seconds, status=error.status
        )
        return error.add_retry_after(answer)
    return redirect_after_post(redirect_to or f"/me/account?done={done}")


def render_account(
    request: Request,
    site: Site,
    *,
    done: str = "",
    problems: Mapping[str, str] | None = None,
    seconds: int = 0,
    status: int = 200,
) -> Response:
    """Renders the account page with the open sessions. It says so if they cannot be read."""
    visitor = site.community.get_visitor(request)
    sessions: list[OpenSession] = []
    is_known = visitor.state != "unknown"
    try:
        if visitor.profile:
            with site.community.database.read_transaction() as session:
                sessions = profiles.list_sessions(session, visitor, now=site.community.clock())
    except DatabaseUnavailableError as error:
        log.error("no sessions to show: %s", error)  # noqa: TRY400
        is_known = False
    found = MyAccount(sessions, is_known, done, problems or {}, seconds)
    return site.render_page(request, "account.html", bundle=find_bundle(site), status=status, mine=found)


def find_bundle(site: Site) -> Bundle | None:
    """The current bundle, None if none can be served."""
    try:
        return site.live_bundle()
    except BundleError:
        return None


def verify_own_password(site: Site, writer: Writer, visitor: Visitor, password: str) -> None:
    """Raises WriteDeclinedError if the password is not the account's, RateLimitError after too many attempts."""
    rate_limits.count_attempt(writer.session, rate_limits.PASSWORDS, str(visitor.account_id), now=writer.now)
    account = writer.session.get(Account, visitor.account_id)
    if not site.community.passwords.is_correct(account.password if account else None, password[:10_000]):
        writer.session.commit()  # the try counts
        raise WriteDeclinedError("password_is_wrong")


def own_profile_id(visitor: Visitor, profile_id: str) -> UUID:
    """The id, if it is one of the account's profiles. Raises a 404 if not."""
    found = parse_id(profile_id)
    if found not in {profile.id for profile in visitor.profiles}:
        raise HTTPException(404, N_("This profile does not exist."))
    return found


def parse_id(text: str) -> UUID:
    """Parses a UUID. Raises a 404 for anything else."""
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(404, N_("Nothing has this id.")) from None


def require_confirmation(form: Form) -> None:
    """Raises WriteDeclinedError if the box `sure` is not ticked."""
    if form("sure") != "1":
        raise WriteDeclinedError("not_confirmed")
