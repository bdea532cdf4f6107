"""Password hashing with Argon2id. Checking takes the same time whether the account exists or not."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MAX_CONCURRENT_HASHES = 4  # each takes 64 MB for a moment


class Passwords:
    """Hashes and checks passwords, at most MAX_CONCURRENT_HASHES at once, as each needs 64 MB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self.hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(MAX_CONCURRENT_HASHES)
        self._nobodys: str | None = None

    def hash_password(self, password: str) -> str:
        """The Argon2id hash of the password."""
        with self._slots:
            return self.hasher.hash(_encode_password(password))

    def is_correct(self, stored_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash. Always False for None (an unknown account), after the same work."""
        if self._nobodys is None:
            self._nobodys = self.hash_password("nobody has this password")
        with self._slots:
            try:
                self.hasher.verify(stored_hash or self._nobodys, _encode_password(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored_hash is not None

    def is_outdated(self, stored_hash: str) -> bool:
        """Whether the hash was made with weaker settings than today's."""
        return self.hasher.check_needs_rehash(stored_hash)


def _encode_password(password: str) -> bytes:
    """The password as bytes, in one Unicode form for all keyboards."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
