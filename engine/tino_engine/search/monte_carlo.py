"""What else could have happened: the same trades in another order or another selection, and the same bars in other blocks.

Everything is drawn by numpy's PCG64 from a seed, so that the same question has the same answer.

**Trades.** A trade counts as the share of equity that it won or lost; equity before it is the starting balance and all results before. A
*shuffle* keeps every trade and changes the order: the end stays, the way there does not. A *bootstrap* draws as many
with replacement: the end varies too. With `fixed` size a trade counts as money instead.

**Bars.** A bar counts by its prices over the close before it. Blocks of neighbouring bars are drawn with replacement, with lengths that are
geometrically distributed and wrap around at the end (the stationary bootstrap: D. N. Politis and J. P. Romano, Journal of
the American Statistical Association 89, 1994), and chained from the first bar on. Volatility clusters as long as a block survive,
and what leads from block to block does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

PERCENTILES = (5, 25, 50, 75, 95)
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Paths:
    """Simulated ways of equity, over the starting balance.

    `bands` has a row for each of PERCENTILES and a column for each step, the start included; `finals` and `drawdowns` (zero or negative)
    one value a path; `ruined` is the share of paths that came down to the ruin level at any step.
    """

    bands: np.ndarray
    finals: np.ndarray
    drawdowns: np.ndarray
    ruined: float


def trade_returns(results: np.ndarray, start: float, *, fixed: bool) -> np.ndarray | None:
    """Give what each trade brought, as a share of equity before it, or of the start with `fixed` size.

    `results` is money, in the order of closing. None when equity was lost before a trade: its share of nothing means nothing.
    """
    if fixed:
        return results / start
    before = start + np.concatenate([[0.0], np.cumsum(results)[:-1]])
    return None if (before <= 0).any() else results / before


def draw_trades(
    returns: np.ndarray, *, paths: int, seed: int, replace: bool, fixed: bool, ruin: float, points: int = 400
) -> Paths:
    """Draw so many paths of the trades. `ruin` is the share of the start whose loss is ruin. At most `points` steps are kept."""
    random = np.random.default_rng(seed)
    steps = len(returns)
    kept = np.unique(np.linspace(0, steps, min(points, steps + 1)).round().astype(np.int64))
    ways, finals, drawdowns, ruined = [], [], [], 0
    batch = max(1, _CELLS // (steps + 1))
    for first in range(0, paths, batch):
        count = min(batch, paths - first)
        if replace:
            drawn = returns[random.integers(0, steps, (count, steps))]
        else:
            drawn = random.permuted(np.tile(returns, (count, 1)), axis=1)
        # What is lost is lost: after equity of zero there is nothing to trade with.
        equity = 1 + np.cumsum(drawn, axis=1) if fixed else np.cumprod(np.maximum(1 + drawn, 0.0), axis=1)
        equity = np.concatenate([np.ones((count, 1)), equity], axis=1)
        if fixed:
            equity[np.maximum.accumulate(equity <= 0, axis=1)] = 0.0
        ways.append(equity[:, kept])
        finals.append(equity[:, -1])
        drawdowns.append((equity / np.maximum.accumulate(equity, axis=1) - 1).min(axis=1))
        ruined += int((equity.min(axis=1) <= 1 - ruin + 1e-12).sum())
    return Paths(
        bands=np.percentile(np.concatenate(ways), PERCENTILES, axis=0),
        finals=np.concatenate(finals),
        drawdowns=np.concatenate(drawdowns),
        ruined=ruined / paths,
    )


def combine_paths(equity: np.ndarray, ruin: float) -> Paths:
    """Sum up ways of equity over the start, a row each, that were simulated elsewhere."""
    whole = np.concatenate([np.ones((len(equity), 1)), equity], axis=1)
    return Paths(
        bands=np.percentile(whole, PERCENTILES, axis=0),
        finals=whole[:, -1],
        drawdowns=(whole / np.maximum.accumulate(whole, axis=1) - 1).min(axis=1),
        ruined=float(np.mean(whole.min(axis=1) <= 1 - ruin + 1e-12)),
    )


def rank_of(value: float, values: np.ndarray) -> float:
    """Share of the values below this one; equal ones count half."""
    return float(np.mean(values < value) + np.mean(values == value) / 2)


def draw_blocks(count: int, block: float, random: np.random.Generator) -> np.ndarray:
    """Draw `count` indices below `count` (int64): neighbours follow each other for `block` steps in the mean, then a jump."""
    jumps = random.random(count) < 1 / block
    if count:
        jumps[0] = True
    starts = random.integers(0, count, count)
    place = np.arange(count)
    since = np.maximum.accumulate(np.where(jumps, place, 0))
    return (starts[since] + place - since) % count


def redraw_bars(bars: Mapping[str, np.ndarray], drawn: np.ndarray) -> dict[str, np.ndarray]:
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
