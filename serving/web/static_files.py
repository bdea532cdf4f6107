"""Static files; the address of one carries a hash of its content."""

import hashlib
from pathlib import Path

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"
FOR_GOOD = "public, max-age=31536000, immutable"


def versions(folder: Path) -> dict[str, str]:
    """By the path in the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Statics(StaticFiles):
    """The files of STATIC; only the address with the right version is kept for good."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)
        self.versions = versions(STATIC)

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self.versions[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_right = self.versions.get(path) in QueryParams(scope["query_string"]).getlist("v")
        response.headers["Cache-Control"] = FOR_GOOD if is_right else "no-cache"
        return response
