"""Where ratings come from: the demo, a MovieLens archive that is downloaded and verified, or a folder of CSV files."""

from collections.abc import Mapping
from pathlib import Path

from resources.sources.archives import ARCHIVES, GROUPLENS_URL, Archive, _acquire_archive
from resources.sources.dataset import _REQUIRED_FILES, Dataset, ProgressCallback, SourceError, _compute_fingerprint
from resources.sources.demo import _acquire_demo


def acquire_dataset(
    source: str,
    raw: Path,
    *,
    base_url: str = GROUPLENS_URL,
    archives: Mapping[str, Archive] = ARCHIVES,
    progress: ProgressCallback | None = None,
) -> Dataset:
    """The data set named by `source`: `demo`, the name of an archive, or the path of a folder.

    Downloads and unpacked files are kept in `raw`, so that later calls need no network. A known name is preferred to a
    folder of that name; write ./demo for the folder. Raises SourceError.
    """
    if source != "demo" and source not in archives:
        return _use_folder(source, choices=("demo", *archives))
    from filelock import FileLock

    raw.mkdir(parents=True, exist_ok=True)
    with FileLock(raw / f"{source}.lock"):
        if source == "demo":
            folder, description = _acquire_demo(raw)
        else:
            archive = archives[source]
            folder, description = raw / source, archive.description
            _acquire_archive(archive, folder, f"{base_url.rstrip('/')}/{source}.zip", progress)
        return Dataset(source, folder, _compute_fingerprint(folder), description)


def _use_folder(source: str, *, choices: tuple[str, ...]) -> Dataset:
    folder = Path(source).expanduser()
    if not source or not folder.is_dir():
        raise SourceError(f"no source {source!r}: choose {', '.join(choices)}, or a directory with MovieLens CSV files")
    missing = [name for name in _REQUIRED_FILES if not (folder / name).is_file()]
    if missing:
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise SourceError(f"{folder} lacks {' and '.join(missing)}; in it: {found}")
    folder = folder.resolve()
    description = f"MovieLens-format files from the folder {folder.name}."
    return Dataset(folder.name, folder, _compute_fingerprint(folder), description)
