"""A rate limit for coroutines: a token bucket."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class TokenBucket:
    """Gives `rate` tokens a second and saves up at most `burst`. Callers are served in order of arrival."""

    def __init__(
        self,
        rate: float,
        *,
        burst: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.seconds_per_token = 1 / rate
        self.max_saved_seconds = (burst - 1) * self.seconds_per_token
        self._clock, self._sleep = clock, sleep
        self._next_token_at = clock() - self.max_saved_seconds  # when the next token is there

    async def take_token(self) -> None:
        """Takes one token; waits until it is available."""
        now = self._clock()
        self._next_token_at = max(self._next_token_at, now - self.max_saved_seconds)
        wait = self._next_token_at - now
        self._next_token_at += self.seconds_per_token
        if wait > 0:
            await self._sleep(wait)

    def pause_for(self, seconds: float) -> None:
        """Gives out no tokens for the next `seconds`, because the server asked for it."""
        self._next_token_at = max(self._next_token_at, self._clock() + seconds)
