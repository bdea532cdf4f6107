"""Fetches images, and makes small ones, behind the visitor's back: whoever asks for one waits for nothing."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from movierec.tmdb import images, thumbnails
from movierec.tmdb.images import Kind
from serving.images.cache import ImageCache

log = logging.getLogger(__name__)

WORKERS = 4
MOST_WAITING = 64  # the rest is asked for again by the next visitor
TIMEOUT, DEADLINE = 3.0, 6.0  # seconds: for each step, for the whole
FAILURES, REST = 5, 60.0  # after so many failures in a row nothing is asked for so many seconds
MISSING_SECONDS, MOST_MISSING = 24 * 3600.0, 20_000


class _NoImageError(Exception):
    """The host has no such image, or what it sends is none: asking again is of no use today."""


class _HostError(Exception):
    """The host does not answer as it should."""


class ImageFetcher:
    """Fetches from `host` into `cache`, in a few threads, each image once at a time."""

    def __init__(
        self,
        host: str,
        cache: ImageCache,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host, self.cache = host, cache
        self._clock = clock
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="images")
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._missing: OrderedDict[str, float] = OrderedDict()  # until when it is not asked for again
        self._failures = 0
        self._rests_until = 0.0

    def want(self, kind: Kind, path: str) -> bool:
        """Has it fetched, at once or at a later request; False where it is known to be missing. Never waits."""
        return self._want(images.file_name(kind, path), lambda: self._fetch(kind, path))

    def want_small(self, original: Path) -> bool:
        """Has the small version of a poster on disk made, in the same way."""
        return self._want(thumbnails.file_name(original.name), lambda: self._make_small(original))

    def is_busy(self) -> bool:
        return bool(self._waiting)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _want(self, name: str, get: Callable[[], None]) -> bool:
        with self._lock:
            if self._missing.get(name, 0.0) > self._clock():
                return False
            if name not in self._waiting and len(self._waiting) < MOST_WAITING and not self._rests():
                self._waiting.add(name)
                self._threads.submit(self._noted, name, get)
        return True

    def _rests(self) -> bool:
        return self._clock() < self._rests_until

    def _fetch(self, kind: Kind, path: str) -> None:
        if self._rests():
            return
        name = images.file_name(kind, path)
        self.cache.put(name, self._fetched(images.address(self.host, kind, path)))
        self._failures = 0
        if kind == "poster":
            original = self.cache.folder / name
            self._noted(thumbnails.file_name(name), lambda: self._make_small(original))

    def _make_small(self, original: Path) -> None:
        try:
            content = thumbnails.small(original.read_bytes())
        except FileNotFoundError:
            return  # it was the longest unused
        except thumbnails.UnreadableImageError as error:
            log.warning("no small %s: %s", original.name, error)
            raise _NoImageError(str(error)) from error
        self.cache.put(thumbnails.file_name(original.name), content, made_of=original)

    def _noted(self, name: str, get: Callable[[], None]) -> None:
        try:
            get()
        except _NoImageError as error:
            log.info("no %s: %s", name, error)
            self._note_missing(name)
        except (_HostError, OSError) as error:  # OSError: our own disk
            self._note_failure(name, error)
        except Exception:
            log.exception("no %s", name)
        finally:
            with self._lock:
                self._waiting.discard(name)

    def _fetched(self, address: str) -> bytes:
        end = self._clock() + DEADLINE
        content = bytearray()
        try:
            with self._http.stream("GET", address) as response:
                _raise_for(response.status_code)
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > images.MAX_BYTES:
                        break
                    if self._clock() > end:
                        raise _HostError(f"not done in {DEADLINE:g} s")
        except httpx.HTTPError as error:
            raise _HostError(f"{type(error).__name__} {error}".strip()) from error
        if fault := images.fault_of(bytes(content), response.headers.get("content-type", "")):
            raise _NoImageError(fault)
        return bytes(content)

    def _note_missing(self, name: str) -> None:
        with self._lock:
            self._missing[name] = self._clock() + MISSING_SECONDS
            while len(self._missing) > MOST_MISSING:
                self._missing.popitem(last=False)

    def _note_failure(self, name: str, error: Exception) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                log.warning("no images for %g s: %d failures, the last of %s: %s", REST, self._failures, name, error)
                self._rests_until = self._clock() + REST


def _raise_for(status: int) -> None:
    if status == httpx.codes.OK:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _HostError(f"status {status}")
    raise _NoImageError(f"status {status}")
