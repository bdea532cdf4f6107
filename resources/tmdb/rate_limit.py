"""A token bucket for coroutines: so many a second, a few at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up; who comes too early waits in the order of coming."""

    def __init__(
        self,
        rate: float,
        *,
        burst: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.interval = 1 / rate
        self.saved = (burst - 1) * self.interval
        self._clock, self._sleep = clock, sleep
        self._next = clock() - self.saved  # when the next token is there

    async def take(self) -> None:
        now = self._clock()
        self._next = max(self._next, now - self.saved)
        wait = self._next - now
        self._next += self.interval
        if wait > 0:
            await self._sleep(wait)

    def pause(self, seconds: float) -> None:
        """Gives no more tokens for so long: the other side asked for it."""
        self._next = max(self._next, self._clock() + seconds)
