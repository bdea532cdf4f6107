"""Measures the peak memory of a block of code."""

import threading
from types import TracebackType
from typing import Self

SAMPLING_SECONDS = 0.02


class PeakMemory:
    """Context manager that samples the process's resident memory 50 times a second.

    Afterwards `peak_mb` is the highest increase over the value at the start, in 10^6 bytes. It is 0 if memory that was
    freed before was enough.
    """

    peak_mb = 0.0

    def __enter__(self) -> Self:
        import psutil

        self._rss = psutil.Process().memory_info
        self._before = self._rss().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll_memory, name="peak-memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._update_peak()

    def _poll_memory(self) -> None:
        while not self._stop.wait(SAMPLING_SECONDS):
            self._update_peak()

    def _update_peak(self) -> None:
        self.peak_mb = max(self.peak_mb, (self._rss().rss - self._before) / 1e6)
