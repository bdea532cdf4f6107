"""A check that may take long, asked often: it runs in a thread of its own and its result is kept for a while."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class BackgroundCheck:
    """Runs `check` at most once in `max_age` seconds; whoever asks waits for at most `wait` seconds.

    `check` gives a fault or None. One that does not end in time counts as the fault `when_late`.
    """

    def __init__(
        self, check: Callable[[], str | None], *, when_late: str, max_age: float = 2, wait: float = 1.5
    ) -> None:
        self.check, self.when_late, self.max_age, self.wait = check, when_late, max_age, wait
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._asked: Future[str | None] | None = None
        self._asked_at = float("-inf")

    async def find_fault(self) -> str | None:
        """The fault, None without one."""
        is_old = time.monotonic() - self._asked_at >= self.max_age
        if self._asked is None or (self._asked.done() and is_old):
            self._asked, self._asked_at = self._pool.submit(self.check), time.monotonic()
        await asyncio.wait([asyncio.wrap_future(self._asked)], timeout=self.wait)
        return self._asked.result() if self._asked.done() else self.when_late
