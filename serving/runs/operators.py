"""Access for operators: the token that allows starting runs, and the address of Dagster."""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fastapi import HTTPException
from fastapi.security import HTTPAuthorizationCredentials

from serving.runs.dagster_client import DagsterClient


@dataclass(frozen=True)
class Operators:
    """The Dagster client and the token that unlocks it. With an empty `token` nobody has access."""

    dagster: DagsterClient
    token: str = ""

    @classmethod
    def from_environment(cls, sample: str, environment: Mapping[str, str] = os.environ) -> Self:
        """Reads MOVIEREC_DAGSTER_URL (default: port MOVIEREC_DAGSTER_PORT of this machine) and MOVIEREC_ADMIN_TOKEN."""
        port = environment.get("MOVIEREC_DAGSTER_PORT") or "3000"
        url = environment.get("MOVIEREC_DAGSTER_URL") or f"http://127.0.0.1:{port}"
        return cls(DagsterClient(url.rstrip("/"), sample), environment.get("MOVIEREC_ADMIN_TOKEN", ""))

    def require_operator(self, given: HTTPAuthorizationCredentials | None) -> None:
        """Raises a 403 if no token is configured, a 401 if the given one is missing or wrong."""
        if not self.token:
            raise HTTPException(403, "endpoints for operators are switched off because MOVIEREC_ADMIN_TOKEN is not set")
        if given is None or not hmac.compare_digest(given.credentials.encode(), self.token.encode()):
            raise HTTPException(
                401, "a bearer token with the value of MOVIEREC_ADMIN_TOKEN is required", {"WWW-Authenticate": "Bearer"}
            )
