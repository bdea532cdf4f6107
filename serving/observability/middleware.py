"""Middleware that gives each request an id, counts it, and writes its line in the log."""

import logging
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.observability.logging_config import REQUEST_LOG
from serving.observability.metrics import ANSWERS_BY_MODEL, count_request
from serving.observability.request_record import CURRENT_RECORD, UNMATCHED, RequestRecord
from serving.observability.tracing import RequestTracer

log = logging.getLogger(REQUEST_LOG)

REQUEST_ID_HEADER = b"x-request-id"
REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
USER_ID_IN_QUERY = re.compile(rb"(?:^|&)user_id=([0-9]{1,18})(?:&|$)")
USER_ID = re.compile("[0-9]{1,18}")


class WatchRequests:
    """The outermost middleware. Takes over a well-formed X-Request-ID, else makes one; the answer carries it too.

    Well-formed are 8 to 64 letters, digits, dots, hyphens and underscores.
    """

    def __init__(self, app: ASGIApp, *, writes_log: bool = False, tracer: RequestTracer | None = None) -> None:
        self.app, self.writes_log, self.tracer = app, writes_log, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_at = time.perf_counter()
        record = RequestRecord(choose_request_id(scope))
        CURRENT_RECORD.set(record)
        status, n_bytes, is_crash = 500, 0, False

        async def send_watched(message: Message) -> None:
            nonlocal status, n_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (REQUEST_ID_HEADER, record.request_id.encode("ascii"))
                message = {**message, "headers": [*message.get("headers", ()), header]}
            else:
                n_bytes += len(message.get("body", b""))
            await send(message)

        try:
            with self.tracer.trace_request(scope, record) if self.tracer else nullcontext():
                await self.app(scope, receive, send_watched)
        except Exception:
            status, is_crash = 500, True
            raise
        finally:  # after a crash the answer, and so its size, is made outside of this middleware
            seconds = time.perf_counter() - started_at
            size = None if is_crash else n_bytes
            self._finish(record, method=scope["method"], status=status, seconds=seconds, n_bytes=size)

    def _finish(self, record: RequestRecord, *, method: str, status: int, seconds: float, n_bytes: int | None) -> None:
        count_request(route=record.route, method=method, status=status, seconds=seconds)
        for model in record.models:
            ANSWERS_BY_MODEL.labels(model).inc()
        if self.writes_log:
            fields: Mapping[str, Any] = {
                "request_id": record.request_id,
                "route": record.route,
                "method": method,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "bytes": n_bytes,
                "bundle": record.bundle,
                "model": ",".join(record.models) or None,
                "user_id": record.user_id,
                "trace_id": record.trace_id,
            }
            log.info("request", extra={"fields": {name: value for name, value in fields.items() if value is not None}})


class RecordRoute:
    """The innermost middleware: notes which route has answered, and the user whom the address names by a number."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            record = CURRENT_RECORD.get()
            if scope["type"] == "http" and record is not None:
                record.route = get_route_template(scope)
                record.user_id = find_user_id(scope)


def choose_request_id(scope: Scope) -> str:
    """The id in the request's header if it is well-formed, else a new one."""
    given = [value for name, value in scope["headers"] if name == REQUEST_ID_HEADER]
    if len(given) == 1 and REQUEST_ID.fullmatch(given[0]):
        return str(given[0], "ascii")
    return secrets.token_hex(8)


def get_route_template(scope: Scope) -> str:
    """The template of the route that has answered, such as `/movies/{movie_id}`; UNMATCHED without one."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    mounted_at: str = scope.get("root_path", "").removeprefix(scope.get("app_root_path", ""))
    return f"{mounted_at}/{{path}}" if mounted_at and "endpoint" in scope else UNMATCHED


def find_user_id(scope: Scope) -> int | None:
    """The number that the address has as `user_id`, in its path or its query."""
    in_path = str(scope.get("path_params", {}).get("user_id", ""))
    if USER_ID.fullmatch(in_path):
        return int(in_path)
    in_query = USER_ID_IN_QUERY.search(scope.get("query_string", b""))
    return int(in_query[1]) if in_query else None
