"""The signed session cookie, the secret that signs it, and keyed hashes."""

import hashlib
import hmac
import os
import secrets
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from movierec.settings import MIN_SECRET_LENGTH
from serving.community.private_files import restrict_to_owner

SESSION_COOKIE = "movierec_session"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie; the session's row ends it sooner


class CookieSigner:
    """Signs with the secret `given`, or with one that is created once in `file`, readable only by the owner.

    Signatures by `old` secrets, or by those in the other lines of `file`, are accepted too: a secret can be replaced
    without signing everybody out.
    """

    def __init__(self, given: str | None, file: Path, old: Sequence[str] = ()) -> None:
        self._secrets = [given, *old] if given else []
        self._old = old
        self._file = file
        self._lock = threading.Lock()

    def read_token(self, request: Request) -> str | None:
        """The token in the cookie; None without a cookie or with a wrong signature.

        Raises OSError if the secret cannot be read.
        """
        signed = request.cookies.get(SESSION_COOKIE)
        if not signed:
            return None
        try:
            return self._signer.unsign(signed.encode("utf-8", "replace")).decode()
        except (BadSignature, UnicodeDecodeError):
            return None

    def has_session_cookie(self, request: Request) -> bool:
        """Whether the request has a session cookie, valid or not."""
        return bool(request.cookies.get(SESSION_COOKIE))

    def set_session_cookie(self, request: Request, response: Response, token: str) -> None:
        """Sets the session cookie."""
        response.set_cookie(
            SESSION_COOKIE,
            self._signer.sign(token).decode(),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.scope["scheme"] == "https",
        )

    def hash_with_secret(self, text: str) -> str:
        """The HMAC of the text: equal texts give equal hashes, and without the secret the text cannot be found."""
        return hmac.new(self.secrets[0].encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    @property
    def _signer(self) -> Signer:
        # Of several keys, Signer signs with the last one.
        return Signer([*reversed(self.secrets)], salt="movierec.session", digest_method=hashlib.sha256)

    @property
    def secrets(self) -> list[str]:
        """The secret that signs, then those that are accepted too; read or created at the first use.

        Raises OSError if that fails.
        """
        with self._lock:
            if not self._secrets:
                self._secrets = [*read_or_create_secrets(self._file), *self._old]
            return self._secrets


def delete_session_cookie(response: Response) -> None:
    """Deletes the session cookie."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")


def create_token() -> str:
    """A new random token."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """The SHA-256 of the token, as the database stores it."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_or_create_secrets(file: Path) -> list[str]:
    """Reads the secrets, one in each line, or creates one if there is no file. Only the owner may read the file.

    Processes that start together get the same one. Raises OSError if the file holds something else.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=file.parent, prefix=".secret.")  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as opened:
                opened.write(secrets.token_urlsafe(48))
            os.link(part, file)  # fails where another one was faster
        except FileExistsError:
            pass
        finally:
            Path(part).unlink()
    restrict_to_owner(file)  # it may come from a backup
    found = file.read_text().split()
    if not found or any(len(each) < MIN_SECRET_LENGTH for each in found):
        raise OSError(f"{file} holds no secret: delete it, a new one is made (everybody is signed out)")
    return found
