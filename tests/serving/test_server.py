"""The server as clients meet it that are slow, greedy, many or gone."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect

from movierec.settings import ROOT
from serving.connection import BoundedProtocol, ConnectionLimits
from serving.server import build_server
from serving.web.errors import handle_lost_client
from tests.serving.conftest import wait_until_true

LIMITS = ConnectionLimits(
    header_bytes=20_000, header_seconds=0.6, body_seconds=0.6, write_seconds=0.6, shutdown_seconds=0.2, connections=20
)
app = FastAPI(exception_handlers={ClientDisconnect: handle_lost_client})


@app.get("/")
async def get_words() -> str:
    return "words"


@app.get("/much")
async def get_much() -> str:
    return "x" * 30_000_000


@app.post("/echo")
async def post_echo(request: Request) -> int:
    return len(await request.body())


@contextmanager
def serve(limits: ConnectionLimits = LIMITS) -> Iterator[int]:
    """The port of a server in a thread."""
    server = build_server(app, port=0, log_level="info", limits=limits, shutdown_seconds=5)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert wait_until_true(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server has to end"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve() as found:
        yield found


def connect(port: int, sent: bytes = b"") -> socket.socket:
    found = socket.create_connection(("127.0.0.1", port), timeout=10)
    found.sendall(sent)
    return found


def read_to_end(connection: socket.socket) -> bytes:
    """All that is answered until the server closes the connection."""
    found = b""
    with connection:
        try:
            while piece := connection.recv(65_536):
                found += piece
        except ConnectionResetError:
            pass
    return found


def ask(port: int, sent: bytes) -> bytes:
    return read_to_end(connect(port, sent))


def send_slowly(connection: socket.socket, piece: bytes, *, every: float) -> float:
    """Sends the piece again and again until the server closes; returns the seconds that took."""
    started = time.monotonic()
    connection.settimeout(every)
    while time.monotonic() - started < 10:
        try:
            connection.sendall(piece)
            if not connection.recv(1000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    connection.close()
    return time.monotonic() - started


def test_requests_are_answered_one_after_the_other_and_sent_ahead(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.get("/").json() == "words"
            assert client.post("/echo", content=b"x" * 300_000).json() == 300_000
    one = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert ask(port, one * 5 + last).count(b"HTTP/1.1 200 OK") == 6


@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"x" * 21_000 + b"\r\n",
        b"".join(b"X-%d: yyyyyyyyyy\r\n" % n for n in range(1500)),
        b"x: y" * 1_000_000,
        b"X-Name-Without-End" * 1_000_000,
    ],
    ids=["one", "many", "endless value", "endless name"],
)
def test_large_headers_are_answered_431(port: int, headers: bytes) -> None:
    connection = connect(port)
    sender = threading.Thread(target=_send_all, args=(connection, b"GET / HTTP/1.1\r\n" + headers + b"\r\n"))
    sender.start()
    assert read_to_end(connection).startswith(b"HTTP/1.1 431 ")
    sender.join()


def test_a_long_address_is_answered_431(port: int) -> None:
    assert ask(port, b"GET /" + b"x" * 30_000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_headers_within_the_bound_are_read(port: int) -> None:
    headers = b"X: " + b"x" * 15_000 + b"\r\nConnection: close\r\n\r\n"
    assert ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + headers).startswith(b"HTTP/1.1 200 ")


def test_endless_trailers_after_a_body_are_answered_431(port: int) -> None:
    connection = connect(port)
    trailers = b"Trailer: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 100_000
    begin = b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    sender = threading.Thread(target=_send_all, args=(connection, begin + trailers))
    sender.start()
    assert read_to_end(connection).startswith(b"HTTP/1.1 431 ")
    sender.join()


def _send_all(connection: socket.socket, content: bytes) -> None:
    """Sends until all is sent or the server closes."""
    sent = 0
    try:
        while sent < len(content):
            sent += connection.send(content[sent : sent + 65_536])
    except OSError:
        pass


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost:", b"x"),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT", b""),
        (b"GET / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n", b"x"),
    ],
    ids=["nothing", "a letter at a time", "empty lines", "the second request", "a body that nobody reads"],
)
def test_slow_headers_end_the_connection(port: int, begin: bytes, piece: bytes) -> None:
    assert send_slowly(connect(port, begin), piece, every=0.1) < 4


@pytest.mark.parametrize("piece", [b"", b"x"], ids=["nothing", "a byte at a time"])
def test_a_slow_body_is_answered_408(port: int, piece: bytes) -> None:
    connection = connect(port, b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nab")
    started = time.monotonic()
    for _ in range(3):
        connection.sendall(piece)
        time.sleep(0.1)
    assert read_to_end(connection).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started < 4


def test_a_client_that_does_not_read_is_disconnected(port: int) -> None:
    connection = connect(port, b"GET /much HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    time.sleep(2)
    assert len(read_to_end(connection)) < 30_000_000


def test_a_client_that_reads_slowly_gets_everything(port: int) -> None:
    connection = connect(port, b"GET /much HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    found = 0
    with connection:
        while piece := connection.recv(1_000_000):
            found += len(piece)
            time.sleep(0.01)
    assert found > 30_000_000


def test_half_sent_requests_make_room_for_whole_ones(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    slow = ConnectionLimits(header_seconds=30, body_seconds=30, connections=20)
    BoundedProtocol.warned_at = float("-inf")
    with ExitStack() as stack, serve(slow) as port:
        for number in range(60):
            begin = b"GET / HT" if number % 2 else b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
            stack.enter_context(connect(port, begin))
        for _ in range(5):
            assert b"words" in ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")


def test_half_sent_bodies_make_room_for_whole_ones() -> None:
    """What has come of a body is kept in memory."""
    slow = ConnectionLimits(header_seconds=30, body_seconds=30, bodies=5)
    with ExitStack() as stack, serve(slow) as port:
        begin = b"POST /echo HTTP/1.1\r\nContent-Length: 90000\r\n\r\n" + b"x" * 80_000
        withheld = [stack.enter_context(connect(port, begin)) for _ in range(12)]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.post("/echo", content=b"x" * 300_000).json() == 300_000
        assert [read_to_end(connection) for connection in withheld[:6]] == [b""] * 6
        withheld[-1].sendall(b"x" * 10_000)
        assert b"90000" in withheld[-1].recv(1000)


def test_a_body_that_is_withheld_does_not_keep_the_server_from_ending() -> None:
    slow = ConnectionLimits(header_seconds=60, body_seconds=60, shutdown_seconds=0.2)
    with ExitStack() as stack:
        with serve(slow) as port:
            for begin in (b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", b"GET / HT", b""):
                stack.enter_context(connect(port, begin))
            time.sleep(0.3)
            started = time.monotonic()
        assert time.monotonic() - started < 3


@contextmanager
def serve_whole_site(home: Path, log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The site in a process of its own, as `make web` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"MOVIEREC_HOME": str(home), "MOVIEREC_WEB_PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.server"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        assert wait_until_true(lambda: _is_answering(port), 60), log.read_text()
        yield port, process
    finally:
        process.kill()
        process.wait()


def _is_answering(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_the_site_holds_its_memory_and_ends_in_time(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ExitStack() as stack, serve_whole_site(home, log) as (port, process):
        before = psutil.Process(process.pid).memory_info().rss
        many = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 60_000) for n in range(600))
        connection = connect(port)
        _send_all(connection, many)  # 36 MB
        connection.close()
        assert psutil.Process(process.pid).memory_info().rss < before + 20_000_000
        form = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        for _ in range(3):
            stack.enter_context(connect(port, (form + "Content-Length: 99\r\n\r\nname=").encode()))
        connect(port, (form + "Content-Length: 99\r\n\r\nname=").encode()).close()  # gone in the middle of its form
        httpx.get(f"http://127.0.0.1:{port}/search?q=a+secret+wish")
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        process.wait(20)
        assert time.monotonic() - started < 8
    said = log.read_text()
    assert "Traceback" not in said
    assert "ERROR" not in said
    assert "/search" in said
    assert "secret" not in said
