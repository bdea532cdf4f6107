"""A data set on this machine: its folder, its name, and a version made of its files."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from movierec.bundles.atomic_write import atomic_write, sweep_parts

CSV_FILES = ("ratings.csv", "movies.csv", "tags.csv", "links.csv")
_REQUIRED_FILES = ("ratings.csv", "movies.csv")

ProgressCallback = Callable[[int, int], None]  # bytes done, bytes in all


class SourceError(RuntimeError):
    """The data of a source is not available. The message says what to do."""


@dataclass(frozen=True)
class Dataset:
    """A folder of MovieLens CSV files. `version` is a hash of their contents and of `forgotten_users`."""

    name: str
    folder: Path
    version: str
    description: str  # one sentence, for people
    forgotten_users: tuple[int, ...] = ()  # their rows are not read

    def save(self, directory: Path) -> None:
        """Writes dataset.json into the directory."""
        content = asdict(self) | {"folder": str(self.folder)}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (directory / "dataset.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Reads dataset.json from the directory."""
        content = json.loads((directory / "dataset.json").read_text(encoding="utf-8"))
        users = tuple(content.get("forgotten_users", ()))
        return cls(**content | {"folder": Path(content["folder"]), "forgotten_users": users})


def _compute_fingerprint(folder: Path) -> str:
    """First 16 hex digits of a SHA-256 over names and contents of the CSV files."""
    every = hashlib.sha256()
    for name in CSV_FILES:
        if (folder / name).is_file():
            every.update(f"{name} {_hash_file(folder / name, 'sha256')}\n".encode())
    return every.hexdigest()[:16]


def _hash_file(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


# --- folders that are whole or not there ---


def _is_complete(folder: Path, mark: str) -> bool:
    marker = folder / ".complete"
    return (
        marker.is_file()
        and marker.read_text(encoding="utf-8") == mark
        and all((folder / name).is_file() for name in _REQUIRED_FILES)
    )


@contextmanager
def _replace_folder(folder: Path, mark: str) -> Iterator[Path]:
    """Gives a new empty folder that replaces `folder` when the block ends without an error.

    The file `.complete`, with `mark` as its text, is written last. Only one process may do this at a time: what others
    left unfinished is deleted.
    """
    sweep_parts(folder.parent, name=folder.name, older_than=0)
    with atomic_write(folder) as new:
        new.mkdir()
        yield new
        (new / ".complete").write_text(mark, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
