"""How many bars a strategy's indicators need before they have values.

Nothing tells it: some need their period, some twice that, some a sum of two. So each is fed with bars until it is ready, and reset.
Known are the indicators that a strategy has when it is made; those it makes in `on_start` are not there yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nautilus_trader.model import Bar, BarType, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MOST = 20_000
"""Bars after which an indicator counts as one that bars do not feed."""

_BAR_TYPE = BarType.from_str("WARM.UP-1-DAY-LAST-EXTERNAL")
_BARS = [
    Bar(_BAR_TYPE, Price(100, 2), Price(102, 2), Price(98, 2), Price(close, 2), Quantity(1000, 0), ts, ts)
    for ts, close in enumerate((101.0, 99.5, 100.5, 99.0))
]


def count_needed(strategy: object) -> int:
    """Give the bars that the slowest of a strategy's indicators needs; none without indicators."""
    return max(map(_count, _indicators(strategy)), default=0)


def _indicators(strategy: object) -> Iterator[Any]:
    for kept in vars(strategy).values():
        entries = kept.values() if isinstance(kept, dict) else kept if isinstance(kept, list | tuple) else (kept,)
        for entry in entries:
            if type(entry).__module__ == "nautilus_trader.indicators" and hasattr(entry, "handle_bar"):
                yield entry


def _count(indicator: Any) -> int:
    fed = 0
    try:
        while not indicator.initialized and fed < MOST:
            indicator.handle_bar(_BARS[fed % len(_BARS)])
            fed += 1
    except (NotImplementedError, TypeError, ValueError):
        fed = MOST  # It takes something else than bars.
    indicator.reset()
    return fed if fed < MOST else 0
