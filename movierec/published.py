"""The bundle: what the graph writes and the site reads, both halves side by side.

<home>/published/<sample>/
    CURRENT            the name of the bundle that is served
    <version>/         manifest.json catalogue.parquet top100.json scores.parquet similar.parquet recommender/
"""

import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from movierec.browse import Browser
from movierec.catalog import Catalog
from movierec.recommender import Recommender
from movierec.similar import SimilarityIndex

log = logging.getLogger(__name__)

FORMAT = 2  # counts up when older code could not read what is written, or newer code what was
KEPT = 3  # bundles that stay on disk; a slow opener must still find the folder it was told of


class BundleError(ValueError):
    """A bundle is missing, broken or of another format."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yields a sibling name to write; it takes the place of `path` only when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        for written in [*part.rglob("*"), part] if part.is_dir() else [part]:
            descriptor = os.open(written, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        part.replace(path)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


@dataclass(frozen=True)
class Bundle:
    """Everything the site needs, opened once; arrays are mapped read-only."""

    version: str
    manifest: dict[str, Any]
    catalog: Catalog
    browser: Browser
    recommender: Recommender
    similar: SimilarityIndex

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises BundleError that says what is wrong with the folder."""
        try:
            manifest = json.loads((folder / "manifest.json").read_text())
            _verify(folder, manifest)
            catalog = Catalog.of(pl.read_parquet(folder / "catalogue.parquet"))
            return cls(
                folder.name,
                manifest,
                catalog,
                Browser.of(catalog.movies),
                Recommender.load(folder / "recommender"),
                SimilarityIndex.load(folder),
            )
        except BundleError:
            raise
        except Exception as error:  # whatever a broken file makes its reader raise
            raise BundleError(f"bundle {folder} cannot be opened: {type(error).__name__}: {error}") from error


def publish(
    home: Path,
    version: str,
    *,
    catalogue: pl.DataFrame,
    recommender: Recommender,
    similar: SimilarityIndex,
    scores: pl.DataFrame,
    manifest: dict[str, Any],
) -> Path:
    """Writes a bundle under `home`, opens it once to be sure, and only then points CURRENT at it.

    `scores` are `user_id, ndcg_at_10` of what is published, for the contest with the next one.
    """
    target = home / version
    with atomic(target) as folder:
        folder.mkdir()
        catalogue.write_parquet(folder / "catalogue.parquet")
        scores.write_parquet(folder / "scores.parquet")
        top100 = catalogue.drop_nulls("popularity").head(100)
        (folder / "top100.json").write_text(top100.write_json())
        recommender.save(folder / "recommender")
        similar.save(folder)
        files = {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        content = {"format": FORMAT, "version": version, **manifest, "files": files}
        (folder / "manifest.json").write_text(json.dumps(content, indent=1, default=str))
        Bundle.open(folder)
    point_at(home, version)
    _prune(home)
    return target


def point_at(home: Path, version: str) -> None:
    with atomic(home / "CURRENT") as part:
        part.write_text(version)


def rollback(home: Path) -> str:
    """Points CURRENT at the bundle before the served one; gives its version. Raises BundleError where there is none."""
    live = current(home)
    older = [] if live is None else [path.name for path in _bundles(home) if path.name < live.name]
    if not older:
        raise BundleError(f"no bundle under {home} is older than the one that is served")
    Bundle.open(home / older[-1])
    point_at(home, older[-1])
    return older[-1]


def current(home: Path) -> Path | None:
    """The folder of the published bundle, None where nothing was published."""
    pointer = home / "CURRENT"
    return home / pointer.read_text().strip() if pointer.is_file() else None


def _verify(folder: Path, manifest: dict[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        found = manifest.get("format")
        raise BundleError(f"bundle {folder} has format {found}, this code reads {FORMAT}: run `make pipeline`")
    broken = [name for name, digest in manifest["files"].items() if _digest(folder / name) != digest]
    if broken:
        raise BundleError(f"bundle {folder}: {broken} are not what the manifest says; publish again")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bundles(home: Path) -> list[Path]:
    """Whole bundles, oldest first: their names begin with the time they were published."""
    return sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))


def _prune(home: Path) -> None:
    live = current(home)
    for old in _bundles(home)[:-KEPT]:
        if old != live:
            shutil.rmtree(old, ignore_errors=True)


class Live:
    """The published bundle as of now: call it once a request and use what it gives to the request's end.

    A new bundle is noticed by one `stat`, opened while others go on being served from the old one, and the
    old one stays when the new one is broken.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.fault: str | None = None  # why the newest bundle is not the one served
        self._bundle: Bundle | None = None
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Bundle:
        """Raises BundleError while nothing servable was ever published."""
        try:
            stat = (self.home / "CURRENT").stat()
        except OSError as error:
            if self._bundle is None:
                raise BundleError(f"nothing is published under {self.home} ({error}): run `make pipeline`") from None
            return self._bundle
        stamp = (stat.st_ino, stat.st_mtime_ns)
        if stamp != self._stamp and self._lock.acquire(blocking=self._bundle is None):
            if self._bundle is None:
                self._open(stamp)
            else:
                threading.Thread(target=self._open, args=(stamp,), name="open-bundle", daemon=True).start()
        if self._bundle is None:
            raise BundleError(self.fault or f"nothing servable is published under {self.home}")
        return self._bundle

    def _open(self, stamp: tuple[int, int]) -> None:
        """Holds the lock that its caller took, and lets it go."""
        try:
            if stamp != self._stamp:
                self._bundle, self.fault = Bundle.open(self.home / (self.home / "CURRENT").read_text().strip()), None
            self._stamp = stamp
        except (BundleError, OSError, UnicodeDecodeError) as error:
            if str(error) != self.fault:
                log.warning("kept %s: %s", self._bundle.version if self._bundle else "nothing", error)
            self.fault = str(error)
            if not isinstance(error.__cause__ or error, OSError):
                self._stamp = stamp  # it will not get better by itself; what the system refused is tried again
        finally:
            self._lock.release()
