"""The Dagster UI behind a guard: no page of another site can start runs in it or read from it."""

from collections.abc import Set
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import uvicorn
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster_shared.cli import WorkspaceOpts
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

GRAPHQL_PATH = "/graphql"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
OWN_FETCH_SITES = {"same-origin", "none"}  # of the header Sec-Fetch-Site; none: a person entered the address
STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_MAX_OVERFLOW = 15_000, 3_600, 20  # as dagster-webserver has them
POLL_MS = 2_000


class CrossSiteGuard:
    """ASGI middleware that refuses requests for other host names, and changes asked for by pages of other sites."""

    def __init__(self, app: ASGIApp, host_names: Set[str]) -> None:
        self._app, self._host_names = app, host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None if scope["type"] == "lifespan" else find_refusal_reason(scope, self._host_names)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(reason=reason)(scope, receive, send)
        else:
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)


def find_refusal_reason(scope: Scope, host_names: Set[str]) -> str | None:
    """Why the request is refused; None if it is not.

    A host name must be one of `host_names`: else the name of an attacker could be made to point to this machine (DNS
    rebinding). Whatever is not a plain reading must come from the UI itself or from a program, which sends neither
    Origin nor Sec-Fetch-Site. GraphQL is answered for a POST of JSON alone, which a form or a link cannot send.
    """
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or urlsplit(f"//{hosts[0]}").hostname not in host_names:
        return "Unknown host name: MOVIEREC_UI_HOSTS names those under which this page may be opened."
    is_reading = scope["type"] == "http" and scope["method"] in SAFE_METHODS
    if not is_reading and _is_of_other_site(headers):
        return "Requests from pages of other sites are refused."
    is_json = "application/json" in headers.get("content-type", "")
    is_refused = "query" in QueryParams(scope["query_string"]) if is_reading else not is_json
    if scope["type"] == "http" and scope["path"].rstrip("/") == GRAPHQL_PATH and is_refused:
        return "GraphQL is answered for a POST of JSON alone."
    return None


def _is_of_other_site(headers: Headers) -> bool:
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    is_own_origin = origin is None or urlsplit(origin).netloc.lower() == headers["host"].lower()
    return not is_own_origin or site not in OWN_FETCH_SITES


def serve_dagster_ui(host: str, port: int, host_names: Set[str], workspace: Path | None = None) -> None:
    """Serves the UI of the instance at DAGSTER_HOME until a signal arrives.

    The code location is that of `workspace` (workspace.yaml), or of the working directory's pyproject.toml.
    """
    target = workspace_opts_to_load_target(WorkspaceOpts(workspace=[str(workspace)] if workspace else None))
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_MAX_OVERFLOW)
        with WorkspaceProcessContext(instance, target, version=dg.__version__) as context:
            app = create_app_from_workspace_process_context(context, live_data_poll_rate=POLL_MS)
            uvicorn.run(CrossSiteGuard(app, host_names), host=host, port=port, log_level="info", access_log=False)
