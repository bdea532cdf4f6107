"""`python -m serving.upkeep.backup FILE` writes what people left on the site, and what it needs to recognize them."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from movierec.bundles.versioned_folders import current_version
from movierec.settings import Settings
from serving.community.database import build_database_url, find_sqlite_file
from serving.community.engines import SIDE_FILES
from serving.upkeep.archive import UpkeepError, write_archive
from serving.upkeep.database_copies import copy_sqlite, describe_database, dump_postgres

SQLITE_NAME, POSTGRES_NAME = "database.sqlite", "database.dump"
FILES_PREFIX = "home/"  # of files that have a place below MOVIEREC_HOME
REPLACED_MARK = ".before-"  # in the names of files that a restore has replaced


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code: 0, 1 if nothing could be written, 2 if a variable cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m serving.upkeep.backup", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="by default in <home>/backups/, named after the time")
    parser.add_argument("--bundle", action="store_true", help="with the bundle and the companion that are served")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment_or_exit()
    now = datetime.now(UTC)
    target = given.file or settings.layout.backups / f"movierec-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    try:
        manifest = back_up(settings, target, now=now, with_bundle=given.bundle)
    except UpkeepError as error:
        sys.stderr.write(f"nothing was backed up: {error}\n")
        return 1
    sys.stdout.write(f"{target}\n{describe_manifest(manifest)}\n")
    return 0


def back_up(settings: Settings, target: Path, *, now: datetime, with_bundle: bool = False) -> dict[str, Any]:
    """Writes the archive and returns its manifest. The site may be at work: the database is copied as of one moment.

    Raises UpkeepError if there is no database, if it is damaged, or if `target` is there already.
    """
    if target.exists():
        raise UpkeepError(f"{target} is there already")
    url = build_database_url(settings)
    file = find_sqlite_file(url)
    if file is not None and not file.is_file():
        raise UpkeepError(f"{file} is missing")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:  # /tmp may be in memory
        copy = Path(folder, POSTGRES_NAME if file is None else SQLITE_NAME)
        if file is None:
            dump_postgres(url, copy)
            revision, counts = describe_database(url)
        else:
            copy_sqlite(file, copy)
            revision, counts = describe_database(url.set(database=str(copy)))
        files = {copy.name: copy} | list_files(settings, spared=file, with_bundle=with_bundle)
        facts = {"created_at": now.isoformat(timespec="seconds"), "revision": revision, "rows": counts}
        return write_archive(target, files, facts)


def list_files(settings: Settings, *, spared: Path | None, with_bundle: bool) -> dict[str, Path]:
    """Files by their names in the archive: those in the site's folder but the database, and those of the bundle."""
    layout = settings.layout
    databases = [path for path in (layout.site_database, spared) if path]
    omitted = {path.with_name(f"{path.name}{part}") for path in databases for part in ("", *SIDE_FILES)}
    in_folder = [path for path in sorted(layout.site_secret.parent.rglob("*")) if path.is_file()]
    found = [path for path in in_folder if path not in omitted and REPLACED_MARK not in path.name]
    if with_bundle:
        for versions in (layout.locate_bundles(settings.sample), layout.locate_companions(settings.sample)):
            current = current_version(versions)
            if current is None:
                raise UpkeepError(f"nothing is published in {versions}")
            found += [*(path for path in sorted(current.rglob("*")) if path.is_file()), versions / "CURRENT"]
    return {f"{FILES_PREFIX}{path.relative_to(layout.home).as_posix()}": path for path in found}


def describe_manifest(manifest: dict[str, Any]) -> str:
    """One line about what an archive holds."""
    rows = ", ".join(f"{n} {name}" for name, n in manifest["rows"].items())
    return f"of {manifest['created_at']}: {len(manifest['files'])} files; {rows}"


if __name__ == "__main__":
    sys.exit(main())
