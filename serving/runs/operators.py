"""Operators: who may start runs, and where Dagster is."""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from serving.runs.dagster_client import Dagster

bearer = HTTPBearer(auto_error=False, description="The value of MOVIEREC_ADMIN_TOKEN")


@dataclass(frozen=True)
class Operators:
    """Without a `token` nobody is an operator."""

    dagster: Dagster
    token: str = ""

    @classmethod
    def from_environment(cls, sample: str, environment: Mapping[str, str] = os.environ) -> Self:
        """MOVIEREC_DAGSTER_URL (default: MOVIEREC_DAGSTER_PORT of this machine) and MOVIEREC_ADMIN_TOKEN."""
        port = environment.get("MOVIEREC_DAGSTER_PORT") or "3000"
        url = environment.get("MOVIEREC_DAGSTER_URL") or f"http://127.0.0.1:{port}"
        return cls(Dagster(url.rstrip("/"), sample), environment.get("MOVIEREC_ADMIN_TOKEN", ""))

    def check(self, given: HTTPAuthorizationCredentials | None) -> None:
        """Raises 403 while there is no token, 401 for none or a wrong one."""
        if not self.token:
            raise HTTPException(403, "endpoints for operators are switched off because MOVIEREC_ADMIN_TOKEN is not set")
        if given is None or not hmac.compare_digest(given.credentials.encode(), self.token.encode()):
            raise HTTPException(
                401, "a bearer token with the value of MOVIEREC_ADMIN_TOKEN is required", {"WWW-Authenticate": "Bearer"}
            )


def dagster_for_operators(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Dagster:
    """The way to Dagster, for operators alone."""
    operators: Operators = request.app.state.operators
    operators.check(given)
    return operators.dagster


TheDagster = Annotated[Dagster, Depends(dagster_for_operators)]
