"""An archive of files: a compressed tar with a manifest that has the size and SHA-256 of each."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from movierec.bundles.atomic_write import atomic_write
from movierec.bundles.versioned_folders import hash_file
from serving.community.private_files import OWNER_ONLY, create_private_file

FORMAT = 1
MANIFEST = "manifest.json"


class UpkeepError(RuntimeError):
    """Something cannot be backed up, restored or forgotten; the message says why and what to do."""


def write_archive(target: Path, files: Mapping[str, Path], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the files, by their names in the archive, and reads all of it again as a check. Returns the manifest.

    Only the owner may read the archive. It appears whole or not at all.
    """
    described = {name: {"bytes": path.stat().st_size, "sha256": hash_file(path)} for name, path in files.items()}
    manifest = {"format": FORMAT, **facts, "files": described}
    with atomic_write(target) as part:
        create_private_file(part)
        with tarfile.open(part, "w:gz") as archive:
            content = json.dumps(manifest, indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size, entry.mode = len(content), OWNER_ONLY
            archive.addfile(entry, io.BytesIO(content))
            for name, path in files.items():
                archive.add(path, name, recursive=False)
        extract_archive(part)
    return manifest


def extract_archive(file: Path, into: Path | None = None) -> dict[str, Any]:
    """Checks every file against the manifest, and writes them below `into` if it is given. Returns the manifest.

    Raises UpkeepError if the archive is damaged, of another format, or holds a file that is not in its manifest.
    """
    try:
        with tarfile.open(file, "r:gz") as archive:
            manifest = _read_manifest(archive, file)
            missing = dict(manifest["files"])
            for entry in archive:
                _extract_entry(archive, entry, missing, into)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
        raise UpkeepError(f"{file} cannot be read: {error}") from error
    if missing:
        raise UpkeepError(f"{file} lacks {', '.join(sorted(missing))}")
    return manifest


def _read_manifest(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    entry = archive.next()
    content = archive.extractfile(entry) if entry is not None and entry.name == MANIFEST else None
    if content is None:
        raise UpkeepError(f"{file} is no backup: it does not begin with {MANIFEST}")
    manifest: dict[str, Any] = json.loads(content.read())
    if manifest.get("format") != FORMAT:
        raise UpkeepError(f"{file} has format {manifest.get('format')}, this code reads {FORMAT}")
    return manifest


def _extract_entry(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, missing: dict[str, Any], into: Path | None
) -> None:
    if entry.name == MANIFEST:
        return
    described, content = missing.pop(entry.name, None), archive.extractfile(entry) if entry.isreg() else None
    place = PurePosixPath(entry.name)
    if described is None or content is None or place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{entry.name} does not belong to it")
    digest, target = hashlib.sha256(), None
    if into is not None:
        path = into / place
        path.parent.mkdir(parents=True, exist_ok=True)
        create_private_file(path)
        target = path.open("wb")
    try:
        while piece := content.read(2**20):
            digest.update(piece)
            if target is not None:
                target.write(piece)
    finally:
        if target is not None:
            target.close()
    if digest.hexdigest() != described["sha256"]:
        raise ValueError(f"{entry.name} is not what the manifest says")
