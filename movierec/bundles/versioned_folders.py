"""Immutable folders under a home, one of them current: written whole, verified, noticed without a restart.

<home>/                named like the sample
    CURRENT            the name of the version that is served
    <version>/         manifest.json and whatever its kind holds; names begin with the time of publication
"""

import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from movierec.bundles.atomic_write import atomic_write, sweep_parts

log = logging.getLogger(__name__)

N_KEPT_VERSIONS = 3  # versions that stay on disk; a slow opener must still find the folder it was told of


class BundleError(ValueError):
    """A bundle is missing, broken or of another format."""


class HasVersion(Protocol):
    """What `Live` serves: it can say which version it is."""

    @property
    def version(self) -> str: ...


T = TypeVar("T", bound=HasVersion)


def publish_version(
    home: Path,
    version: str,
    *,
    write: Callable[[Path], None],
    open_version: Callable[[Path], object],
    manifest: Mapping[str, Any],
) -> Path:
    """Lets `write` fill a new folder, adds the manifest, opens it once to be sure, and only then makes it current.

    The manifest gets the version, which one it replaces, and a SHA-256 of every file; it should name its `format`.
    """
    before = current_version(home)

    def write_verified(folder: Path) -> None:
        write(folder)
        files = {
            str(path.relative_to(folder)): _hash_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        replaces = before.name if before else None
        content = {"version": version, "replaces": replaces, **manifest, "files": files}
        (folder / "manifest.json").write_text(json.dumps(content, indent=1, default=str))
        open_version(folder)

    return place_version(home, version, write_verified)


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
    """Turns whatever a broken file makes its reader raise into a BundleError that names the folder."""
    try:
        yield
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"bundle {folder} cannot be opened: {type(error).__name__}: {error}") from error


def read_verified_manifest(folder: Path, *, expected_format: int) -> dict[str, Any]:
    """The manifest, once every file is what it says. Raises BundleError where one is not."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    if manifest.get("format") != expected_format:
        raise BundleError(
            f"bundle {folder} has format {manifest.get('format')}, this code reads {expected_format}: "
            f"run `make pipeline SAMPLE={folder.parent.name}`"
        )
    broken = [name for name, digest in manifest["files"].items() if _hash_file(folder / name) != digest]
    if broken:
        raise BundleError(f"bundle {folder}: {broken} are not what the manifest says; publish again")
    return manifest


def set_current(home: Path, version: str) -> None:
    with atomic_write(home / "CURRENT") as part:
        part.write_text(version)


def current_version(home: Path) -> Path | None:
    """The folder of the published version, None where nothing was published."""
    pointer = home / "CURRENT"
    return home / pointer.read_text().strip() if pointer.is_file() else None


def list_versions(home: Path) -> list[Path]:
    """Whole versions, oldest first: their names begin with the time they were published."""
    return sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))


def list_other_versions(home: Path) -> list[Path]:
    """The whole versions that the pointer does not name: the older ones first, the newest of them at the head."""
    named = (home / "CURRENT").read_text(errors="replace").strip()
    others = [folder for folder in list_versions(home) if folder.name != named]
    return sorted(others, key=lambda folder: (folder.name < named, folder.name), reverse=True)


def find_replaced_version(folder: Path) -> Path | None:
    """The version that was current when this one took its place; None where there was none."""
    with as_bundle_error(folder):
        name = json.loads((folder / "manifest.json").read_text()).get("replaces")
    return folder.parent / name if name else None


def delete_old_versions(home: Path, *, kept: int = N_KEPT_VERSIONS, spared: Path | None = None) -> None:
    """Removes all versions but the last `kept`, the current one and `spared`."""
    for old in list_versions(home)[:-kept]:
        if old not in {current_version(home), spared}:
            shutil.rmtree(old, ignore_errors=True)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LiveVersion(Generic[T]):
    """The published version as of now: call it once a request and use what it gives to the request's end.

    A new one is noticed by one `stat`, opened by `opened` while others go on being served from the old one, and the
    old one stays when the new one is broken. Where none is open yet and the published one does not open, another one of
    the home takes its place: the newest of the older ones that open, or else of all.
    """

    def __init__(self, home: Path, open_version: Callable[[Path], T]) -> None:
        self.home = home
        self.open_version = open_version
        self.on_open: Callable[[], None] = lambda: None  # what the process does once a version is open
        self.last_error: str | None = None  # why the newest version is not the one served
        self._opened: T | None = None
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether a call answers at once; else it opens the first version of all, or finds none."""
        return self._opened is not None

    def __call__(self) -> T:
        """Raises BundleError while nothing servable was ever published."""
        try:
            stat = (self.home / "CURRENT").stat()
        except OSError as error:
            if self._opened is None:
                advice = f"run `make pipeline SAMPLE={self.home.name}`"
                raise BundleError(f"nothing is published under {self.home} ({error}): {advice}") from None
            return self._opened
        stamp = (stat.st_ino, stat.st_mtime_ns)
        if stamp != self._stamp and self._lock.acquire(blocking=self._opened is None):
            if self._opened is None:
                self._open_and_release(stamp)
            else:
                threading.Thread(target=self._open_and_release, args=(stamp,), name="open-bundle", daemon=True).start()
        if self._opened is None:
            raise BundleError(self.last_error or f"nothing servable is published under {self.home}")
        return self._opened

    def _open_and_release(self, stamp: tuple[int, int]) -> None:
        """Holds the lock that its caller took, and lets it go."""
        try:
            if stamp != self._stamp:
                opened = self.open_version(self.home / (self.home / "CURRENT").read_text().strip())
                self.last_error = None  # before the new one is seen, so that nobody sees it with the old one's fault
                self._opened = opened
                self.on_open()
            self._stamp = stamp
        except (BundleError, OSError, UnicodeDecodeError) as error:
            if self._opened is None:
                self._open_other_version(error)
            elif str(error) != self.last_error:
                log.warning("kept %s: %s", self._opened.version, error)
            self.last_error = str(error)
            if not isinstance(error.__cause__ or error, OSError):
                self._stamp = stamp  # it will not get better by itself; what the system refused is tried again
        finally:
            self._lock.release()

    def _open_other_version(self, fault: Exception) -> None:
        """Opens a version that the pointer does not name, where one opens: better an old answer than none."""
        cure = f"run `make pipeline SAMPLE={self.home.name}` to publish anew"
        for folder in list_other_versions(self.home):
            try:
                self._opened = self.open_version(folder)
            except (BundleError, OSError) as error:
                log.warning("not served instead of the published version: %s", error)
                continue
            self.on_open()
            log.error("%s. Serving %s instead, which is not the published version: %s", fault, folder.name, cure)
            return
        if str(fault) != self.last_error:
            log.error("%s. Nothing else under %s can be served: %s", fault, self.home, cure)
