"""Keys of the JSON API: who sends one of them may read. Without any in the settings the API is open."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from serving.observability.metrics import REFUSED

KEY_AS_BEARER = HTTPBearer(auto_error=False, scheme_name="ApiKeyBearer", description="One of MOVIEREC_API_KEYS")
KEY_AS_HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="ApiKeyHeader", description="One of MOVIEREC_API_KEYS"
)


def require_one_of(keys: Sequence[str]) -> Callable[..., Awaitable[None]]:
    """FastAPI dependency: raises a 401 unless the request has one of the keys, as a bearer token or in X-API-Key."""
    known = [key.encode() for key in keys]

    async def require_api_key(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY_AS_BEARER)],
        header: Annotated[str | None, Depends(KEY_AS_HEADER)],
    ) -> None:
        given = [text.encode() for text in (header, bearer.credentials if bearer else None) if text]
        if not has_known_key(given, known):
            REFUSED.labels("api_key").inc()
            text = "an API key is required: Authorization: Bearer <key> or X-API-Key: <key>"
            raise HTTPException(401, text, {"WWW-Authenticate": "Bearer"})

    return require_api_key


def has_known_key(given: Sequence[bytes], known: Sequence[bytes]) -> bool:
    """Whether one of the keys is known. All are compared, each in constant time."""
    return sum(hmac.compare_digest(each, key) for each in given for key in known) > 0
