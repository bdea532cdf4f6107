"""Immutable folders, one of them current. Each is written completely, verified, and picked up without a restart.

<home>/                named like the sample
    CURRENT            the name of the version that is served
    <version>/         manifest.json and the files of its kind; names begin with the time of publication
"""

import hashlib
import json
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from movierec.bundles.atomic_write import atomic_write, sweep_parts

log = logging.getLogger(__name__)

RETRY_SECONDS = 1  # so long nothing is tried again that the system refused
N_KEPT_VERSIONS = 3  # versions on disk; old ones stay so that a worker still opening one does not lose it


FileStamp = tuple[int, int, int] | None


class BundleError(ValueError):
    """A bundle is missing, broken or of another format."""


class HasVersion(Protocol):
    """What `LiveVersion` serves: an object that knows its version and its manifest."""

    @property
    def version(self) -> str:
        """The name of the version's folder."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest, with the names of all files."""


T = TypeVar("T", bound=HasVersion)
V = TypeVar("V")


def publish_version(
    home: Path,
    version: str,
    *,
    write: Callable[[Path], None],
    open_version: Callable[[Path], object],
    manifest: Mapping[str, Any],
    kept: int = N_KEPT_VERSIONS,
) -> Path:
    """Writes a new version with `write`, adds the manifest, opens it once as a check, and only then makes it current.

    The manifest gets the version, the version it replaces, and the SHA-256 of every file; the caller's manifest should
    contain `format`. Old versions are deleted afterwards, see `place_version`. Returns the new folder.
    """
    before = current_version(home)

    def write_verified(folder: Path) -> None:
        write(folder)
        files = {str(path.relative_to(folder)): hash_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        replaces = before.name if before else None
        content = {"version": version, "replaces": replaces, **manifest, "files": files}
        (folder / "manifest.json").write_text(json.dumps(content, indent=1, default=str))
        open_version(folder)

    return place_version(home, version, write_verified, kept=kept)


def place_version(home: Path, version: str, write: Callable[[Path], None], *, kept: int = N_KEPT_VERSIONS) -> Path:
    """Lets `write` fill a new folder, makes it current once it is whole, and removes what is older.

    The last `kept` versions stay, and so does the one that was current before.
    """
    target, before = home / version, current_version(home)
    sweep_parts(home)
    with atomic_write(target) as folder:
        folder.mkdir()
        write(folder)
    set_current(home, version)
    delete_old_versions(home, kept=kept, spared=before)
    return target


@contextmanager
def as_bundle_error(folder: Path) -> Iterator[None]:
    """Turns every exception raised while a folder is read into a BundleError that names the folder."""
    try:
        yield
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"bundle {folder} cannot be opened: {type(error).__name__}: {error}") from error


def read_verified_manifest(folder: Path, *, expected_format: int) -> dict[str, Any]:
    """The manifest, after its format and the SHA-256 of every file were checked. Raises BundleError on a mismatch."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    if manifest.get("format") != expected_format:
        raise BundleError(
            f"bundle {folder} has format {manifest.get('format')}, this code reads {expected_format}: "
            f"run `make pipeline SAMPLE={folder.parent.name}`"
        )
    broken = [name for name, digest in manifest["files"].items() if hash_file(folder / name) != digest]
    if broken:
        raise BundleError(f"bundle {folder}: {broken} are not what the manifest says; publish again")
    return manifest


def set_current(home: Path, version: str) -> None:
    """Makes `version` current, by replacing the file CURRENT."""
    with atomic_write(home / "CURRENT") as part:
        part.write_text(version)


def current_version(home: Path) -> Path | None:
    """The folder of the current version; None if nothing is published."""
    pointer = home / "CURRENT"
    return home / pointer.read_text().strip() if pointer.is_file() else None


def list_versions(home: Path) -> list[Path]:
    """All complete versions, oldest first (names begin with the time of publication)."""
    if not home.is_dir():
        return []
    return sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))


def list_other_versions(home: Path) -> list[Path]:
    """The complete versions other than the one that CURRENT names; all of them without CURRENT.

    Older ones come first, the newest of them at the head; then those that are newer than CURRENT.
    """
    pointer = home / "CURRENT"
    named = pointer.read_text(errors="replace").strip() if pointer.is_file() else ""
    others = [folder for folder in list_versions(home) if folder.name != named]
    return sorted(others, key=lambda folder: (folder.name < named, folder.name), reverse=True)


def find_replaced_version(folder: Path) -> Path | None:
    """The folder of the version that was current before this one; None if there was none.

    Raises BundleError if the manifest cannot be read.
    """
    with as_bundle_error(folder):
        name = json.loads((folder / "manifest.json").read_text()).get("replaces")
    return folder.parent / name if name else None


def open_other_version(home: Path, *, open_version: Callable[[Path], V]) -> tuple[Path, V] | None:
    """The first of `list_other_versions` that opens: its folder and what `open_version` gave. None if none opens."""
    for folder in list_other_versions(home):
        try:
            return folder, open_version(folder)
        except (BundleError, OSError) as error:
            log.warning("passed over: %s", error)
    return None


def delete_old_versions(home: Path, *, kept: int = N_KEPT_VERSIONS, spared: Path | None = None) -> None:
    """Deletes all versions but the last `kept`, the current one and `spared`."""
    for old in list_versions(home)[:-kept]:
        if old not in {current_version(home), spared}:
            shutil.rmtree(old, ignore_errors=True)


def hash_file(path: Path) -> str:
    """The SHA-256 of the file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LiveVersion(Generic[T]):
    """The current version, always up to date: call it once per request and use the result until the request ends.

    A change is detected by one `stat` of CURRENT. The new version is opened in a background thread while requests are
    served from the old one; if the new one is broken, the old one stays and `last_error` says why. If nothing is open
    yet and the current version cannot be opened, the first of `list_other_versions` that opens is served.
    """

    def __init__(self, home: Path, open_version: Callable[[Path], T]) -> None:
        self.home = home
        self.open_version = open_version
        self.on_open: Callable[[], None] = lambda: None  # what the process does once a version is open
        self.last_error: str | None = None  # why the newest version is not the one served
        self._opened: T | None = None
        self._files: dict[Path, FileStamp] = {}  # of the version that is served, as they were when it was opened
        self._tried: FileStamp | str = "nothing yet"  # the stamp of CURRENT at the last try, None without CURRENT
        self._try_again_at = math.inf
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether a version is open already, so that a call returns at once."""
        return self._opened is not None

    def __call__(self) -> T:
        """The current version; the first call opens it and waits. Raises BundleError while none can be opened."""
        if self._is_due() and self._lock.acquire(blocking=self._opened is None):
            if self._opened is None:
                self._open_and_release()
            else:
                threading.Thread(target=self._open_and_release, name="open-bundle", daemon=True).start()
        if self._opened is None:
            raise BundleError(self.last_error or f"nothing servable is published under {self.home}")
        return self._opened

    def find_fault(self) -> str | None:
        """Why not the newest version is served, or what has happened to the files of the one that is; else None.

        Costs one `stat` for each file.
        """
        if self.last_error or self._opened is None:
            return self.last_error
        folder = self.home / self._opened.version
        if not folder.is_dir():
            return f"the folder {folder}, which is served, is gone; a restart would serve an older one"
        changed = [str(path.relative_to(folder)) for path, stamp in self._files.items() if read_stamp(path) != stamp]
        if changed:
            return f"files of {folder}, which is served, are gone or were changed: {', '.join(changed)}; publish again"
        return None

    def _is_due(self) -> bool:
        return read_stamp(self.home / "CURRENT") != self._tried or time.monotonic() >= self._try_again_at

    def _open_and_release(self) -> None:
        """Opens the current version and releases the lock, which the caller must have acquired."""
        try:
            if self._is_due():  # else another thread has just tried
                self._open_current()
        finally:
            self._lock.release()

    def _open_current(self) -> None:
        stamp = read_stamp(self.home / "CURRENT")
        try:
            folder = self.home / self._read_pointer()
            opened = self.open_version(folder)
        except (BundleError, OSError, UnicodeDecodeError) as error:
            if self._opened is None:
                self._open_other_version(error)
            elif str(error) != self.last_error:
                log.warning("kept %s: %s", self._opened.version, error)
            self.last_error = str(error)
            # What the system refused is tried again; all else does not get better by itself.
            is_refusal = isinstance(error.__cause__ or error, OSError)
            self._try_again_at = time.monotonic() + RETRY_SECONDS if is_refusal else math.inf
        else:
            self.last_error = None  # before the new one is seen, so that nobody sees it with the old one's fault
            self._try_again_at = math.inf
            self._take(opened, folder)
        self._tried = stamp

    def _read_pointer(self) -> str:
        """The name of the current version. Raises BundleError if nothing is published."""
        try:
            return (self.home / "CURRENT").read_text().strip()
        except OSError as error:
            advice = f"run `make pipeline SAMPLE={self.home.name}`"
            raise BundleError(f"nothing is published under {self.home} ({error}): {advice}") from error

    def _take(self, opened: T, folder: Path) -> None:
        """Serves this version from now on."""
        self._files = {path: read_stamp(path) for path in (folder / name for name in opened.manifest.get("files", ()))}
        self._opened = opened
        self.on_open()

    def _open_other_version(self, fault: Exception) -> None:
        """Opens the first other version that can be opened; logs which one is served, or that there is none."""
        cure = f"run `make pipeline SAMPLE={self.home.name}` to publish anew"
        found = open_other_version(self.home, open_version=self.open_version)
        if found is not None:
            folder, opened = found
            self._take(opened, folder)
            log.error("%s. Serving %s instead, which is not the published version: %s", fault, folder.name, cure)
        elif str(fault) != self.last_error:
            log.error("%s. Nothing else under %s can be served: %s", fault, self.home, cure)


def read_stamp(path: Path) -> FileStamp:
    """What changes with every change of a file: inode, time and size. None without the file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
