"""`python -m serving.upkeep.restore FILE` puts a backup back. What it replaces stays beside it under another name."""

import argparse
import filecmp
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL

from movierec.bundles.atomic_write import atomic_write
from movierec.settings import Settings
from serving.community.database import build_alembic_config, build_database_url, find_sqlite_file
from serving.community.private_files import create_private_file
from serving.upkeep.archive import UpkeepError, extract_archive
from serving.upkeep.backup import FILES_PREFIX, POSTGRES_NAME, REPLACED_MARK, SQLITE_NAME, describe_manifest
from serving.upkeep.database_copies import (
    check_postgres_dump,
    check_sqlite_copy,
    close_sqlite,
    describe_database,
    restore_postgres,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code: 0, 1 if nothing was restored, 2 if a variable cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m serving.upkeep.restore", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment_or_exit()
    try:
        manifest = restore(settings, given.file, now=datetime.now(UTC), overwrite=given.overwrite)
    except UpkeepError as error:
        sys.stderr.write(f"nothing was restored: {error}\n")
        return 1
    sys.stdout.write(f"restored {given.file}\n{describe_manifest(manifest)}\n")
    return 0


def restore(settings: Settings, file: Path, *, now: datetime, overwrite: bool = False) -> dict[str, Any]:
    """Checks the whole archive, and only then replaces database and files. Returns the manifest.

    Without `overwrite`, raises UpkeepError if anything is there that it would replace. If a step fails, the steps
    before it are taken back. What was replaced stays beside it, as `<name>.before-<time>`; tables of PostgreSQL do not.
    """
    home, url = settings.layout.home, build_database_url(settings)
    database = find_sqlite_file(url)
    home.mkdir(parents=True, exist_ok=True)
    staging = home / f".restore-{now:%Y%m%dT%H%M%SZ}"
    try:
        manifest = extract_archive(file, staging)
        check_revision(manifest)
        copy = find_copy(staging, SQLITE_NAME if database else POSTGRES_NAME)
        moves = {path: home / path.relative_to(staging / FILES_PREFIX) for path in list_staged_files(staging)}
        if database:
            check_sqlite_copy(copy)
            moves[copy] = database
        else:
            check_postgres_dump(copy)
        if not overwrite:
            refuse_if_taken(moves.values(), None if database else url)
        if database and database.is_file():
            close_sqlite(database)
        with ExitStack() as undo:
            for source, target in sort_moves(moves):
                replace_file(source, target, now, undo)
            if database is None:
                restore_postgres(url, copy)
            undo.pop_all()
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def check_revision(manifest: dict[str, Any]) -> None:
    """Raises UpkeepError if the backup has a schema that this code does not know. The site migrates an older one."""
    known = {script.revision for script in ScriptDirectory.from_config(build_alembic_config()).walk_revisions()}
    if manifest["revision"] not in known:
        raise UpkeepError(f"the backup has schema {manifest['revision']}, made by a newer version of the site")


def find_copy(staging: Path, name: str) -> Path:
    """The copy of the database. Raises UpkeepError if the backup is of the other kind of database."""
    if not (staging / name).is_file():
        kind = "SQLite" if name == POSTGRES_NAME else "PostgreSQL"
        raise UpkeepError(f"the backup is of {kind}, and MOVIEREC_DATABASE_URL names the other kind of database")
    return staging / name


def list_staged_files(staging: Path) -> list[Path]:
    """The extracted files that have a place below the home."""
    return [path for path in sorted((staging / FILES_PREFIX).rglob("*")) if path.is_file()]


def sort_moves(moves: dict[Path, Path]) -> list[tuple[Path, Path]]:
    """The moves, with those of CURRENT last: a pointer must not name a version that is not whole."""
    return sorted(moves.items(), key=lambda move: (move[1].name == "CURRENT", str(move[1])))


def refuse_if_taken(targets: Iterable[Path], url: URL | None) -> None:
    """Raises UpkeepError if one of the files is there, or if the PostgreSQL database has rows of the site."""
    taken = [str(path) for path in targets if path.exists()]
    if url is not None and any(describe_database(url)[1].values()):
        taken.append("rows in PostgreSQL")
    if taken:
        raise UpkeepError(f"there are {', '.join(taken[:3])} already; OVERWRITE=1 replaces them")


def replace_file(source: Path, target: Path, now: datetime, undo: ExitStack) -> None:
    """Puts a copy of the file in its place; `undo` takes that back. A file of the same content is left as it is."""
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    if target.exists():
        before = target.with_name(f"{target.name}{REPLACED_MARK}{now:%Y%m%dT%H%M%SZ}")
        target.replace(before)
        undo.callback(before.replace, target)
    else:
        undo.callback(target.unlink, missing_ok=True)
    with atomic_write(target) as part:
        create_private_file(part)
        shutil.copyfile(source, part)


if __name__ == "__main__":
    sys.exit(main())
