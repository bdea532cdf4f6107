"""Passwords: hashed with Argon2id, compared in the same time whether or not there is such an account."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 4  # each takes 64 MB for a moment


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self.hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._nobodys: str | None = None

    def hashed(self, password: str) -> str:
        with self._slots:
            return self.hasher.hash(_bytes(password))

    def are_equal(self, kept: str | None, password: str) -> bool:
        """`kept` is None for an unknown account: the same work is done, and the answer is no."""
        if self._nobodys is None:
            self._nobodys = self.hashed("nobody has this password")
        with self._slots:
            try:
                self.hasher.verify(kept or self._nobodys, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        return self.hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    """One password however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
