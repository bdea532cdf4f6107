"""A fake TMDB that answers from stored records in the real one's formats, statuses and limits, or fails on demand.

To run it by hand: `python -m tests.fake_tmdb RECORDS.jsonl[.gz] PORT`; base URLs are http://127.0.0.1:PORT/3 and /t/p.
"""

import asyncio
import gzip
import json
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DATA_FOLDER = Path(__file__).parent / "data" / "tmdb"
V3_KEY = "0123456789abcdef0123456789abcdef"
V4_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJmYWtlIn0.c2lnbmF0dXJl"
OWN_KEYS = {"_src", "_synthetic"}
DETAIL_ONLY_KEYS = {
    "belongs_to_collection",
    "budget",
    "credits",
    "genres",
    "homepage",
    "imdb_id",
    "runtime",
    "tagline",
} | {
    "production_companies",
    "production_countries",
    "revenue",
    "spoken_languages",
    "status",
}
KEY_REFUSED_BODY = {
    "success": False,
    "status_code": 7,
    "status_message": "Invalid API key: You must be granted a valid key.",
}
NOT_FOUND_BODY = {
    "success": False,
    "status_code": 34,
    "status_message": "The resource you requested could not be found.",
}
TOO_MANY_BODY = {"success": False, "status_code": 25, "status_message": "Your request count is over the allowed limit."}
JPEG_BYTES = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(300)


def load_records(path: Path = DATA_FOLDER / "movies.jsonl") -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [{k: v for k, v in json.loads(line).items() if k not in OWN_KEYS} for line in text.splitlines()]


@dataclass
class FakeTmdb:
    """Each request first takes one of `queued_faults`: a status, "malformed", "damaged" or "not an object"."""

    movies: dict[int, dict[str, Any]] = field(default_factory=lambda: {each["id"]: each for each in load_records()})
    queued_faults: deque[int | str] = field(default_factory=deque)
    retry_after: str | None = None  # sent with a 429
    max_per_second: int = 1_000_000
    delay: float = 0.0
    hanging_ids: set[int] = field(default_factory=set)  # movies that are never answered
    image: bytes | Callable[[str], bytes] = JPEG_BYTES  # or made of the name it is asked by
    image_type: str = "image/jpeg"
    image_status: int = 200
    image_encoding: str | None = None  # that it is said to have and has not
    requested_paths: list[str] = field(default_factory=list)  # paths, in order
    statuses: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    max_in_flight: int = 0
    _request_times: deque[float] = field(default_factory=deque)

    @property
    def app(self) -> Starlette:
        routes = [
            Route("/3/movie/{tmdb_id:int}", self._wrap_endpoint(self._answer_movie)),
            Route("/3/search/movie", self._wrap_endpoint(self._answer_search)),
            Route("/3/configuration", self._wrap_endpoint(self._answer_configuration)),
            Route("/t/p/{size}/{name}", self._answer_image),
        ]
        return Starlette(routes=routes)

    def _wrap_endpoint(self, answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            self.requested_paths.append(request.url.path)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            try:
                hangs = request.path_params.get("tmdb_id") in self.hanging_ids
                await asyncio.sleep(3600 if hangs else self.delay)
                response = self._pop_fault() or self._refuse_if_needed(request) or answer(request)
            finally:
                self.in_flight -= 1
            self.statuses[response.status_code] += 1
            return response

        return endpoint

    def _pop_fault(self) -> Response | None:
        fault = self.queued_faults.popleft() if self.queued_faults else None
        if isinstance(fault, int):
            headers = {"Retry-After": self.retry_after} if fault == 429 and self.retry_after else None
            return JSONResponse(TOO_MANY_BODY if fault == 429 else {"status_code": 11}, fault, headers)
        if fault == "malformed":
            return Response('{"id": 86', media_type="application/json")
        if fault == "damaged":
            return Response(b"no gzip", headers={"Content-Encoding": "gzip"}, media_type="application/json")
        return JSONResponse([1, 2]) if fault == "not an object" else None

    def _refuse_if_needed(self, request: Request) -> Response | None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer != V4_TOKEN and request.query_params.get("api_key") != V3_KEY:
            return JSONResponse(KEY_REFUSED_BODY, 401)
        now = time.monotonic()
        while self._request_times and now - self._request_times[0] > 1:
            self._request_times.popleft()
        if len(self._request_times) >= self.max_per_second:
            return JSONResponse(TOO_MANY_BODY, 429, {"Retry-After": "1"})
        self._request_times.append(now)
        return None

    def _answer_movie(self, request: Request) -> Response:
        found = self.movies.get(request.path_params["tmdb_id"])
        if found is None:
            return JSONResponse(NOT_FOUND_BODY, 404)
        appended = request.query_params.get("append_to_response", "").split(",")
        return JSONResponse({k: v for k, v in found.items() if k != "credits" or "credits" in appended})

    def _answer_search(self, request: Request) -> Response:
        query, year = request.query_params.get("query", "").casefold(), request.query_params.get("year")
        found = [
            {k: v for k, v in each.items() if k not in DETAIL_ONLY_KEYS}
            | {"genre_ids": [genre["id"] for genre in each.get("genres") or []]}
            for each in self.movies.values()
            if all(word in f"{each['title']} {each['original_title']}".casefold() for word in query.split())
            and (not year or each["release_date"].startswith(year))
        ]
        page = {"page": 1, "results": found[:20], "total_pages": -(-len(found) // 20), "total_results": len(found)}
        return JSONResponse(page)

    def _answer_configuration(self, request: Request) -> Response:
        return JSONResponse(json.loads((DATA_FOLDER / "configuration.json").read_text()))

    async def _answer_image(self, request: Request) -> Response:
        self.requested_paths.append(request.url.path)
        await asyncio.sleep(self.delay)
        headers = {"Content-Encoding": self.image_encoding} if self.image_encoding else None
        image = self.image if isinstance(self.image, bytes) else self.image(request.path_params["name"])
        return Response(image, self.image_status, headers, self.image_type)


@contextmanager
def serve_app(app: Starlette, port: int = 0) -> Iterator[str]:
    """The address of the app while it listens on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


if __name__ == "__main__":
    fake = FakeTmdb({each["id"]: each for each in load_records(Path(sys.argv[1]))}, max_per_second=40, delay=0.1)
    with serve_app(fake.app, int(sys.argv[2])):
        try:
            while True:
                time.sleep(5)
                sys.stdout.write(
                    f"asked {len(fake.requested_paths)}, {dict(fake.statuses)}, at once {fake.max_in_flight}\n"
                )
                sys.stdout.flush()
        except KeyboardInterrupt:
            pass
