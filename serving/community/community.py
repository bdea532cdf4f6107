"""Everything of `people` that lives as long as the server does, and what a request asks of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

from serving.community.cookies import Signing
from serving.community.database import Database, Unavailable, database_url
from serving.community.passwords import Passwords
from serving.community.rate_limits import forget_old
from serving.community.sessions import Visitor, forget_ended, prolong, recognized
from serving.settings import SiteSettings

log = logging.getLogger(__name__)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Community:
    """With `needs_account` only who is signed in may write."""

    database: Database
    signing: Signing
    passwords: Passwords = field(default_factory=Passwords)
    clock: Callable[[], datetime] = now
    needs_account: bool = False

    @classmethod
    def of(cls, settings: SiteSettings) -> Self:
        """Raises ValueError for a setting that cannot be used; touches nothing yet."""
        return cls(
            Database(database_url(settings.database_url, home=settings.home)),
            Signing(settings.secret or None, settings.home / "site" / "secret"),
            needs_account=settings.require_account,
        )

    def open(self) -> None:
        """Migrates and clears away what ended. Never raises: pages are served without a database too."""
        try:
            with self.database.writing() as session:
                forget_ended(session, now=self.clock())
                forget_old(session, now=self.clock())
        except Unavailable as error:
            log.error("the site's database cannot be used; nothing can be rated: %s", error)  # noqa: TRY400

    def visitor(self, request: Request) -> Visitor:
        """Who asks; found once a request. Never raises: who cannot be told is `unknown`, and the log says why."""
        found: Visitor | None = getattr(request.state, "visitor", None)
        if found is None:
            found = self._find(request)._replace(needs_account=self.needs_account)
            request.state.visitor = found
        return found

    def _find(self, request: Request) -> Visitor:
        try:
            token = self.signing.token_of(request)
            if token is None:
                return Visitor("lost" if self.signing.is_marked(request) else "nobody")
            with self.database.reading() as session:
                visitor = recognized(session, token, now=self.clock())
        except (Unavailable, OSError) as error:
            log.error("nobody can be recognized: %s", error)  # noqa: TRY400  the cause is in the message
            return Visitor("unknown")
        if visitor.is_due and self._prolong(visitor):
            request.state.new_token = token  # browsers forget a cookie 400 days after they last heard of it
        return visitor

    def remember(self, request: Request, response: Response) -> Response:
        """Gives the browser the token of a session that was made or prolonged, once."""
        token: str | None = getattr(request.state, "new_token", None)
        if token:
            self.signing.remember(request, response, token)
            request.state.new_token = None
        return response

    def _prolong(self, visitor: Visitor) -> bool:
        try:
            with self.database.writing() as session:
                assert visitor.visit_id is not None  # noqa: S101  only such are due
                prolong(session, visitor.visit_id, is_member=visitor.state == "member", now=self.clock())
        except Unavailable as error:
            log.warning("a session was not prolonged: %s", error)
            return False
        return True
