"""Children that are there when needed: one of a kind, or a warm spare.

A run gets a process of its own, because strategies leave traces in theirs. Starting one costs a third of a second, so one
is kept ready with everything imported. The next spare is started when the run that took the last one has ended, not at once: on
a small machine the two would slow each other at the worst moment.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tino_engine import log
from tino_engine.errors import TinoError
from tino_engine.workers.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable

logger = log.get("workers")


class Single:
    """A child of which there is at most one, started when first asked for and again when it has died."""

    def __init__(self, role: str, on_start: Callable[[Child], None] | None = None) -> None:
        self.role = role
        self._on_start = on_start
        self._child: Child | None = None
        self._starting = asyncio.Lock()

    async def get(self) -> Child:
        """Give the running child, ready to be called."""
        async with self._starting:
            if self._child is None or self._child.gone.is_set():
                self._child = await Child.spawn(self.role)
                if self._on_start is not None:
                    self._on_start(self._child)
            await self._child.ready()
            return self._child

    @property
    def running(self) -> Child | None:
        """The child, if it is there."""
        return self._child if self._child is not None and not self._child.gone.is_set() else None

    async def close(self) -> None:
        """End it."""
        if self._child is not None:
            await self._child.close()


class Spare:
    """Backtest workers: one warm, any number taken."""

    def __init__(self) -> None:
        self._warm: Child | None = None
        self._closed = False
        self._starting = asyncio.Lock()

    async def warm_up(self) -> None:
        """Start a spare unless there is one. Eight clients that come back at once make one, not eight."""
        async with self._starting:
            if self._closed or (self._warm is not None and not self._warm.gone.is_set()):
                return
            try:
                self._warm = await Child.spawn("work")
            except TinoError as error:
                # The run that needs it will fail with the same error, where somebody sees it.
                logger.warning("spare_not_started", reason=error.body.message)

    async def take(self) -> Child:
        """Give a worker that nobody else has."""
        child, self._warm = self._warm, None
        if child is None or child.gone.is_set():
            child = await Child.spawn("work")
        return child

    @property
    def running(self) -> Child | None:
        """The spare, if it is there."""
        return self._warm if self._warm is not None and not self._warm.gone.is_set() else None

    async def close(self) -> None:
        """End the spare; taken workers are their takers' business."""
        self._closed = True
        async with self._starting:
            if self._warm is not None:
                await self._warm.close()
