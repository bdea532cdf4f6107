"""Registration, sign-in and sign-out."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import BundleError
from serving.community import accounts, opinions, rate_limits
from serving.community.cookies import delete_session_cookie
from serving.community.models import Account
from serving.community.names import normalize_name
from serving.community.sessions import Visitor
from serving.community.validation import (
    MIN_NAME_LENGTH,
    InvalidInputError,
    strip_unstorable,
    validate_name,
    validate_new_password,
)
from serving.pages.visitor_transaction import WriteDeclinedError, get_user_agent, hash_client_address, translate_errors
from serving.web.dependencies import TheSite
from serving.web.forms import Form, TheForm, redirect_after_post
from serving.web.local_urls import find_referring_page, sanitize_local_url
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)


NO_PROBLEMS: Mapping[str, str] = {}


class SignInForm(NamedTuple):
    """The state of a registration or sign-in form.

    `problems` are keys of PROBLEM_TEXTS by field; "form" stands for the whole form. `seconds` is how long to
    wait.
    """

    back: str = "/"
    name: str = ""
    problems: Mapping[str, str] = NO_PROBLEMS
    seconds: int = 0


@router.get("/register")
def show_registration(request: Request, site: TheSite, back: str = "") -> Response:
    """The form to create an account; afterwards it leads to `back`, or to the page before."""
    back = sanitize_local_url(request, back) or find_referring_page(request)
    return render_form(request, site, "sign_in/register.html", SignInForm(back))


@router.get("/sign-in")
def show_sign_in(request: Request, site: TheSite, back: str = "") -> Response:
    """The form to sign in; afterwards it leads to `back`, or to the page before."""
    back = sanitize_local_url(request, back) or find_referring_page(request)
    return render_form(request, site, "sign_in/sign_in.html", SignInForm(back))


@router.post("/register")
async def post_registration(request: Request, site: TheSite, form: TheForm) -> Response:
    """Creates an account and takes over what the visitor did as a guest.

    If the account exists and the password is right (for example after a double click), the visitor is signed in. A new
    account without ratings is led to the page that asks for five movies.
    """
    page = "sign_in/register.html"
    door = SignInForm(form.get_back_url("/"), name=strip_unstorable(form("name"))[:100])
    name, problems = await run_in_threadpool(validate_registration, form)
    if problems:
        door = door._replace(problems=problems)
        return await run_in_threadpool(render_form, request, site, page, door, status=422)
    try:
        with translate_errors(IntegrityError):
            await run_in_threadpool(count_registration, request, site)
            password_hash = await site.community.passwords.hash_password(form("password"))
            token, has_ratings = await run_in_threadpool(insert_account, request, site, name, password_hash)
    except IntegrityError:
        return await sign_in_or_explain(request, site, form, page, door, problem_if_wrong="name_is_taken")
    except WriteDeclinedError as error:
        return await run_in_threadpool(render_declined_form, request, site, page, door, error)
    answer = redirect_after_post(door.back if has_ratings else f"/welcome?{urlencode({'back': door.back})}")
    site.community.cookie_signer.set_session_cookie(request, answer, token)
    return answer


def count_registration(request: Request, site: Site) -> None:
    """Counts one attempt to create an account. Raises RateLimitError above the limit."""
    people = site.community
    require_known_visitor(people.get_visitor(request))
    with people.database.write_transaction() as session:
        rate_limits.count_attempt(session, rate_limits.ACCOUNTS, hash_client_address(request, site), now=people.clock())


def insert_account(request: Request, site: Site, name: str, password_hash: str) -> tuple[str, bool]:
    """Creates the account. Returns the token of its session, and whether the profile has ratings already.

    Raises IntegrityError if the name is taken, WriteDeclinedError if it looks like a taken one.
    """
    people, visitor = site.community, site.community.get_visitor(request)
    agent = get_user_agent(request)
    with people.database.write_transaction() as session:
        if accounts.has_lookalike(session, name):
            raise WriteDeclinedError("name_is_taken")
        token = accounts.create_account(
            session, visitor, name=name, password_hash=password_hash, agent=agent, now=people.clock()
        )
        return token, visitor.profile is not None and bool(opinions.count_ratings(session, visitor.profile.id))


@router.post("/sign-in")
async def post_sign_in(request: Request, site: TheSite, form: TheForm) -> Response:
    """Signs in. An unknown name and a wrong password give the same message after the same time."""
    door = SignInForm(form.get_back_url("/"), name=" ".join(strip_unstorable(form("name")).split())[:100])
    page = "sign_in/sign_in.html"
    return await sign_in_or_explain(request, site, form, page, door, problem_if_wrong="no_such_sign_in")


@router.post("/sign-out")
def post_sign_out(request: Request, site: TheSite) -> Response:
    """Ends the session in the browser and on the server.

    A guest is not signed out: without the cookie nobody could reach the guest's ratings again.
    """
    visitor = site.community.get_visitor(request)
    answer = redirect_after_post("/")
    if visitor.state == "guest":
        return answer
    try:
        with translate_errors():
            require_known_visitor(visitor)
            with site.community.database.write_transaction() as session:
                accounts.sign_out(session, visitor)
    except WriteDeclinedError as error:
        return render_declined_form(request, site, "sign_in/sign_in.html", SignInForm(), error)
    delete_session_cookie(answer)
    return answer


async def sign_in_or_explain(
    request: Request, site: Site, form: Form, page: str, sign_in_form: SignInForm, *, problem_if_wrong: str
) -> Response:
    """Signs in, or shows `page` again with the reason; `problem_if_wrong` is the key for a wrong name or password."""
    passwords = site.community.passwords
    name, password = " ".join(strip_unstorable(form("name")).split()), form("password")[:10_000]
    try:
        with translate_errors():
            account = await run_in_threadpool(find_account_to_sign_in, request, site, name)
            if not await passwords.is_correct(account.password if account else None, password) or account is None:
                raise WriteDeclinedError(problem_if_wrong)  # noqa: TRY301  rendered below with all other reasons
            is_outdated = passwords.is_outdated(account.password)
            new_hash = await passwords.hash_password(password) if is_outdated else None
            token, merged = await run_in_threadpool(open_session, request, site, account.id, new_hash)
    except WriteDeclinedError as error:
        return await run_in_threadpool(render_declined_form, request, site, page, sign_in_form, error)
    answer = redirect_after_post(
        f"/me?{urlencode(merged._asdict())}" if merged.moved or merged.kept else sign_in_form.back
    )
    site.community.cookie_signer.set_session_cookie(request, answer, token)
    return answer


def find_account_to_sign_in(request: Request, site: Site, name: str) -> Account | None:
    """The account with this name, None without one. Counts the attempt; raises RateLimitError above the limit."""
    people = site.community
    require_known_visitor(people.get_visitor(request))
    with people.database.write_transaction() as session:
        address = hash_client_address(request, site)
        of_name = people.cookie_signer.hash_with_secret(f"{address} {normalize_name(name)}")
        rate_limits.count_attempt(session, rate_limits.SIGN_INS_FROM_AN_ADDRESS, address, now=people.clock())
        rate_limits.count_attempt(session, rate_limits.SIGN_INS_OF_A_NAME, of_name, now=people.clock())
    with people.database.read_transaction() as session:
        return accounts.find_account(session, name)


def open_session(
    request: Request, site: Site, account_id: UUID, new_hash: str | None
) -> tuple[str, accounts.MergeCounts]:
    """Signs the visitor in to the account. Returns the token and what was merged; stores `new_hash` if there is one."""
    people = site.community
    with people.database.write_transaction() as session:
        if new_hash:
            accounts.store_password_hash(session, account_id, new_hash)
        visitor, agent = people.get_visitor(request), get_user_agent(request)
        return accounts.sign_in(session, visitor, account_id, agent=agent, now=people.clock())


def validate_registration(form: Form) -> tuple[str, dict[str, str]]:
    """The cleaned name, and the problems of name and password by field."""
    name, problems = "", {}
    try:
        name = validate_name(form("name"), min_length=MIN_NAME_LENGTH)
    except InvalidInputError as error:
        problems[error.field] = error.problem
    try:
        validate_new_password(form("password"), name=name)
    except InvalidInputError as error:
        problems[error.field] = error.problem
    return name, problems


def require_known_visitor(visitor: Visitor) -> None:
    """Raises WriteDeclinedError if the visitor cannot be recognized because the database does not answer."""
    if visitor.state == "unknown":
        raise WriteDeclinedError("unavailable")


def render_form(request: Request, site: Site, page: str, sign_in_form: SignInForm, *, status: int = 200) -> Response:
    """Renders the form. Works without a published bundle: an account needs no movies."""
    try:
        bundle = site.live_bundle()
    except BundleError:
        bundle = None
    return site.render_page(request, page, bundle=bundle, status=status, door=sign_in_form)


def render_declined_form(
    request: Request, site: Site, page: str, sign_in_form: SignInForm, error: WriteDeclinedError
) -> Response:
    """Renders the form again with the reason of the refusal."""
    field = "name" if error.problem.startswith("name_") else "form"
    sign_in_form = sign_in_form._replace(problems={field: error.problem}, seconds=error.seconds)
    return error.add_retry_after(render_form(request, site, page, sign_in_form, status=error.status))
