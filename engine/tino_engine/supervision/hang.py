"""An event loop that hangs leaves its stacks behind, and does not stay for ever.

Whoever hangs cannot say so. A thread of its own looks every second whether the loop has ticked. After seven seconds without a
tick it writes the stacks of all threads into a file; clients meanwhile find that nothing answers and replace the engine
(`extension/supervisor/watchdog.ts`), so the next one finds the file and puts its content into the log; an engine that came to
itself again does that on its own. After a minute no client did: there is none, and none would be missed by an engine that
cannot count them. Then it ends itself.

*The machine slept, or the process was stopped.* The thread slept as well. A gap between two looks counts as one look, as it
does for clients (`Patience` in `extension/supervisor/clock.ts`): nothing is written and nobody ends.
*A library keeps the interpreter's lock and the thread cannot look.* A timer of the interpreter in C, set again with each look,
writes the stacks without that lock. It is the last resort, because it reads frames that other threads may be changing, and
has crashed an engine by that: it must not be what runs when the thread can. Such an engine ends by nobody's hand but a client's.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from typing import TYPE_CHECKING

from tino_engine import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from tino_engine.supervision.clock import Clock

HANG_SECONDS = 7
"""Less than clients wait for a sign (`HANG_MS` in `extension/supervisor/watchdog.ts`): the stacks are written before one ends it."""
LOCKED_SECONDS = 9
"""More than that, and less than clients wait, counted from the last look of the thread."""
END_SECONDS = 60
"""By then every client would have ended it."""
LOOK_SECONDS = 1
LONGEST_STEP_SECONDS = 2 * LOOK_SECONDS
EXIT_HUNG = 1

logger = log.get("supervision")


class HangWatch:
    """The thread, from `start` to `close`. In between `tick` has to be called by the loop, once a second or so."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        end: Callable[[int], object] = os._exit,
        locked_seconds: float = LOCKED_SECONDS,
    ) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._clock = clock
        self._end = end
        self._locked_seconds = locked_seconds
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._ticks = 0
        self._ticks_seen = 0
        self._quiet = 0.0
        self._looked_at = clock.monotonic()
        self._written = False
        self._over = threading.Event()
        self._looking = threading.Lock()

    def start(self) -> None:
        """Watch from now on. Takes the place of any timer that `faulthandler` has."""
        self._looked_at = self._clock.monotonic()
        self.look()
        threading.Thread(target=self._watch, name="hang watch", daemon=True).start()

    def close(self) -> None:
        """Watch no more; a timer of `faulthandler` that is set afterwards stays as it is."""
        self._over.set()
        with self._looking:
            faulthandler.cancel_dump_traceback_later()

    def tick(self) -> None:
        """Say that the loop goes round, and put what was left behind into the log."""
        self._ticks += 1
        if os.fstat(self._descriptor).st_size > 0:
            stacks = self._path.read_text(encoding="utf-8", errors="replace")
            os.ftruncate(self._descriptor, 0)
            logger.error("no_tick", seconds=HANG_SECONDS, stacks=stacks)

    def look(self) -> None:
        """Look once, as the thread does each second."""
        with self._looking:
            if self._over.is_set():
                return
            faulthandler.dump_traceback_later(self._locked_seconds, file=self._descriptor)
            now = self._clock.monotonic()
            step = min(now - self._looked_at, LONGEST_STEP_SECONDS)
            self._looked_at = now
            ticks = self._ticks
            if ticks != self._ticks_seen:
                self._ticks_seen, self._quiet, self._written = ticks, 0.0, False
                return
            self._quiet += step
            if self._quiet >= HANG_SECONDS and not self._written:
                self._written = True
                self._leave(_stacks())
            if self._quiet >= END_SECONDS:
                self._leave("Nobody ended this engine, so it ended itself.\n")
                self._end(EXIT_HUNG)

    def _leave(self, text: str) -> None:
        # A full disk costs the stacks, not the watch.
        with contextlib.suppress(OSError):
            os.write(self._descriptor, text.encode())

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()


def _stacks() -> str:
    """Give the stacks of all threads but this one, innermost first, in the words of `faulthandler`."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    current = sys._current_frames()  # noqa: SLF001 - documented, and the only way to other threads' frames
    frames = [(ident, frame) for ident, frame in current.items() if ident != threading.get_ident()]
    return "\n".join(
        f"Thread 0x{ident:x} [{names.get(ident, '?')}] (most recent call first):\n{_stack(frame)}"
        for ident, frame in frames
    )


def _stack(frame: FrameType | None) -> str:
    lines = []
    while frame is not None:
        lines.append(f'  File "{frame.f_code.co_filename}", line {frame.f_lineno} in {frame.f_code.co_qualname}\n')
        frame = frame.f_back
    return "".join(lines)
