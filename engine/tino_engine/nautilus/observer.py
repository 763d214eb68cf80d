"""Takes down the bars that NautilusTrader makes itself in a run (INTERNAL), from ticks or from finer bars.

They are nowhere stored before, and its cache keeps the last ones only. An actor beside the strategies subscribes to them as these do.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
from nautilus_trader.common import DataActor
from nautilus_trader.model import BarType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.data.decimate import Columns


class Observer(DataActor):
    """Subscribes to bar types, each made from others or from ticks, and keeps what comes."""

    def __new__(cls, *_arguments: Any) -> Observer:
        """Make it; NautilusTrader's own constructor takes a configuration."""
        return super().__new__(cls)

    def __init__(self, bar_types: Sequence[str]) -> None:
        super().__init__()
        self._types = [BarType.from_str(text) for text in bar_types]
        self._kept = {
            str(kind.standard()): tuple(array("q" if n == 0 else "d") for n in range(6)) for kind in self._types
        }

    def on_start(self) -> None:
        """Subscribe."""
        for kind in self._types:
            self.subscribe_bars(kind)

    def on_bar(self, bar: Any) -> None:
        """Keep a bar."""
        values = (bar.ts_event, bar.open, bar.high, bar.low, bar.close, bar.volume)
        for column, value in zip(self._kept[str(bar.bar_type)], values, strict=True):
            column.append(value if isinstance(value, int) else float(str(value)))

    def columns(self, bar_type: str) -> Columns:
        """Give the bars of a type: `ts` (int64, nanoseconds) and prices and volumes (float64)."""
        kept = self._kept[bar_type.partition("@")[0]]
        names = ("ts", "open", "high", "low", "close", "volume")
        return {name: np.array(column) for name, column in zip(names, kept, strict=True)}
