"""Image files on disk, limited in bytes. Several processes may share the folder."""

import logging
import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from movierec.bundles.atomic_write import atomic_write
from movierec.tmdb.images import MAX_AGE_DAYS

log = logging.getLogger(__name__)

KEPT_SHARE = 0.9  # of the bound is kept when it is passed, so that not every new image counts the files
STALE_PART_SECONDS = 3600  # so old, what somebody began to write is left by a killed process
MAX_AGE_SECONDS = timedelta(days=MAX_AGE_DAYS).total_seconds()


class ImageCache:
    """Holds at most `max_bytes`; removes the files that were unused for longest.

    The mtime of a file is the time it was fetched, its atime the last use. The cache sets both itself, because many
    disks do not record access times.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes

    def read_image(self, name: str) -> bytes | None:
        """The image; None if it is missing, unreadable, or older than MAX_AGE_SECONDS."""
        file = self.folder / name
        try:
            content, fetched = file.read_bytes(), file.stat().st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be used: %s", file, error)
            return None
        if time.time() - fetched > MAX_AGE_SECONDS:
            return None
        with suppress(OSError):  # a folder that may only be read shows its images all the same
            os.utime(file, (time.time(), fetched))
        return content

    def write_image(self, name: str, content: bytes, *, original: Path | None = None) -> None:
        """Writes the image. Raises OSError if the disk refuses.

        An image made from `original` gets that file's time of fetching.
        """
        with atomic_write(self.folder / name) as part:
            part.write_bytes(content)
            if original:
                os.utime(part, ns=(time.time_ns(), original.stat().st_mtime_ns))
        self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._list_files())
        too_much = sum(size for _, size, _ in files)
        if too_much <= self.max_bytes:
            return
        for _, size, file in files:
            if too_much <= self.max_bytes * KEPT_SHARE:
                return
            file.unlink(missing_ok=True)
            too_much -= size

    def _list_files(self) -> list[tuple[float, int, Path]]:
        """Time of last use, bytes and path of each file; without files that are being written or were just deleted."""
        found = []
        for entry in os.scandir(self.folder):
            try:
                stat = entry.stat()
            except FileNotFoundError:
                continue
            is_being_written = entry.name.startswith(".") and time.time() - stat.st_mtime < STALE_PART_SECONDS
            if is_being_written:
                continue
            found.append((stat.st_atime, stat.st_size, Path(entry.path)))
        return found
