"""Signing up, in and out."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import BundleError
from serving.community import accounts, opinions, rate_limits
from serving.community.cookies import forget
from serving.community.models import Account
from serving.community.passwords import Passwords
from serving.community.sessions import Visitor
from serving.community.validation import SHORTEST_NAME, Refused, name_key, name_of, new_password_of, storable
from serving.pages.visitor_transaction import Declined, address_key, agent_of, declining
from serving.web.dependencies import TheSite
from serving.web.forms import Form, TheForm, see
from serving.web.local_urls import came_from, local
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)


NO_PROBLEMS: Mapping[str, str] = {}


class Door(NamedTuple):
    """A form to sign up or in. `problems` are keys by field; the key "form" is of the form as a whole."""

    back: str = "/"
    name: str = ""
    problems: Mapping[str, str] = NO_PROBLEMS
    seconds: int = 0


@router.get("/register")
def register_page(request: Request, site: TheSite, back: str = "") -> Response:
    return door_answer(request, site, "register.html", Door(local(request, back) or came_from(request)))


@router.get("/sign-in")
def sign_in_page(request: Request, site: TheSite, back: str = "") -> Response:
    return door_answer(request, site, "sign_in.html", Door(local(request, back) or came_from(request)))


@router.post("/register")
def register(request: Request, site: TheSite, form: TheForm) -> Response:
    """A new account keeps what the guest did. A new one without ratings is led to five films. Who posts the name and
    the password of an account that is there, be it by a second click, is signed in."""
    people, visitor = site.people, site.people.visitor(request)
    door = Door(form.back("/"), name=storable(form("name"))[:100])
    name, problems = checked(form)
    if problems:
        return door_answer(request, site, "register.html", door._replace(problems=problems), status=422)
    try:
        with declining(IntegrityError):
            be_known(visitor)
            with people.database.writing() as session:
                rate_limits.count(session, rate_limits.ACCOUNTS, address_key(request, site), now=people.clock())
            password = people.passwords.hashed(form("password"))
            with people.database.writing() as session:
                token = accounts.register(
                    session, visitor, name=name, password=password, agent=agent_of(request), now=people.clock()
                )
                has_ratings = visitor.profile is not None and bool(opinions.n_ratings_of(session, visitor.profile.id))
    except IntegrityError:
        return entered(request, site, form, "register.html", door, unproven="name_is_taken")
    except Declined as error:
        return declined(request, site, "register.html", door, error)
    answer = see(door.back if has_ratings else f"/welcome?{urlencode({'back': door.back})}")
    people.signing.remember(request, answer, token)
    return answer


@router.post("/sign-in")
def sign_in(request: Request, site: TheSite, form: TheForm) -> Response:
    """Says the same of an unknown name and of a wrong password, after the same work."""
    door = Door(form.back("/"), name=" ".join(storable(form("name")).split())[:100])
    return entered(request, site, form, "sign_in.html", door, unproven="no_such_sign_in")


@router.post("/sign-out")
def sign_out(request: Request, site: TheSite) -> Response:
    """Ends the session here and on the server. A guest stays: nothing else would lead back to what it left."""
    visitor = site.people.visitor(request)
    answer = see("/")
    if visitor.state == "guest":
        return answer
    try:
        with declining():
            be_known(visitor)
            with site.people.database.writing() as session:
                accounts.leave(session, visitor)
    except Declined as error:
        return declined(request, site, "sign_in.html", Door(), error)
    forget(answer)
    return answer


def entered(request: Request, site: Site, form: Form, page: str, door: Door, *, unproven: str) -> Response:
    """Signs in, or says on `page` why not: `unproven` where name and password do not belong together."""
    people, visitor = site.people, site.people.visitor(request)
    name = " ".join(storable(form("name")).split())
    try:
        with declining():
            be_known(visitor)
            with people.database.writing() as session:
                address = address_key(request, site)
                of_name = people.signing.keyed_hash(f"{address} {name_key(name)}")
                rate_limits.count(session, rate_limits.SIGN_INS_FROM_AN_ADDRESS, address, now=people.clock())
                rate_limits.count(session, rate_limits.SIGN_INS_OF_A_NAME, of_name, now=people.clock())
            with people.database.reading() as session:
                account = accounts.account_named(session, name)
            account = proven(account, form("password")[:10_000], people.passwords, unproven=unproven)
            with people.database.writing() as session:
                accounts.refresh_hash(session, account, form("password"), people.passwords)
                token, merged = accounts.enter(
                    session, visitor, account.id, agent=agent_of(request), now=people.clock()
                )
    except Declined as error:
        return declined(request, site, page, door, error)
    answer = see(f"/me?{urlencode(merged._asdict())}" if merged.moved or merged.kept else door.back)
    people.signing.remember(request, answer, token)
    return answer


def proven(account: Account | None, password: str, passwords: Passwords, *, unproven: str) -> Account:
    """The account, whose password it is. Raises Declined."""
    if not passwords.are_equal(account.password if account else None, password) or account is None:
        raise Declined(unproven)
    return account


def checked(form: Form) -> tuple[str, dict[str, str]]:
    """The name, and what is wrong with it and with the password."""
    name, problems = "", {}
    try:
        name = name_of(form("name"), shortest=SHORTEST_NAME)
    except Refused as error:
        problems[error.field] = error.problem
    try:
        new_password_of(form("password"), name=name)
    except Refused as error:
        problems[error.field] = error.problem
    return name, problems


def be_known(visitor: Visitor) -> None:
    if visitor.state == "unknown":
        raise Declined("unavailable")


def door_answer(request: Request, site: Site, page: str, door: Door, *, status: int = 200) -> Response:
    """Also where nothing is published: an account does not need movies."""
    try:
        bundle = site.live()
    except BundleError:
        bundle = None
    return site.html(request, page, bundle=bundle, status=status, door=door)


def declined(request: Request, site: Site, page: str, door: Door, error: Declined) -> Response:
    field = "name" if error.problem.startswith("name_") else "form"
    door = door._replace(problems={field: error.problem}, seconds=error.seconds)
    return error.stamp(door_answer(request, site, page, door, status=error.status))
