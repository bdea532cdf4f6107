"""The account page: profiles, sessions, password and deletion."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import Bundle, BundleError
from serving.community import accounts, profiles, rate_limits
from serving.community.cookies import delete_session_cookie
from serving.community.database import SkipIfUnavailable
from serving.community.models import Account
from serving.community.profiles import OpenSession
from serving.community.sessions import Visitor
from serving.community.validation import validate_name, validate_new_password
from serving.i18n.languages import N_
from serving.pages.visitor_transaction import WriteDeclinedError, Writer, translate_errors, visitor_transaction
from serving.web.dependencies import TheSite
from serving.web.forms import Form, TheForm, redirect_after_post
from serving.web.local_urls import find_referring_page
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)


class MyAccount(NamedTuple):
    """The account page. `problems` are keys of PROBLEM_TEXTS by form; `seconds` is how long to wait."""

    sessions: list[OpenSession]
    is_known: bool
    done: str = ""
    problems: Mapping[str, str] = {}
    seconds: int = 0


@router.get("/me/account")
def show_account(request: Request, site: TheSite, done: str = "") -> Response:
    """The page with profiles, sessions, password, export and deletion."""
    return render_account(request, site, done=done)


@router.post("/me/profiles")
def create_profile(request: Request, site: TheSite, form: TheForm) -> Response:
    """Adds a profile to the account and switches to it."""
    try:
        with account_transaction(request, site, form) as writer:
            profiles.create_profile(writer.session, writer.visitor, validate_name(form("name")), now=writer.now)
    except WriteDeclinedError as error:
        return render_declined(request, site, error, form_key="profiles")
    return redirect_after_post("/me/account?done=created")


@router.post("/me/profiles/{profile_id}/switch")
def switch_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Switches to another profile of the account and returns to the page before."""
    try:
        with account_transaction(request, site, form) as writer:
            chosen = own_profile_id(writer.visitor, profile_id)
            profiles.switch_profile(writer.session, writer.visitor, chosen, now=writer.now)
    except WriteDeclinedError as error:
        return render_declined(request, site, error, form_key="profiles")
    return redirect_after_post(find_referring_page(request, "/me"))


@router.post("/me/profiles/{profile_id}/rename")
def rename_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Gives a profile of the account a new name."""
    try:
        with account_transaction(request, site, form) as writer:
            chosen = own_profile_id(writer.visitor, profile_id)
            profiles.rename_profile(writer.session, writer.visitor, chosen, validate_name(form("name")))
    except WriteDeclinedError as error:
        return render_declined(request, site, error, form_key=profile_id)
    return redirect_after_post("/me/account?done=renamed")


@router.post("/me/profiles/{profile_id}/delete")
def delete_profile(request: Request, site: TheSite, profile_id: str, form: TheForm) -> Response:
    """Deletes a profile with its ratings, lists and reviews. The box `sure` must be ticked."""
    try:
        with account_transaction(request, site, form) as writer:
            require_confirmation(form)
            profiles.delete_profile(writer.session, writer.visitor, own_profile_id(writer.visitor, profile_id))
    except WriteDeclinedError as error:
        return render_declined(request, site, error, form_key=profile_id)
    return redirect_after_post("/me/account?done=removed")


@router.post("/me/sessions/{session_id}/end")
def end_session(request: Request, site: TheSite, session_id: str, form: TheForm) -> Response:
    """Ends one of the account's sessions."""
    try:
        with account_transaction(request, site, form) as writer:
            profiles.end_session(writer.session, writer.visitor, parse_id(session_id))
    except WriteDeclinedError as error:
        return render_declined(request, site, error, form_key="sessions")
    return redirect_after_post("/me/account?done=ended")


@router.post("/me/password")
async def change_password(request: Request, site: TheSite, form: TheForm) -> Response:
    """Sets a new password after checking the old one. All other sessions end."""
    try:
        visitor = await check_own_password(request, site, form)
        with translate_errors():
            password = await run_in_threadpool(validate_new_password, form("password"), name=visitor.account_name)
            password_hash = await site.community.passwords.hash_password(password)
            await run_in_threadpool(change_account, site, visitor, accounts.change_password, password_hash)
    except WriteDeclinedError as error:
        return await run_in_threadpool(render_declined, request, site, error, form_key="password")
    return redirect_after_post("/me/account?done=password")


@router.post("/me/delete")
async def delete_my_data(request: Request, site: TheSite, form: TheForm) -> Response:
    """Deletes the account with all profiles, or the guest's profile, and all their data.

    The box `sure` must be ticked; an account also needs its password.
    """
    try:
        visitor = await run_in_threadpool(site.community.get_visitor, request)
        if visitor.account_id:
            require_confirmation(form)
            visitor = await check_own_password(request, site, form)
            with translate_errors():
                await run_in_threadpool(change_account, site, visitor, accounts.delete_everything)
        else:
            await run_in_threadpool(delete_guest, request, site, form)
    except WriteDeclinedError as error:
        return await run_in_threadpool(render_declined, request, site, error, form_key="delete")
    answer = redirect_after_post("/")
    delete_session_cookie(answer)
    return answer


def delete_guest(request: Request, site: Site, form: Form) -> None:
    """Deletes the guest's profile and all its data. Raises WriteDeclinedError."""
    with account_transaction(request, site, form, for_guests=True) as writer:
        require_confirmation(form)
        accounts.delete_everything(writer.session, writer.visitor)


async def check_own_password(request: Request, site: Site, form: Form) -> Visitor:
    """The signed-in visitor, if the form's field `old` is their password. No transaction is open while it is checked.

    Raises WriteDeclinedError, also after too many attempts.
    """
    visitor, stored_hash = await run_in_threadpool(count_password_attempt, request, site, form)
    with translate_errors():
        if not await site.community.passwords.is_correct(stored_hash, form("old")[:10_000]):
            raise WriteDeclinedError("password_is_wrong")
    return visitor


def count_password_attempt(request: Request, site: Site, form: Form) -> tuple[Visitor, str | None]:
    """Counts one attempt at the account's own password. Returns the visitor and the stored hash, None without one.

    Raises WriteDeclinedError.
    """
    with account_transaction(request, site, form) as writer:
        account_id = writer.visitor.account_id
        rate_limits.count_attempt(writer.session, rate_limits.PASSWORDS, str(account_id), now=writer.now)
        account = writer.session.get(Account, account_id)
        return writer.visitor, account.password if account else None


def change_account(site: Site, visitor: Visitor, change: Callable[..., None], *given: str) -> None:
    """Calls `change` with a session and the visitor, unless the visitor was signed out after the password was checked.

    Raises WriteDeclinedError.
    """
    with site.community.database.write_transaction() as session:
        if not accounts.is_signed_in(session, visitor):
            raise WriteDeclinedError("someone_else")
        change(session, visitor, *given)


@contextmanager
def account_transaction(request: Request, site: Site, form: Form, *, for_guests: bool = False) -> Iterator[Writer]:
    """A visitor_transaction for a signed-in visitor, with `for_guests` also for a guest.

    Raises WriteDeclinedError.
    """
    state = site.community.get_visitor(request).state
    if state != "unknown" and state not in ({"member", "guest"} if for_guests else {"member"}):
        raise WriteDeclinedError("needs_account")
    with visitor_transaction(request, site, form, limit=rate_limits.PROFILES, is_removal=for_guests) as writer:
        yield writer


def render_declined(request: Request, site: Site, error: WriteDeclinedError, *, form_key: str) -> Response:
    """The account page with the reason at the form `form_key`."""
    answer = render_account(
        request, site, problems={form_key: error.problem}, seconds=error.seconds, status=error.status
    )
    return error.add_retry_after(answer)


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
    found = MyAccount([], visitor.state != "unknown", done, problems or {}, seconds)
    if visitor.profile:
        found = found._replace(is_known=False)
        with SkipIfUnavailable("no sessions to show"), site.community.database.read_transaction() as session:
            sessions = profiles.list_sessions(session, visitor, now=site.community.clock())
            found = found._replace(sessions=sessions, is_known=True)
    return site.render_page(request, "account/account.html", bundle=find_bundle(site), status=status, mine=found)


def find_bundle(site: Site) -> Bundle | None:
    """The current bundle, None if none can be served."""
    try:
        return site.live_bundle()
    except BundleError:
        return None


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
