"""MovieLens archives: downloaded, verified, unpacked."""

import json
import logging
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from resources.sources.dataset import (
    _REQUIRED_FILES,
    CSV_FILES,
    ProgressCallback,
    SourceError,
    _hash_file,
    _is_complete,
    _replace_folder,
)

if TYPE_CHECKING:
    import httpx

GROUPLENS_URL = "https://files.grouplens.org/datasets/movielens/"

_log = logging.getLogger(__name__)
_MAX_ATTEMPTS, _MAX_PAUSE_SECONDS = 4, 5.0  # seconds
FIRST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Archive:
    """A downloadable zip file: size in bytes, hashes by algorithm, and the largest size allowed after unpacking."""

    size: int
    digests: Mapping[str, str]  # hexadecimal, by the name hashlib knows
    description: str
    unpacked_limit: int = 4 * 2**30


ARCHIVES: Mapping[str, Archive] = {
    "ml-latest-small": Archive(
        size=978_202,
        digests={"sha256": "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436"},
        description="MovieLens Latest Small by GroupLens (September 2018): "
        "100,836 ratings of 9,742 movies by 610 users.",
    ),
    "ml-25m": Archive(
        size=261_978_986,
        digests={
            "md5": "6b51fb2759a8657d3bfcbfc42b592ada",
            "sha256": "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
        },
        description="MovieLens 25M by GroupLens (December 2019): 25,000,095 ratings of 62,423 movies by 162,541 users.",
    ),
    "ml-32m": Archive(
        size=238_950_008,
        digests={"md5": "d472be332d4daa821edc399621853b57"},  # GroupLens publishes no other
        description="MovieLens 32M by GroupLens (May 2024): 32,000,204 ratings of 87,585 movies by 200,948 users.",
    ),
}


# --- archives: download, verify, unpack ---


def _acquire_archive(archive: Archive, folder: Path, url: str, progress: ProgressCallback | None) -> None:
    mark = json.dumps(dict(archive.digests), sort_keys=True)
    if _is_complete(folder, mark):
        return
    zip_path = folder.with_name(f"{folder.name}.zip")
    if zip_path.exists():
        if wrong := _explain_mismatch(zip_path, archive):
            raise SourceError(f"{zip_path} is not the file from {url}: {wrong}; delete or replace it")
    else:
        part = zip_path.with_name(f"{zip_path.name}.part")
        _download(url, part, archive.size, progress or make_progress_display(zip_path.name))
        if wrong := _explain_mismatch(part, archive):
            part.unlink()
            raise SourceError(f"{url} sent another file than expected: {wrong}; it was deleted, try again")
        part.rename(zip_path)
    with _replace_folder(folder, mark) as new:
        _unpack_archive(zip_path, new, archive.unpacked_limit)


def _explain_mismatch(path: Path, archive: Archive) -> str | None:
    """Says how the file differs from the published archive in size or hash; None if it does not."""
    size = path.stat().st_size
    if size != archive.size:
        return f"expected {archive.size} bytes, got {size}"
    for algorithm, expected in archive.digests.items():
        got = _hash_file(path, algorithm)
        if got != expected:
            return f"expected {algorithm} {expected}, got {got}"
    return None


class _TransientError(Exception):
    """The transfer ended early or the server failed. What has arrived is kept for the next attempt."""


def _download(url: str, part: Path, size: int, progress: ProgressCallback) -> None:
    """Downloads `url` into `part` in several attempts, continuing where an earlier one ended. Raises SourceError."""
    import httpx
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    attempts = Retrying(
        retry=retry_if_exception_type((httpx.TransportError, _TransientError)),
        stop=stop_after_attempt(_MAX_ATTEMPTS),
        wait=wait_exponential(multiplier=FIRST_PAUSE_SECONDS, max=_MAX_PAUSE_SECONDS),
        reraise=True,
    )
    try:
        with open_client(url) as client:
            attempts(_fetch_rest, client, url, part, size, progress)
    except (httpx.HTTPError, _TransientError) as error:
        raise SourceError(
            f"cannot download {url} ({error or type(error).__name__}); try again, which goes on from what "
            f"has arrived, or put a copy of the file at {part.with_suffix('')}"
        ) from error


def open_client(url: str, transport: "httpx.BaseTransport | None" = None) -> "httpx.Client":
    """A client that follows redirects, but never from https down to http."""
    import httpx

    def stay_encrypted(request: httpx.Request) -> None:
        if url.startswith("https:") and request.url.scheme != "https":
            raise SourceError(f"{url} redirects to {request.url}, which is not encrypted; nothing was fetched")

    return httpx.Client(
        follow_redirects=True,
        timeout=httpx.Timeout(30, connect=10),
        event_hooks={"request": [stay_encrypted]},
        transport=transport,
    )


def _fetch_rest(client: "httpx.Client", url: str, part: Path, size: int, progress: ProgressCallback) -> None:
    """Makes one request for the missing rest of `part`; starts again if the server cannot continue the same file."""
    done = part.stat().st_size if part.exists() else 0
    if done == size:
        return
    if done > size:
        done = 0
    # The server's name for this version of the file: without it two versions could end up in one file.
    etag = part.with_name(f"{part.name}.etag")
    validator = etag.read_text(encoding="ascii") if done and etag.exists() else ""
    headers = {"Accept-Encoding": "identity"}
    if validator:
        headers |= {"Range": f"bytes={done}-", "If-Range": validator}
    with client.stream("GET", url, headers=headers) as response:
        _check_response(response, part, done)
        if response.status_code != 206:
            done = 0
        etag.write_text(_get_validator(response), encoding="ascii")
        _append_response(response, part, done=done, size=size, progress=progress)
    etag.unlink()


def _check_response(response: "httpx.Response", part: Path, done: int) -> None:
    import httpx

    status = response.status_code
    if status >= 500:
        raise _TransientError(f"the server answered {status}")
    is_other_range = status == 206 and not response.headers["Content-Range"].startswith(f"bytes {done}-")
    if status == 416 or is_other_range:
        part.unlink()
        raise _TransientError("the server cannot go on where the last attempt ended")
    if status >= 400:
        raise httpx.HTTPError(f"the server answered {status}")


def _get_validator(response: "httpx.Response") -> str:
    """The value for If-Range: a strong ETag, else the Last-Modified date, else an empty text."""
    etag: str = response.headers.get("ETag", "")
    last_modified: str = response.headers.get("Last-Modified", "")
    return etag if etag.startswith('"') else last_modified


def _append_response(
    response: "httpx.Response", part: Path, *, done: int, size: int, progress: ProgressCallback
) -> None:
    with part.open("r+b" if done else "wb") as file:
        file.seek(done)
        for chunk in response.iter_raw():  # as it comes: a broken connection loses nothing
            file.write(chunk)
            done += len(chunk)
            progress(done, size)
            if done > size:
                break  # more than was published; the check of the size will tell
    if done < size:
        raise _TransientError(f"the connection ended after {done} of {size} bytes")


def make_progress_display(name: str) -> ProgressCallback:
    """A bar for someone at a terminal, otherwise a log line every ten percent."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(desc=name, unit="B", unit_scale=True)

        def draw(done: int, size: int) -> None:
            bar.total = size
            bar.update(done - bar.n)
            if done >= size:
                bar.close()

        return draw
    tenths = -1

    def log(done: int, size: int) -> None:
        nonlocal tenths
        if done * 10 // size > tenths:
            tenths = done * 10 // size
            _log.info("%s: %d of %d bytes", name, done, size)

    return log


def _unpack_archive(zip_path: Path, folder: Path, limit: int) -> None:
    """Unpacks the CSV files and the README directly into `folder`. Refuses archives with unsafe paths."""
    try:
        with zipfile.ZipFile(zip_path) as archive:
            for member in archive.infolist():
                _check_member_path(member, zip_path)
            members = [member for member in archive.infolist() if _is_wanted_member(member)]
            _check_members(members, zip_path, limit)
            for member in members:
                target = folder / PurePosixPath(member.filename).name
                with archive.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, 2**20)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{zip_path} is not a sound zip file ({error}); delete or replace it") from error


def _check_member_path(member: zipfile.ZipInfo, zip_path: Path) -> None:
    name = member.orig_filename.replace("\\", "/")
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/") or is_link:
        raise SourceError(f"{zip_path} holds {member.orig_filename!r}, which leads out of its folder; delete it")


def _is_wanted_member(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    is_known = path.name in CSV_FILES or path.stem.upper() == "README"
    return is_known and len(path.parts) <= 2 and not member.is_dir()


def _check_members(members: list[zipfile.ZipInfo], zip_path: Path, limit: int) -> None:
    names = [PurePosixPath(member.filename).name for member in members]
    if any(names.count(name) != 1 for name in (*names, *_REQUIRED_FILES)):
        raise SourceError(f"{zip_path} must hold each of {_REQUIRED_FILES} once and nothing twice; it holds {names}")
    size = sum(member.file_size for member in members)  # zipfile reads no more than a member declares
    if size > limit:
        raise SourceError(f"{zip_path} would unpack to {size} bytes; the limit is {limit}")
