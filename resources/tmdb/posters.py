"""Downloads posters and their thumbnails into a folder, before a visitor asks for them."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from movierec.bundles.atomic_write import atomic_write
from movierec.tmdb import images, thumbnails

MAX_IN_FLIGHT = 16
MAX_ATTEMPTS = 3
MAX_CONSECUTIVE_FAILURES = 20  # failures one after the other: the host is not there
FETCHED, KEPT, FAILED, LEFT, ONLY_LARGE = "fetched", "kept", "failed", "left", "only_large"


class _TransientError(Exception):
    """A failure that may not happen again at the next attempt."""


class PosterFetcher:
    """Downloads posters from `host` into `folder`. `paths` are TMDB's `poster_path` values.

    `counts` has the number of posters that were fetched, were there already (kept), failed, are left for another run,
    or have no thumbnail (only_large).
    """

    def __init__(
        self,
        host: str,
        folder: Path,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.host, self.folder = host, folder
        self.counts = Counter({FETCHED: 0, KEPT: 0, FAILED: 0, LEFT: 0, ONLY_LARGE: 0})
        self.first_failure: str | None = None
        self.first_unreadable: str | None = None
        self._consecutive_failures = 0
        self._transport, self._sleep = transport, sleep

    async def fetch_posters(self, paths: Iterable[str]) -> None:
        """Downloads the posters that are missing or too old. A failed poster does not stop the others.

        After 20 failures in a row it stops and leaves the rest.
        """
        missing = []
        for path in dict.fromkeys(paths):
            file = self.folder / images.build_image_file_name("poster", path)
            if is_fresh(file):
                self.counts[KEPT] += 1
                if not is_fresh(file.with_name(thumbnails.build_thumbnail_file_name(file.name))):
                    await self._make_thumbnail(file)
            else:
                missing.append(path)
        self.counts[LEFT] = len(missing)
        queue = iter(missing)
        async with httpx.AsyncClient(timeout=10, transport=self._transport) as http, asyncio.TaskGroup() as workers:
            for _ in range(MAX_IN_FLIGHT):
                workers.create_task(self._run_worker(http, queue))

    async def _run_worker(self, http: httpx.AsyncClient, queue: Iterator[str]) -> None:
        for path in queue:
            if self._consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
                return
            fault = await self._fetch_with_retries(http, path)
            self._consecutive_failures = self._consecutive_failures + 1 if fault else 0
            self.first_failure = self.first_failure or fault
            self.counts[FAILED if fault else FETCHED] += 1
            self.counts[LEFT] -= 1

    async def _fetch_with_retries(self, http: httpx.AsyncClient, path: str) -> str | None:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            retry=retry_if_exception_type(_TransientError),
            sleep=self._sleep,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return await self._fetch_once(http, path)
        except RetryError as error:
            return str(error.last_attempt.exception())
        raise AssertionError("the last attempt raises")

    async def _fetch_once(self, http: httpx.AsyncClient, path: str) -> str | None:
        """Downloads and writes one image. Gives None, or a text that says why it failed for good.

        Raises _TransientError for failures that are worth another attempt.
        """
        try:
            async with http.stream("GET", images.build_image_url(self.host, "poster", path)) as response:
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
                    raise _TransientError(f"{path}: status {response.status_code}")
                if response.status_code != httpx.codes.OK:
                    return f"{path}: status {response.status_code}"
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > images.MAX_IMAGE_BYTES:
                        break
        except httpx.RequestError as error:
            raise _TransientError(f"{path}: {type(error).__name__}") from error
        if fault := images.explain_invalid_image(bytes(content), response.headers.get("content-type", "")):
            return f"{path}: {fault}"
        file = self.folder / images.build_image_file_name("poster", path)
        with atomic_write(file) as part:
            part.write_bytes(content)
        await self._make_thumbnail(file)
        return None

    async def _make_thumbnail(self, file: Path) -> None:
        if fault := await asyncio.to_thread(write_thumbnail, file):
            self.counts[ONLY_LARGE] += 1
            self.first_unreadable = self.first_unreadable or f"{file.name}: {fault}"


def write_thumbnail(file: Path) -> str | None:
    """Writes the thumbnail of a poster beside it, with the same modification time.

    Gives None, or a text that says why the poster cannot be read.
    """
    try:
        content = thumbnails.make_thumbnail(file.read_bytes())
    except thumbnails.UnreadableImageError as error:
        return str(error)
    fetched = file.stat().st_mtime_ns
    with atomic_write(file.with_name(thumbnails.build_thumbnail_file_name(file.name))) as part:
        part.write_bytes(content)
        os.utime(part, ns=(fetched, fetched))
    return None


def is_fresh(file: Path) -> bool:
    """Whether the file exists and is younger than MAX_AGE_DAYS."""
    try:
        return time.time() - file.stat().st_mtime < timedelta(days=images.MAX_AGE_DAYS).total_seconds()
    except FileNotFoundError:
        return False


def delete_old_posters(folder: Path) -> int:
    """Deletes images older than MAX_AGE_DAYS; gives the number of deleted files."""
    old = [file for file in folder.glob("*") if file.is_file() and not is_fresh(file)] if folder.is_dir() else []
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)
