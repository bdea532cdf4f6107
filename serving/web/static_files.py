"""Static files; the URL of each carries a hash of its content."""

import hashlib
from pathlib import Path

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_FOLDER = Path(__file__).parents[1] / "static"
CACHE_FOREVER = "public, max-age=31536000, immutable"


def hash_files(folder: Path) -> dict[str, str]:
    """A hash of the content of each file, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class VersionedStaticFiles(StaticFiles):
    """The files of STATIC_FOLDER. Browsers may keep one forever only under the URL with its current hash."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC_FOLDER)
        self.versions = hash_files(STATIC_FOLDER)

    def build_url(self, name: str) -> str:
        """The URL of the file with its current hash."""
        return f"/static/{name}?v={self.versions[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file with its cache header."""
        response = await super().get_response(path, scope)
        is_right = self.versions.get(path) in QueryParams(scope["query_string"]).getlist("v")
        response.headers["Cache-Control"] = CACHE_FOREVER if is_right else "no-cache"
        return response
