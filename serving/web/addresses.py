"""Under which addresses the site answers, what it calls itself in links, and which address a client has."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from movierec.settings import LOOPBACK_NAMES
from serving.observability.metrics import REFUSED

REFUSAL = (
    "This site does not answer under this host name. Its operator can make the name known with MOVIEREC_PUBLIC_URL.\n"
)


class AllowedHosts:
    """Answers 400 unless there is one Host header, which names this machine or the host of `public_url`."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self.names = LOOPBACK_NAMES | ({urlsplit(public_url).hostname or ""} - {""})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.is_allowed(Headers(scope=scope).getlist("host")):
            REFUSED.labels("host").inc()
            await PlainTextResponse(REFUSAL, 400, {"Cache-Control": "no-store"})(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_allowed(self, hosts: list[str]) -> bool:
        """Whether these Host headers are one, with an allowed name and any port."""
        return len(hosts) == 1 and parse_host_name(hosts[0]) in self.names


def parse_host_name(host: str) -> str | None:
    """The name in a Host header, in lower case and without the port; None if the header is invalid."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError for anything but a number
    except ValueError:
        return None
    has_only_host = parts.netloc == host and "@" not in host
    return parts.hostname if has_only_host else None


class PublicAddress:
    """Middleware: every request counts as one to `public_url`, whatever a proxy has made of its scheme and Host.

    Links, redirects, cookies and the check of forms then use this address.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        parts = urlsplit(public_url)
        self.scheme, self.host = parts.scheme, parts.netloc.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "scheme": self.scheme, "headers": [(b"host", self.host), *others]}
        await self.app(scope, receive, send)


def identify_client(request: Request) -> str:
    """The network of the client, to count by; "" for all without an address, such as those of a Unix socket."""
    return get_client_network(request.client.host) if request.client else ""


def get_client_network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, which one home has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
