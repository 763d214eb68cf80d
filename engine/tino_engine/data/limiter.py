"""The one limit of a provider: how often it is asked, by all windows and downloads together.

A permit is given when the time that the one before costs is over, in the order of asking. When a source says that it was asked too
often, nobody is let through until the time that it names.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Limiter:
    """Lets requests to one provider through."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._free = 0.0
        self._turn = asyncio.Lock()

    async def permit(self, seconds: float) -> None:
        """Wait until a request may be sent that keeps the others waiting for so many seconds."""
        async with self._turn:
            # Looked at again after each pause: somebody may have been told to wait in the meantime.
            while (wait := self._free - self._clock()) > 0:
                await self._sleep(wait)
            self._free = self._clock() + seconds

    def hold(self, seconds: float) -> None:
        """Let nobody through for so many seconds."""
        self._free = max(self._free, self._clock() + seconds)
