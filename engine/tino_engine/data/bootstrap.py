"""Bars put together anew from blocks of stored ones: other prices that the same market could have had.

A bar counts by its prices over the close before it. Blocks of neighbouring bars are drawn with replacement, with lengths that are
geometrically distributed and wrap around at the end (the stationary bootstrap: D. N. Politis and J. P. Romano, Journal of the American
Statistical Association 89, 1994), and chained from the first bar on. What lasts no longer than a block survives, such as clusters
of volatility; what leads from block to block does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tino_engine.data.decimate import Columns


def draw_blocks(count: int, block: float, random: np.random.Generator) -> np.ndarray:
    """Draw `count` indices below `count` (int64): neighbours follow each other for `block` steps in the mean, then a jump."""
    jumps = random.random(count) < 1 / block
    if count:
        jumps[0] = True
    starts = random.integers(0, count, count)
    place = np.arange(count)
    since = np.maximum.accumulate(np.where(jumps, place, 0))
    return (starts[since] + place - since) % count


def redraw_bars(bars: Columns, drawn: np.ndarray) -> Columns:
    """Chain bars anew: bar i + 1 takes prices over the close before, and volume, of bar `drawn[i] + 1`; times stay.

    `bars` are `ts open high low close volume`, prices float64 above zero; the first bar stays as it is. `drawn` has one entry
    fewer than there are bars.
    """
    close = bars["close"]
    taken = drawn + 1
    growth = close[taken] / close[taken - 1]
    before = np.concatenate([close[:1], close[0] * np.cumprod(growth)])
    chained = {
        name: np.concatenate([bars[name][:1], before[:-1] * (bars[name][taken] / close[taken - 1])])
        for name in ("open", "high", "low")
    }
    volume = np.concatenate([bars["volume"][:1], bars["volume"][taken]])
    return {"ts": bars["ts"], **chained, "close": before, "volume": volume}
