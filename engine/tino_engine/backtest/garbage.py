"""Searching for cycles on the main thread only.

Python looks for unreachable cycles on whichever thread happens to allocate. Among them may be objects of NautilusTrader, which must not
be touched, nor even freed, on any other thread than the one that made them. So during a run the automatic search is off, and the
main thread searches now and then, for no more than a fiftieth of its time.
"""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERVAL_SECONDS = 1.0
_SHARE = 50


class Garbage:
    """Collects when `look` is called, if it is time."""

    def __init__(self) -> None:
        self._due = 0.0

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Switch the automatic search off meanwhile."""
        self._due = time.perf_counter() + _INTERVAL_SECONDS
        gc.disable()
        try:
            yield
        finally:
            gc.enable()

    def look(self) -> None:
        """Collect if the last time is long enough ago, for what it took. On the main thread."""
        now = time.perf_counter()
        if now >= self._due:
            gc.collect()
            taken = time.perf_counter() - now
            self._due = now + max(_INTERVAL_SECONDS, _SHARE * taken)
