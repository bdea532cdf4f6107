"""Access for operators: the token that allows starting runs, and the address of Dagster."""

import hmac
from dataclasses import dataclass
from typing import Self

from fastapi import HTTPException
from fastapi.security import HTTPAuthorizationCredentials

from movierec.settings import Settings
from serving.runs.dagster_client import DagsterClient


@dataclass(frozen=True)
class Operators:
    """The Dagster client and the token that unlocks it. With an empty `token` nobody has access."""

    dagster: DagsterClient
    token: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The Dagster UI and the token that the settings name."""
        return cls(DagsterClient(settings.dagster_address, settings.sample), settings.admin_token.get_secret_value())

    def require_operator(self, given: HTTPAuthorizationCredentials | None) -> None:
        """Raises a 403 if no token is configured, a 401 if the given one is missing or wrong."""
        if not self.token:
            raise HTTPException(403, "endpoints for operators are switched off because MOVIEREC_ADMIN_TOKEN is not set")
        if given is None or not hmac.compare_digest(given.credentials.encode(), self.token.encode()):
            raise HTTPException(
                401, "a bearer token with the value of MOVIEREC_ADMIN_TOKEN is required", {"WWW-Authenticate": "Bearer"}
            )
