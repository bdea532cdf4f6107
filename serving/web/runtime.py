"""Settings of the serving process: garbage collection, memory arenas and threads of NumPy."""

import ctypes
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

from movierec.bundles.versioned_folders import BundleError, LiveVersion

log = logging.getLogger(__name__)

M_ARENA_MAX, MAX_ARENAS = -8, 2  # as malloc.h of glibc names it


@contextmanager
def prepare_process(*published: LiveVersion[Any]) -> Iterator[None]:
    """Opens what is published, and limits NumPy to one thread for each request while the context is open.

    Requests already run in parallel; several threads for each would only wait for each other.
    """
    limit_malloc_arenas()
    for live in published:
        live.on_open = freeze_heap
        try:
            log.info("serving %s from %s", live().version, live.home)
        except BundleError as error:
            log.warning("%s", error)
    with threadpool_limits(1):
        yield
    gc.unfreeze()


def limit_malloc_arenas() -> None:
    """Limits glibc to MAX_ARENAS memory arenas, so that freed memory is reused. Does nothing with other C libraries."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, MAX_ARENAS)


def freeze_heap() -> None:
    """Excludes all current objects from garbage collection. Scanning them would cost about 0.1 s each time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
