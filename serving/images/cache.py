"""Images on disk within a bound; several processes may share the folder."""

import logging
import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from movierec.bundles.bundle import atomic
from movierec.tmdb.images import KEPT_DAYS

log = logging.getLogger(__name__)

ROOM = 0.9  # of the bound is kept when it is passed, so that not every new image counts the files
STALE_SECONDS = 3600  # so old, what somebody began to write is left by a killed process
KEPT_SECONDS = timedelta(days=KEPT_DAYS).total_seconds()


class ImageCache:
    """At most `max_bytes`; the longest unused go first.

    A file's mtime says when it was fetched, its atime when it was last used: we set it ourselves, as most disks do not.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes

    def get(self, name: str) -> bytes | None:
        """None for what is not there or was fetched too long ago."""
        file = self.folder / name
        try:
            content, fetched = file.read_bytes(), file.stat().st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be used: %s", file, error)
            return None
        if time.time() - fetched > KEPT_SECONDS:
            return None
        with suppress(OSError):  # a folder that may only be read shows its images all the same
            os.utime(file, (time.time(), fetched))
        return content

    def put(self, name: str, content: bytes, *, made_of: Path | None = None) -> None:
        """Raises OSError where the disk does not take it. What is `made_of` another file is as old as that one."""
        with atomic(self.folder / name) as part:
            part.write_bytes(content)
            if made_of:
                os.utime(part, ns=(time.time_ns(), made_of.stat().st_mtime_ns))
        self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._files())
        too_much = sum(size for _, size, _ in files)
        if too_much <= self.max_bytes:
            return
        for _, size, file in files:
            if too_much <= self.max_bytes * ROOM:
                return
            file.unlink(missing_ok=True)
            too_much -= size

    def _files(self) -> list[tuple[float, int, Path]]:
        """When last used, bytes and path of each; what another process deletes meanwhile is left out."""
        found = []
        for entry in os.scandir(self.folder):
            try:
                stat = entry.stat()
            except FileNotFoundError:
                continue
            is_being_written = entry.name.startswith(".") and time.time() - stat.st_mtime < STALE_SECONDS
            if is_being_written:
                continue
            found.append((stat.st_atime, stat.st_size, Path(entry.path)))
        return found
