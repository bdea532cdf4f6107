"""Files and folders that appear whole or not at all."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STALE_SECONDS = 24 * 3600  # what was begun so long ago belongs to a killed process


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; it replaces `path` by one rename if the block succeeds, and is deleted if
    not.

    The file, or every file of the folder, is flushed to disk before the rename.
    """
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
        _remove(part)


def sweep_parts(folder: Path, *, name: str = "*", older_than: float = STALE_SECONDS) -> None:
    """Removes what killed processes left half-written of `name` in `folder`, `older_than` seconds ago or more."""
    for part in folder.glob(f".{name}.*.part"):
        if _is_older(part, older_than):
            _remove(part)


def list_stale_parts(folder: Path) -> list[Path]:
    """What killed processes left half-written anywhere below `folder`, STALE_SECONDS ago or more."""
    return [part for part in folder.rglob(".*.part") if _is_older(part, STALE_SECONDS)]


def _is_older(part: Path, seconds: float) -> bool:
    """Whether it was last changed so long ago; False if its writer has just finished and it is gone."""
    try:
        return time.time() - part.stat().st_mtime >= seconds
    except FileNotFoundError:
        return False


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
