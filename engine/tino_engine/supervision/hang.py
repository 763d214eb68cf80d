"""An event loop that hangs leaves its stacks behind.

Whoever hangs cannot say so: a timer of the interpreter's own, set again with each tick of the engine's watch, writes the
stacks of all threads into a file when no tick came for seven seconds. It is a thread in C that needs no lock of Python's, so
it works while a library holds that too. Clients meanwhile find that nothing answers and replace the engine
(`extension/client/engineLink.ts`), so the next one finds the file and puts its content into the log; an engine that came
to itself again does that on its own. An engine that was stopped or slept through a suspend leaves the same trace when it
wakes up, which is why the record says only that there was no tick.
"""

from __future__ import annotations

import faulthandler
import os
from typing import TYPE_CHECKING

from tino_engine import log

if TYPE_CHECKING:
    from pathlib import Path

HANG_SECONDS = 7
"""Less than clients wait for a sign (`HANG_MS` in `extension/supervisor/watchdog.ts`): the stacks are written before one ends it."""

logger = log.get("supervision")


class HangDump:
    """The timer. `tick` has to be called more often than every `seconds`, until the process ends or sets another one."""

    def __init__(self, path: Path, seconds: float = HANG_SECONDS) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._seconds = seconds
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)

    def tick(self) -> None:
        """Put what was left behind into the log, and set the timer again."""
        if os.fstat(self._descriptor).st_size > 0:
            stacks = self._path.read_text(encoding="utf-8", errors="replace")
            os.ftruncate(self._descriptor, 0)
            logger.error("no_tick", seconds=self._seconds, stacks=stacks)
        faulthandler.dump_traceback_later(self._seconds, file=self._descriptor)
