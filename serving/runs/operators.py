"""Access for operators: the token that allows starting runs, and the address of Dagster."""

import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from fastapi import HTTPException
from fastapi.security import HTTPAuthorizationCredentials

from movierec.settings import Settings
from serving.observability.metrics import RATE_LIMITED
from serving.runs.dagster_client import DagsterClient

MAX_WRONG_TOKENS = 10
COUNTED_SECONDS = 900
MAX_GUESSERS = 1000  # clients that are remembered


class WrongTokens:
    """Counts wrong tokens by client, in memory: operators need no database."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and until when they count
        self._lock = threading.Lock()

    def count(self, client: str) -> None:
        """Counts a wrong token."""
        with self._lock:
            n_before, end = self._get_count(client)
            self._counts[client] = n_before + 1, end
            self._counts.move_to_end(client)
            if len(self._counts) > MAX_GUESSERS:
                self._counts.popitem(last=False)

    def refuse_guesser(self, client: str) -> None:
        """Raises a 429 if the client has sent MAX_WRONG_TOKENS; also a right one is not taken then."""
        with self._lock:
            n_before, end = self._get_count(client)
        if n_before >= MAX_WRONG_TOKENS:
            RATE_LIMITED.labels("wrong_tokens").inc()
            wait = str(max(1, int(end - self._clock())))
            raise HTTPException(429, "too many wrong tokens were sent from this address", {"Retry-After": wait})

    def _get_count(self, client: str) -> tuple[int, float]:
        now = self._clock()
        n_before, end = self._counts.get(client, (0, 0.0))
        return (n_before, end) if end > now else (0, now + COUNTED_SECONDS)


@dataclass(frozen=True)
class Operators:
    """The Dagster client and the token that unlocks it. With an empty `token` nobody has access."""

    dagster: DagsterClient
    token: str = ""
    wrong_tokens: WrongTokens = field(default_factory=WrongTokens)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The Dagster UI and the token that the settings name."""
        return cls(DagsterClient(settings.dagster_address, settings.sample), settings.admin_token.get_secret_value())

    def require_operator(self, given: HTTPAuthorizationCredentials | None, *, client: str) -> None:
        """Raises a 403 if no token is configured, a 401 if the given one is missing or wrong, 429 after too many."""
        if not self.token:
            raise HTTPException(403, "endpoints for operators are switched off because MOVIEREC_ADMIN_TOKEN is not set")
        self.wrong_tokens.refuse_guesser(client)
        if given is None or not hmac.compare_digest(given.credentials.encode(), self.token.encode()):
            if given is not None:
                self.wrong_tokens.count(client)
            raise HTTPException(
                401, "a bearer token with the value of MOVIEREC_ADMIN_TOKEN is required", {"WWW-Authenticate": "Bearer"}
            )
