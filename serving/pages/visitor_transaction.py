"""One database transaction for a visitor's form. It creates a guest's profile at the first write."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from serving.community import rate_limits
from serving.community.database import DatabaseUnavailableError
from serving.community.passwords import RETRY_SECONDS, PasswordsBusyError
from serving.community.rate_limits import RateLimit, RateLimitError
from serving.community.sessions import Visitor, insert_guest, summarize_profile
from serving.community.validation import InvalidInputError
from serving.web.addresses import identify_client
from serving.web.forms import Form
from serving.web.rendering import Site

log = logging.getLogger(__name__)

STATUS_BY_PROBLEM = {
    "unavailable": 503,
    "busy": 503,
    "needs_account": 403,
    "someone_else": 409,
    "too_many_requests": 429,
}


class WriteDeclinedError(Exception):
    """The write was refused; `problem` is a key of PROBLEM_TEXTS, `seconds` the time to wait."""

    def __init__(self, problem: str, *, seconds: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.seconds = problem, seconds
        self.status = STATUS_BY_PROBLEM.get(problem, 422)

    def add_retry_after(self, response: Response) -> Response:
        """Adds the Retry-After header if the visitor has to wait. Returns the response."""
        if self.seconds:
            response.headers["Retry-After"] = str(self.seconds)
        return response


@dataclass(frozen=True)
class Writer:
    """The open transaction, the visitor and their profile that writes, and the time."""

    session: Session
    visitor: Visitor
    profile_id: UUID
    now: datetime


@contextmanager
def visitor_transaction(
    request: Request, site: Site, form: Form, *, limit: RateLimit, is_removal: bool = False
) -> Iterator[Writer]:
    """Opens a transaction for the visitor's profile; a guest's profile is created if there is none.

    Raises WriteDeclinedError. With `is_removal` a visitor may delete their own data even if the site needs an account.
    """
    people = site.community
    visitor = people.get_visitor(request)
    token = None
    with translate_errors():
        check_may_write(visitor, form, is_removal=is_removal)
        now = people.clock()
        with people.database.write_transaction() as session:
            if visitor.profile is None:
                rate_limits.count_attempt(session, rate_limits.GUESTS, hash_client_address(request, site), now=now)
                profile, token = insert_guest(session, agent=get_user_agent(request), now=now)
                visitor = Visitor(
                    "guest", profile=summarize_profile(profile), needs_account=people.needs_account, is_new=True
                )
            assert visitor.profile is not None  # noqa: S101  made just now
            rate_limits.count_attempt(session, limit, str(visitor.profile.id), now=now)
            yield Writer(session, visitor, visitor.profile.id, now)
    request.state.visitor = visitor
    if token:
        request.state.new_token = token


@contextmanager
def translate_errors(*passed_through: type[Exception]) -> Iterator[None]:
    """Turns every known failure to write into WriteDeclinedError; exceptions in `passed_through` are passed on."""
    try:
        yield
    except passed_through:
        raise
    except DatabaseUnavailableError as error:
        log.error("nothing was written: %s", error)  # noqa: TRY400  the cause is in the message
        raise WriteDeclinedError("unavailable") from error
    except PasswordsBusyError as error:
        raise WriteDeclinedError("busy", seconds=RETRY_SECONDS) from error
    except RateLimitError as error:
        raise WriteDeclinedError("too_many_requests", seconds=error.seconds) from error
    except InvalidInputError as error:
        raise WriteDeclinedError(error.problem) from error
    except IntegrityError as error:  # the profile went away meanwhile
        raise WriteDeclinedError("someone_else") from error


def check_may_write(visitor: Visitor, form: Form, *, is_removal: bool) -> None:
    """Raises WriteDeclinedError if the visitor may not write, or if the form was rendered for another profile.

    The form's field `as` holds the profile it was rendered for.
    """
    if visitor.state == "unknown":
        raise WriteDeclinedError("unavailable")
    drawn_for = form("as")
    if drawn_for and drawn_for != visitor.profile_key:
        raise WriteDeclinedError("someone_else")
    if not visitor.can_write and not (is_removal and visitor.profile):
        raise WriteDeclinedError("needs_account")


def hash_client_address(request: Request, site: Site) -> str:
    """A keyed hash of the client's network, for rate limits."""
    return site.community.cookie_signer.hash_with_secret(identify_client(request))


def get_user_agent(request: Request) -> str:
    """The User-Agent header, empty without one."""
    return request.headers.get("user-agent", "")
