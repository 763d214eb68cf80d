"""The one place that reads time for supervision, so that a test can turn it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that only runs forward, one that people read."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps; differences only."""
        ...

    def now_ms(self) -> int:
        """Milliseconds since the epoch; may step either way."""
        ...


class SystemClock:
    """The machine's."""

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def now_ms(self) -> int:
        """See `Clock`."""
        return time.time_ns() // 1_000_000
