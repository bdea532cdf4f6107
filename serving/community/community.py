"""The community object: database, cookies and passwords for as long as the server runs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

from movierec.settings import Settings, split_secrets
from serving.community.cookies import CookieSigner
from serving.community.database import Database, DatabaseUnavailableError, SkipIfUnavailable, build_database_url
from serving.community.passwords import Passwords
from serving.community.rate_limits import delete_old_attempts
from serving.community.sessions import (
    Visitor,
    delete_ended_sessions,
    delete_lost_guests,
    prolong_session,
    recognize_visitor,
)

log = logging.getLogger(__name__)

PROLONG_WAIT_SECONDS = 0.2  # a page does not wait for it; the next one tries again


def get_utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Community:
    """If `needs_account`, only signed-in visitors may write."""

    database: Database
    cookie_signer: CookieSigner
    passwords: Passwords = field(default_factory=Passwords)
    clock: Callable[[], datetime] = get_utc_now
    needs_account: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Builds it without touching the disk."""
        return cls(
            Database(build_database_url(settings)),
            CookieSigner(
                settings.secret.get_secret_value() or None,
                settings.layout.site_secret,
                split_secrets(settings.old_secrets.get_secret_value()),
            ),
            needs_account=settings.require_account,
        )

    def prepare_database(self) -> None:
        """Migrates the database and deletes what has expired.

        Never raises: without a database pages are still served, and the log says why.
        """
        self.delete_expired("the site's database cannot be used; nothing can be rated")

    def delete_expired(self, if_unavailable: str = "nothing that has expired was deleted") -> None:
        """Deletes ended sessions, guests whom no browser knows any more with all they left, and old attempt counts.

        If the database is unavailable, the log says `if_unavailable` and why.
        """
        with SkipIfUnavailable(if_unavailable), self.database.write_transaction() as session:
            delete_ended_sessions(session, now=self.clock())
            delete_lost_guests(session)
            delete_old_attempts(session, now=self.clock())

    def get_visitor(self, request: Request) -> Visitor:
        """The visitor of the request, looked up once a request.

        Never raises: if the database does not answer, the state is "unknown" and the log says why.
        """
        found: Visitor | None = getattr(request.state, "visitor", None)
        if found is None:
            found = self._find_visitor(request)._replace(needs_account=self.needs_account)
            request.state.visitor = found
        return found

    def _find_visitor(self, request: Request) -> Visitor:
        try:
            token = self.cookie_signer.read_token(request)
            if token is None:
                return Visitor("lost" if self.cookie_signer.has_session_cookie(request) else "nobody")
            with self.database.read_transaction() as session:
                visitor = recognize_visitor(session, token, now=self.clock())
        except (DatabaseUnavailableError, OSError) as error:
            log.error("nobody can be recognized: %s", error)  # noqa: TRY400  the cause is in the message
            return Visitor("unknown")
        if visitor.needs_prolonging and self._prolong_session(visitor):
            request.state.new_token = token  # browsers forget a cookie 400 days after they last heard of it
        return visitor

    def set_new_session_cookie(self, request: Request, response: Response) -> Response:
        """Sets the session cookie if this request created or prolonged a session. Returns the response."""
        token: str | None = getattr(request.state, "new_token", None)
        if token:
            self.cookie_signer.set_session_cookie(request, response, token)
            request.state.new_token = None
        return response

    def _prolong_session(self, visitor: Visitor) -> bool:
        database = self.database
        with (
            SkipIfUnavailable("a session was not prolonged"),
            database.write_transaction(wait_seconds=PROLONG_WAIT_SECONDS) as session,
        ):
            assert visitor.session_id is not None  # noqa: S101  only such are due
            prolong_session(session, visitor.session_id, is_member=visitor.state == "member", now=self.clock())
            return True
        return False
