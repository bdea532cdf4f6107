"""The signing secret, the cookie that is signed with it, and hashes that say nothing to others."""

import hashlib
import hmac
import os
import secrets
import tempfile
import threading
from pathlib import Path

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "movierec_session"
FOR_LONG = 400 * 24 * 3600  # the longest that browsers keep a cookie; the session's row ends it sooner
SHORTEST = 16


class Signing:
    """The secret is `given`, or made once in `file`, which only the owner may read."""

    def __init__(self, given: str | None, file: Path) -> None:
        if given is not None and len(given) < SHORTEST:
            raise ValueError(f"MOVIEREC_SECRET has {len(given)} characters; at least {SHORTEST} are wanted")
        self._secret = given
        self._file = file
        self._lock = threading.Lock()

    def token_of(self, request: Request) -> str | None:
        """What the cookie says, if we have signed it. Raises OSError where the secret cannot be had."""
        signed = request.cookies.get(COOKIE)
        if not signed:
            return None
        try:
            return self._signer.unsign(signed.encode("utf-8", "replace")).decode()
        except (BadSignature, UnicodeDecodeError):
            return None

    def is_marked(self, request: Request) -> bool:
        """Whether there is a cookie of ours at all, good or not."""
        return bool(request.cookies.get(COOKIE))

    def remember(self, request: Request, response: Response, token: str) -> None:
        response.set_cookie(
            COOKIE,
            self._signer.sign(token).decode(),
            max_age=FOR_LONG,
            httponly=True,
            samesite="lax",
            secure=request.scope["scheme"] == "https",
        )

    def keyed_hash(self, text: str) -> str:
        """The same for the same text; without the secret nobody can tell which text it was."""
        return hmac.new(self.secret.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    @property
    def _signer(self) -> Signer:
        return Signer(self.secret, salt="movierec.session", digest_method=hashlib.sha256)

    @property
    def secret(self) -> str:
        with self._lock:
            if self._secret is None:
                self._secret = kept_secret(self._file)
            return self._secret


def forget(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def kept_secret(file: Path) -> str:
    """Whoever comes first makes it; processes that start together end up with the same one."""
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
    found = file.read_text().strip()
    if len(found) < SHORTEST:
        raise OSError(f"{file} holds no secret: delete it, a new one is made (everybody is signed out)")
    return found
