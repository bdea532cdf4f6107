"""Who writes: a form's sender becomes a profile, a guest's where there is none yet, or is told why not."""

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
from serving.community.database import Unavailable
from serving.community.rate_limits import Limit, TooMany
from serving.community.sessions import Visitor, new_guest, whose
from serving.community.validation import Refused
from serving.web.forms import Form
from serving.web.rendering import Site

log = logging.getLogger(__name__)

STATUS = {"unavailable": 503, "needs_account": 403, "someone_else": 409, "too_many": 429}


class Declined(Exception):  # noqa: N818  an answer, not a fault
    """`problem` is a key of `templates/partials/problem.html`."""

    def __init__(self, problem: str, *, seconds: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.seconds = problem, seconds
        self.status = STATUS.get(problem, 422)

    def stamp(self, response: Response) -> Response:
        if self.seconds:
            response.headers["Retry-After"] = str(self.seconds)
        return response


@dataclass(frozen=True)
class Writer:
    session: Session
    profile_id: UUID
    now: datetime


@contextmanager
def writing_as(request: Request, site: Site, form: Form, *, limit: Limit, takes_away: bool = False) -> Iterator[Writer]:
    """A transaction of the visitor's profile; a guest's is made with the first write. Raises Declined.

    What one left one may always take away, `needs_account` or not.
    """
    people = site.people
    visitor = people.visitor(request)
    token = None
    with declining():
        refuse(visitor, form, takes_away=takes_away)
        now = people.clock()
        with people.database.writing() as session:
            if visitor.profile is None:
                rate_limits.count(session, rate_limits.GUESTS, address_key(request, site), now=now)
                profile, token = new_guest(session, agent=agent_of(request), now=now)
                visitor = Visitor("guest", profile=whose(profile), needs_account=people.needs_account, is_new=True)
            assert visitor.profile is not None  # noqa: S101  made just now
            rate_limits.count(session, limit, str(visitor.profile.id), now=now)
            yield Writer(session, visitor.profile.id, now)
    request.state.visitor = visitor
    if token:
        request.state.new_token = token


@contextmanager
def declining(*but: type[Exception]) -> Iterator[None]:
    """Turns every reason not to write into Declined, `but` those that the caller knows better."""
    try:
        yield
    except but:
        raise
    except Unavailable as error:
        log.error("nothing was written: %s", error)  # noqa: TRY400  the cause is in the message
        raise Declined("unavailable") from error
    except TooMany as error:
        raise Declined("too_many", seconds=error.seconds) from error
    except Refused as error:
        raise Declined(error.problem) from error
    except IntegrityError as error:  # the profile went away meanwhile
        raise Declined("someone_else") from error


def refuse(visitor: Visitor, form: Form, *, takes_away: bool) -> None:
    """Raises Declined for who may not write, and where a form was drawn for somebody else: `as` says for whom."""
    if visitor.state == "unknown":
        raise Declined("unavailable")
    drawn_for = form("as")
    if drawn_for and drawn_for != visitor.profile_key:
        raise Declined("someone_else")
    if not visitor.may_write and not (takes_away and visitor.profile):
        raise Declined("needs_account")


def address_key(request: Request, site: Site) -> str:
    return site.people.signing.keyed_hash(request.client.host if request.client else "nowhere")


def agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")
