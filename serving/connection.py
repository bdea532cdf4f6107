"""HTTP connections with bounds: how long a client may take, how much it may send, how many may be open.

uvicorn's fast parser has no setting for any of these; docs/operations.md lists the bounds.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.observability.metrics import REFUSED

log = logging.getLogger("uvicorn.error")

REFUSAL_NAMES = {400: "unreadable", 408: "slow_body", 431: "large_headers", 503: "connections"}  # as metrics name them

WARN_AGAIN_SECONDS = 10
LINGER_SECONDS = (
    2  # so long the rest of a refused request is read and dropped, else the client could not read the answer
)


@dataclass(frozen=True)
class ConnectionLimits:
    """Bounds of connections: times in seconds, sizes in bytes."""

    header_bytes: int = 65_536  # request line and headers together
    header_seconds: float = 10  # from the connection, or the first byte, to the end of the headers
    body_seconds: float = 30  # from the end of the headers to the end of the body
    write_seconds: float = 30  # during which a client reads nothing of its answer
    shutdown_seconds: float = 2  # for a body that is still awaited when the server ends
    connections: int = 1000
    bodies: int = 100  # that are awaited at once; what has come of each is kept in memory


class HeadersTooLargeError(Exception):
    """The request line and the headers are longer than `header_bytes`."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within ConnectionLimits.

    A client that is too slow with its headers is disconnected, one that is too slow with its body is answered 408, and
    one with too large headers 431. If there are too many connections, the one that has waited longest for its client
    is closed; if none waits for its client, the new one is answered 503.
    """

    warned_at = float("-inf")  # shared by all connections: the log gets one line in WARN_AGAIN_SECONDS

    def __init__(self, *, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self.limits = limits
        self.waiting_since: float | None = None  # for the client; None while the site works on a request
        self._expected: Literal["headers", "body"] | None = "headers"  # what the client has to send next
        self._n_messages = 0
        self._watched: tuple[str | None, int] = (None, 0)  # what the timer of the client was started for
        self._client_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._unparsed_bytes = 0  # received since the last end of headers or piece of a body
        self._is_refused = False

    @property
    def is_body_awaited(self) -> bool:
        """Whether the headers of a request have come, but not yet its whole body."""
        return self._expected == "body"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Makes room if there are too many connections, and starts to wait for the headers."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            waiting = self._list_waiting()
            if not waiting:
                self._write_refusal(503, "Too many connections.")
                transport.close()
                return
            self._close_longest_waiting(waiting, reason=f"more than {self.limits.connections} connections")
        self._watch_client()

    def data_received(self, data: bytes) -> None:
        """Parses what the client has sent, unless that is more than headers may have."""
        if self._is_refused:
            return
        if self._unparsed_bytes > self.limits.header_bytes:
            self._refuse(431, "The headers are too large.")
            return
        self._unparsed_bytes += len(data)
        super().data_received(data)
        self._watch_client()

    def on_message_begin(self) -> None:
        """A new request begins."""
        super().on_message_begin()
        self._expected = "headers"
        self._n_messages += 1
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Counts and keeps a piece of the address."""
        self._count_header_bytes(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts and keeps a header, or a trailer after a body."""
        self._count_header_bytes(len(name) + len(value) + 4)  # with colon, space and line end
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Passes the request on to the application. Its body, if there is one, is awaited."""
        self._expected, self._unparsed_bytes = "body", 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keeps a piece of the body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._expected = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        super().on_response_complete()
        if self.cycle.response_complete:  # else a request that was sent ahead is next
            self.waiting_since = time.monotonic()
        if self.transport.is_closing():
            self._abort_later(self.limits.write_seconds)

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection, also if the client never reads the rest of its answer."""
        super().timeout_keep_alive_handler()
        self._abort_later(self.limits.write_seconds)

    def pause_writing(self) -> None:
        """Waits for the client to read, but not for ever."""
        super().pause_writing()
        self._abort_later(self.limits.write_seconds)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._write_timer is not None and not self.transport.is_closing():
            self._write_timer.cancel()

    def shutdown(self) -> None:
        """Ends the connection after the answer at work; a body that is awaited gets `shutdown_seconds`."""
        super().shutdown()
        if self._client_timer is not None:
            self._start_client_timer(self.limits.shutdown_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops all timers."""
        for timer in (self._client_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answers a request that cannot be parsed; 431 if its headers are too large."""
        if self._header_bytes > self.limits.header_bytes:
            self._refuse(431, "The headers are too large.")
        else:
            self._refuse(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """The site has no WebSockets: a request for one is answered as any other, and needs no warning."""

    def _count_header_bytes(self, n_bytes: int) -> None:
        self._header_bytes += n_bytes
        if self._header_bytes > self.limits.header_bytes:
            raise HeadersTooLargeError  # the parser stops, and uvicorn calls send_400_response

    def _watch_client(self) -> None:
        """Starts the timer of what the client has to send next. It is not started anew by every piece."""
        is_idle = self.cycle is None or self.cycle.response_complete
        expected = self._expected or ("headers" if is_idle else None)
        if self._watched == (expected, self._n_messages):
            return
        self._watched = (expected, self._n_messages)
        if expected is None:
            self._stop_client_timer()
        else:
            limits = self.limits
            self.waiting_since = time.monotonic()
            self._start_client_timer(limits.body_seconds if expected == "body" else limits.header_seconds)
        if expected == "body":
            bodies = [each for each in self._list_waiting() if each.is_body_awaited]
            if len(bodies) > self.limits.bodies:
                self._close_longest_waiting(bodies, reason=f"more than {self.limits.bodies} bodies are awaited")

    def _start_client_timer(self, seconds: float) -> None:
        if self._client_timer is not None:
            self._client_timer.cancel()
        self._client_timer = self.loop.call_later(seconds, self._stop_waiting)

    def _stop_client_timer(self) -> None:
        if self._client_timer is not None:
            self._client_timer.cancel()
        self._client_timer = self.waiting_since = None

    def _stop_waiting(self) -> None:
        """Ends a connection whose client was too slow."""
        has_answer_at_work = self.cycle is not None and not self.cycle.response_complete
        if self._expected != "body" or not has_answer_at_work:
            if has_answer_at_work or self.pipeline:  # of an earlier request; the next one may wait for it
                self._start_client_timer(self.limits.header_seconds)
            else:
                self.transport.abort()
        elif self.cycle.response_started or self.pipeline:
            self.transport.abort()
        else:
            self.cycle.disconnected = True  # for the application, which still waits for the body
            self.cycle.message_event.set()
            self._refuse(408, "The body did not come in time.")

    def _refuse(self, status: int, reason: str) -> None:
        """Answers without the application, and closes the connection once the client could read the answer."""
        self._is_refused = True
        self._stop_client_timer()
        log.info("%d: %s", status, reason)
        self._write_refusal(status, reason)
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
            self._abort_later(LINGER_SECONDS)
        else:
            self.transport.close()

    def _write_refusal(self, status: int, reason: str) -> None:
        REFUSED.labels(REFUSAL_NAMES[status]).inc()
        headers = (
            "content-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(reason)}\r\nconnection: close\r\ncache-control: no-store\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[status] + (headers + reason).encode("ascii"))

    def _abort_later(self, seconds: float) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
        self._write_timer = self.loop.call_later(seconds, self.transport.abort)

    def _list_waiting(self) -> list["BoundedProtocol"]:
        """The open connections that wait for their clients."""
        return [
            each
            for each in self.connections
            if isinstance(each, BoundedProtocol) and each.waiting_since is not None and not each.transport.is_closing()
        ]

    def _close_longest_waiting(self, waiting: list["BoundedProtocol"], *, reason: str) -> None:
        """Closes the connection that has waited longest; the log says why, once in WARN_AGAIN_SECONDS."""
        now = time.monotonic()
        if now - BoundedProtocol.warned_at > WARN_AGAIN_SECONDS:
            BoundedProtocol.warned_at = now
            log.warning("%s: those that have waited longest for their client are closed", reason)
        min(waiting, key=lambda each: each.waiting_since or 0).transport.abort()
