"""Fetches images and makes thumbnails in the background; requests never wait for them."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from movierec.tmdb import images, thumbnails
from movierec.tmdb.images import ImageKind
from serving.images.cache import ImageCache

log = logging.getLogger(__name__)

N_WORKERS = 4
MAX_WAITING = 64  # the rest is asked for again by the next visitor
TIMEOUT_SECONDS, DEADLINE_SECONDS = 3.0, 6.0  # seconds: for each step, for the whole
MAX_FAILURES, REST_SECONDS = 5, 60.0  # after so many failures in a row nothing is asked for so many seconds
MISSING_SECONDS, MAX_MISSING = 24 * 3600.0, 20_000


class _NoImageError(Exception):
    """The host has no such image, or sent something else. It is not asked again for MISSING_SECONDS."""


class _HostError(Exception):
    """The host failed or was too slow."""


class ImageFetcher:
    """Fetches images from `host` into `cache`, each image only once at a time, in `threads` (N_WORKERS by default).

    After MAX_FAILURES failures in a row the host is not asked for REST_SECONDS.
    """

    def __init__(
        self,
        host: str,
        cache: ImageCache,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        threads: ThreadPoolExecutor | None = None,
    ) -> None:
        self.host, self.cache = host, cache
        self._clock = clock
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport)
        self._threads = threads or ThreadPoolExecutor(N_WORKERS, thread_name_prefix="images")
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._missing: OrderedDict[str, float] = OrderedDict()  # until when it is not asked for again
        self._failures = 0
        self._rests_until = 0.0

    def request_image(self, kind: ImageKind, path: str) -> bool:
        """Queues the image for fetching and returns at once; False if the host is known not to have it.

        If the queue is full, a later request has to ask again.
        """
        return self._submit_once(images.build_image_file_name(kind, path), lambda: self._fetch_image(kind, path))

    def request_thumbnail(self, original: Path) -> bool:
        """Queues the making of a poster's thumbnail in the same way."""
        return self._submit_once(
            thumbnails.build_thumbnail_file_name(original.name), lambda: self._make_thumbnail(original)
        )

    def close(self) -> None:
        """Cancels what is queued and closes the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _submit_once(self, name: str, get: Callable[[], None]) -> bool:
        with self._lock:
            if self._missing.get(name, 0.0) > self._clock():
                return False
            if name not in self._waiting and len(self._waiting) < MAX_WAITING and not self._is_resting():
                self._waiting.add(name)
                self._threads.submit(self._run_and_record, name, get)
        return True

    def _is_resting(self) -> bool:
        return self._clock() < self._rests_until

    def _fetch_image(self, kind: ImageKind, path: str) -> None:
        if self._is_resting():
            return
        name = images.build_image_file_name(kind, path)
        self.cache.write_image(name, self._download(images.build_image_url(self.host, kind, path)))
        self._failures = 0
        if kind == "poster":
            original = self.cache.folder / name
            self._run_and_record(thumbnails.build_thumbnail_file_name(name), lambda: self._make_thumbnail(original))

    def _make_thumbnail(self, original: Path) -> None:
        try:
            content = thumbnails.make_thumbnail(original.read_bytes())
        except FileNotFoundError:
            return  # it was the longest unused
        except thumbnails.UnreadableImageError as error:
            log.warning("no small %s: %s", original.name, error)
            raise _NoImageError(str(error)) from error
        self.cache.write_image(thumbnails.build_thumbnail_file_name(original.name), content, original=original)

    def _run_and_record(self, name: str, get: Callable[[], None]) -> None:
        try:
            get()
        except _NoImageError as error:
            log.info("no %s: %s", name, error)
            self._record_missing(name)
        except (_HostError, OSError) as error:  # OSError: our own disk
            self._record_failure(name, error)
        except Exception:
            log.exception("no %s", name)
        finally:
            with self._lock:
                self._waiting.discard(name)

    def _download(self, address: str) -> bytes:
        end = self._clock() + DEADLINE_SECONDS
        content = bytearray()
        try:
            with self._http.stream("GET", address) as response:
                _raise_for_status(response.status_code)
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > images.MAX_IMAGE_BYTES:
                        break
                    if self._clock() > end:
                        raise _HostError(f"not done in {DEADLINE_SECONDS:g} s")
        except httpx.HTTPError as error:
            raise _HostError(f"{type(error).__name__} {error}".strip()) from error
        if fault := images.explain_invalid_image(bytes(content), response.headers.get("content-type", "")):
            raise _NoImageError(fault)
        return bytes(content)

    def _record_missing(self, name: str) -> None:
        with self._lock:
            self._missing[name] = self._clock() + MISSING_SECONDS
            while len(self._missing) > MAX_MISSING:
                self._missing.popitem(last=False)

    def _record_failure(self, name: str, error: Exception) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                log.warning(
                    "no images for %g s: %d failures, the last of %s: %s", REST_SECONDS, self._failures, name, error
                )
                self._rests_until = self._clock() + REST_SECONDS


def _raise_for_status(status: int) -> None:
    if status == httpx.codes.OK:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _HostError(f"status {status}")
    raise _NoImageError(f"status {status}")
