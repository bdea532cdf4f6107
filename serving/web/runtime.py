"""How the process serves: what was opened at the start is left alone, and a request takes one core."""

import ctypes
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

from movierec.bundles.versioned_folders import BundleError, Live

log = logging.getLogger(__name__)

M_ARENA_MAX, ARENAS = -8, 2  # as malloc.h of glibc names it


@contextmanager
def ready(*published: Live[Any]) -> Iterator[None]:
    """Opens what is published before a request has to wait for it.

    Requests share the cores, so none multiplies matrices on all of them: threads that wait for each other are slower
    than one.
    """
    keep_few_arenas()
    for live in published:
        live.settle = leave_alone
        try:
            log.info("serving %s from %s", live().version, live.home)
        except BundleError as error:
            log.warning("%s", error)
    with threadpool_limits(1):
        yield
    gc.unfreeze()


def keep_few_arenas() -> None:
    """glibc would keep memory that was freed for each thread apart; other C libraries are left as they are."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


def leave_alone() -> None:
    """What lives now stays for long: walking through it costs the garbage collector, and a request, a tenth of a
    second each time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
