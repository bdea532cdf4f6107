"""The list of users of data sets who are to be forgotten: the graph leaves their rows out of what it reads."""

import csv
import dataclasses
import hashlib
from pathlib import Path

from filelock import FileLock

from movierec.bundles.atomic_write import atomic_write
from resources.sources.dataset import Dataset
from resources.sources.sources import acquire_dataset

HEADER = ["source", "user_id"]


def read_forgotten_users(file: Path, source: str) -> tuple[int, ...]:
    """The ids of the users of this source that are on the list, in their order; none without a list."""
    if not file.is_file():
        return ()
    with file.open(newline="") as lines:
        return tuple(sorted({int(row["user_id"]) for row in csv.DictReader(lines) if row["source"] == source}))


def add_forgotten_user(file: Path, source: str, user_id: int) -> None:
    """Puts the user on the list, once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f"{file.name}.lock")):
        rows = list(csv.reader(file.read_text().splitlines()))[1:] if file.is_file() else []
        wanted = [source, str(user_id)]
        with atomic_write(file) as part, part.open("w", newline="") as lines:
            csv.writer(lines).writerows([HEADER, *(row for row in rows if row != wanted), wanted])


def acquire_remaining_dataset(source: str, raw: Path, forgotten: Path) -> Dataset:
    """The data set of the source with the users to leave out, which are part of its version. Raises SourceError."""
    found = acquire_dataset(source, raw)
    users = read_forgotten_users(forgotten, found.name)
    if not users:
        return found
    version = hashlib.sha256(f"{found.version} {users}".encode()).hexdigest()[: len(found.version)]
    return dataclasses.replace(found, version=version, forgotten_users=users)
