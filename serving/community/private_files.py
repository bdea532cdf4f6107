"""Files that only the owner of the process may read."""

import logging
import os
import stat
from pathlib import Path

log = logging.getLogger(__name__)

OWNER_ONLY = 0o600


def create_private_file(file: Path) -> None:
    """Creates an empty file that only its owner may read from its first moment. Raises FileExistsError."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))


def restrict_to_owner(file: Path) -> None:
    """Takes the rights of all others on the file. If the system refuses, because it is somebody else's, logs that."""
    if stat.S_IMODE(file.stat().st_mode) & ~OWNER_ONLY:
        try:
            file.chmod(OWNER_ONLY)
        except OSError as error:
            log.warning("others can read %s: %s", file, error)
