"""How far a run is, as its viewers see it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from tino_engine.contracts import RunProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

_TELLING_SECONDS = 0.05
"""A rate measured over less says nothing."""


class Progress:
    """Words a run's progress and hands it to `send`."""

    def __init__(self, send: Callable[[RunProgress], None]) -> None:
        self._send = send
        self._times = np.empty(0, np.int64)
        self._started = 0.0

    def prepare(self) -> None:
        """Say that the run is being prepared; how many bars it has is not known yet."""
        self._say("preparing", 0, None)

    def start(self, times: np.ndarray) -> None:
        """Say that the bars begin. `times` are those of all bars of all series (int64, nanoseconds), rising."""
        self._times = times
        self._started = time.perf_counter()
        self._say("running", 0, None)

    def reach(self, ts: int) -> None:
        """Say that the run has come to this time."""
        done = int(np.searchsorted(self._times, ts, side="right"))
        elapsed = time.perf_counter() - self._started
        self._say("running", done, done / elapsed if done and elapsed >= _TELLING_SECONDS else None)

    def write(self) -> None:
        """Say that the result is being written."""
        self._say("writing", len(self._times), None)

    def _say(self, phase: Literal["preparing", "running", "writing"], done: int, rate: float | None) -> None:
        total = len(self._times)
        self._send(
            RunProgress(
                phase=phase,
                bars_done=done,
                bars_total=total,
                bars_per_second=rate,
                remaining_ms=None if rate is None else round((total - done) / rate * 1000),
            )
        )
