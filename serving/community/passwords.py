"""Password hashing with Argon2id. Checking takes the same time whether the account exists or not."""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from serving.observability.metrics import HASHES_WAITING, RATE_LIMITED

N_WORKERS = 2  # hashes at once; each takes 64 MB for a moment, and four threads
MAX_WAITING = 16  # a few seconds of work
RETRY_SECONDS = 5

T = TypeVar("T")


class PasswordsBusyError(Exception):
    """More hashes are asked for than can be computed soon."""


class Passwords:
    """Hashes and checks passwords in threads of its own, so that waiting for them holds up nothing else.

    At most `max_waiting` wait for one of the `n_workers`; PasswordsBusyError is raised for any more.
    """

    def __init__(
        self, hasher: PasswordHasher | None = None, *, n_workers: int = N_WORKERS, max_waiting: int = MAX_WAITING
    ) -> None:
        self.hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(n_workers, thread_name_prefix="passwords")
        self._places = threading.BoundedSemaphore(n_workers + max_waiting)
        self._nobodys: str | None = None

    async def hash_password(self, password: str) -> str:
        """The Argon2id hash of the password."""
        return await self._run(self._hash, password)

    async def is_correct(self, stored_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash. Always False for None (an unknown account), after the same work."""
        return await self._run(self._verify, stored_hash, password)

    def is_outdated(self, stored_hash: str) -> bool:
        """Whether the hash was made with weaker settings than today's."""
        return self.hasher.check_needs_rehash(stored_hash)

    async def _run(self, work: Callable[..., T], *given: object) -> T:
        if not self._places.acquire(blocking=False):
            RATE_LIMITED.labels("password_hashes").inc()
            raise PasswordsBusyError
        HASHES_WAITING.inc()
        future = self._pool.submit(work, *given)
        future.add_done_callback(self._end_wait)
        return await asyncio.wrap_future(future)

    def _end_wait(self, _: object) -> None:
        self._places.release()
        HASHES_WAITING.dec()

    def _hash(self, password: str) -> str:
        return self.hasher.hash(_encode_password(password))

    def _verify(self, stored_hash: str | None, password: str) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hash("nobody has this password")
        try:
            self.hasher.verify(stored_hash or self._nobodys, _encode_password(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored_hash is not None


def _encode_password(password: str) -> bytes:
    """The password as bytes, in one Unicode form for all keyboards."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
