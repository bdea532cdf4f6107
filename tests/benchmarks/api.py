"""`python -m tests.benchmarks.api` measures the JSON API of the published bundle under a steady load and prints
Markdown.

One worker on one core; the client runs on another. Requests are sent at fixed times, whether or not earlier ones have
been answered, and waiting counts from those times. Nothing here is asserted: figures depend on the machine.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from assets.commands.bench import find_free_port, wait_for_answer
from movierec.bundles.bundle import Bundle, current_version
from movierec.home_layout import HomeLayout
from movierec.settings import Settings

N_CONNECTIONS = 32


class Endpoint(NamedTuple):
    """An endpoint to measure: path template and request body for a user and a movie."""

    name: str
    path_template: str
    build_body: Callable[[int, int], object] | None = None

    def build_request(self, user: int, movie: int) -> bytes:
        path = self.path_template.format(user=user, movie=movie)
        if self.build_body is None:
            return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        body = json.dumps(self.build_body(user, movie)).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return f"{head}\r\n\r\n".encode() + body


ENDPOINTS = [
    Endpoint("GET /top", "/top"),
    Endpoint("POST /recommend_content_based", "/recommend_content_based", lambda _, movie: {"movie_id": movie}),
    Endpoint("POST /recommend_session_based", "/recommend_session_based", lambda user, _: {"user_id": user}),
    Endpoint("POST /recommend_collaborative", "/recommend_collaborative", lambda user, _: {"user_id": user}),
    Endpoint("GET /favorite-cluster", "/favorite-cluster?user_id={user}"),
    Endpoint("GET /recommend", "/recommend?movie_id={movie}"),
    Endpoint("GET /recommend-by-tags", "/recommend-by-tags?user_id={user}"),
    Endpoint("GET /api/users/{user_id}/profile", "/api/users/{user}/profile"),
    Endpoint("GET /api/users/{user_id}/history", "/api/users/{user}/history"),
    Endpoint("GET /api/movies", "/api/movies?q=the&filter=year:1980..,not(genre:Horror),mean_rating:3.."),
    Endpoint("GET /api/movies/popular", "/api/movies/popular"),
    Endpoint("GET /api/movies/{movie_id}", "/api/movies/{movie}"),
    Endpoint("GET /api/movies/{movie_id}/similar", "/api/movies/{movie}/similar"),
    Endpoint("GET /api/movies/personal", "/api/movies/personal?user_id={user}"),
    Endpoint("GET /api/movies/personal, explained", "/api/movies/personal?user_id={user}&explain=true"),
    Endpoint("POST /api/recommendations", "/api/recommendations", lambda user, _: {"user_ids": [user]}),
    Endpoint("POST /api/fold-in", "/api/fold-in", lambda _, movie: {"ratings": [{"movie_id": movie, "rating": 5}]}),
    Endpoint("GET /health", "/health"),
]


class EndpointFigures(NamedTuple):
    """Latency and the server's processor time per request, in milliseconds, and the number of failed requests."""

    p50_ms: float
    p99_ms: float
    worst_ms: float
    cpu_ms: float
    n_failed: int


async def send_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Sends a request, reads the whole answer and gives its status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return status


async def send_at_rate(port: int, requests: list[bytes], *, rate: float) -> tuple[list[float], int]:
    """Sends the requests at a fixed rate.

    Gives the seconds from when each was due to the end of its answer, and how many had another status than 200.
    """
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(N_CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    failed = 0

    async def one(due: float, request: bytes) -> float:
        nonlocal failed
        await asyncio.sleep(due - time.perf_counter())
        connection = await free.get()
        failed += await send_request(*connection, request) != 200
        free.put_nowait(connection)
        return time.perf_counter() - due

    start = time.perf_counter() + 0.1
    waits = await asyncio.gather(*(one(start + at / rate, request) for at, request in enumerate(requests)))
    while not free.empty():
        free.get_nowait()[1].close()
    return waits, failed


def measure_endpoint(port: int, server: psutil.Process, requests: list[bytes], *, rate: float) -> EndpointFigures:
    before = server.cpu_times()
    waits, failed = asyncio.run(send_at_rate(port, requests, rate=rate))
    after = server.cpu_times()
    cpu = (after.user + after.system - before.user - before.system) / len(requests)
    p50, p99 = np.percentile(waits, [50, 99]) * 1000
    return EndpointFigures(p50, p99, max(waits) * 1000, cpu * 1000, failed)


def draw_pairs(home: Path, n: int) -> list[tuple[int, int]]:
    """Random pairs of a user and a movie: users uniformly, movies in proportion to their ratings."""
    folder = current_version(HomeLayout(home).locate_bundles("full"))
    if folder is None:
        raise SystemExit(f"nothing is published under {home}")
    interactions = Bundle.open(folder).recommender.interactions
    chance = random.Random(0)  # noqa: S311  a draw of requests
    columns = interactions.user_items.indices
    picked = [int(interactions.movie_ids[columns[chance.randrange(len(columns))]]) for _ in range(n)]
    return [(int(interactions.user_ids[chance.randrange(len(interactions.user_ids))]), movie) for movie in picked]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.api", description=__doc__)
    parser.add_argument("--rate", type=float, default=100, help="requests a second")
    parser.add_argument("--seconds", type=float, default=6, help="for each endpoint")
    parser.add_argument("--port", type=int, default=None)
    given = parser.parse_args()
    home = Settings.from_environment().home
    pairs = draw_pairs(home, int(given.rate * given.seconds))
    port = given.port or find_free_port()
    command = ["-m", "serving.server", "--port", str(port), "--log-level", "warning"]
    server_core, *own = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, own or [server_core])
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(server_core), sys.executable, *command], stdout=log, stderr=log
        )
        try:
            wait_for_answer(f"http://127.0.0.1:{port}/health", process, seconds=120)
            print_report(port, psutil.Process(process.pid), pairs, rate=given.rate)
        finally:
            process.terminate()
            process.wait()


def print_report(port: int, server: psutil.Process, pairs: list[tuple[int, int]], *, rate: float) -> None:
    out = sys.stdout.write
    out(
        f"{rate:g} requests a second, {len(pairs)} requests to each endpoint; "
        f"load average before the run {os.getloadavg()[0]:.1f}\n\n"
    )
    out("| endpoint | p50 ms | p99 ms | worst ms | CPU ms | failed |\n|---|---|---|---|---|---|\n")
    for question in ENDPOINTS:
        requests = [question.build_request(*pair) for pair in pairs]
        asyncio.run(send_at_rate(port, requests[:20], rate=rate))
        found = measure_endpoint(port, server, requests, rate=rate)
        figures = " | ".join(f"{value:.1f}" for value in found[:4])
        out(f"| `{question.name}` | {figures} | {found.n_failed} |\n")
        sys.stdout.flush()
    memory = server.memory_full_info()
    out(
        f"\nThe worker holds {memory.rss / 2**20:.0f} MB, "
        f"{memory.uss / 2**20:.0f} MB of it not shared with other processes.\n"
    )


if __name__ == "__main__":
    main()
