"""Who may read the metrics."""

import hmac
import ipaddress
from dataclasses import dataclass
from typing import Literal, Self

from starlette.requests import Request

from movierec.settings import Settings

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True)
class MetricsAccess:
    """With a `token`, whoever sends it; without one, programs on this machine, unless the site has a public address.

    A request that a proxy has forwarded does not count as one of this machine.
    """

    token: str = ""
    is_public: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The access that the settings describe."""
        return cls(settings.metrics_token.get_secret_value(), bool(settings.public_url))

    def check(self, request: Request) -> Literal["allowed", "needs_token", "needs_setting"]:
        """Whether the request may read the metrics, or else what it lacks: the token, or a token in the settings."""
        if self.token:
            expected = f"Bearer {self.token}".encode()
            given = request.headers.get("authorization", "").encode()
            return "allowed" if hmac.compare_digest(given, expected) else "needs_token"
        is_local = is_loopback(request.client.host if request.client else "")
        is_forwarded = any(name in request.headers for name in FORWARDING_HEADERS)
        return "allowed" if is_local and not is_forwarded and not self.is_public else "needs_setting"


def is_loopback(address: str) -> bool:
    """Whether the address is one of this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
