"""What else could have happened: the same trades in another order or another selection.

Everything is drawn by numpy's PCG64 from a seed, so that the same question has the same answer. A trade counts as the share of equity
that it won or lost; equity before it is the starting balance and all results before. A *shuffle* keeps every trade and changes the
order: the end stays, the way there does not. A *bootstrap* draws as many with replacement: the end varies too. With `fixed` size a
trade counts as money instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PERCENTILES = (5, 25, 50, 75, 95)
POINTS = 400
"""Steps of a way that are kept: more than a screen shows apart."""

_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Paths:
    """Simulated ways of equity, over the starting balance.

    `bands` has a row for each of PERCENTILES and a column for each of `steps` (int64, the start being step 0); `finals` and
    `drawdowns` (zero or negative) one value a path; `ruined` is the share of paths that came down to the ruin level at any step.
    """

    steps: np.ndarray
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


def draw_trades(returns: np.ndarray, *, paths: int, seed: int, replace: bool, fixed: bool, ruin: float) -> Paths:
    """Draw so many paths of the trades. `ruin` is the share of the start whose loss is ruin. At most POINTS steps are kept."""
    random = np.random.default_rng(seed)
    steps = len(returns)
    kept = _steps(steps)
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
        steps=kept,
        bands=np.percentile(np.concatenate(ways), PERCENTILES, axis=0),
        finals=np.concatenate(finals),
        drawdowns=np.concatenate(drawdowns),
        ruined=ruined / paths,
    )


def combine_paths(equity: np.ndarray, ruin: float) -> Paths:
    """Sum up ways of equity over the start, a row each, that were simulated elsewhere."""
    whole = np.concatenate([np.ones((len(equity), 1)), equity], axis=1)
    kept = _steps(equity.shape[1])
    return Paths(
        steps=kept,
        bands=np.percentile(whole[:, kept], PERCENTILES, axis=0),
        finals=whole[:, -1],
        drawdowns=(whole / np.maximum.accumulate(whole, axis=1) - 1).min(axis=1),
        ruined=float(np.mean(whole.min(axis=1) <= 1 - ruin + 1e-12)),
    )


def rank_of(value: float, values: np.ndarray) -> float:
    """Share of the values below this one; equal ones count half."""
    return float(np.mean(values < value) + np.mean(values == value) / 2)


def _steps(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count, min(POINTS, count + 1)).round().astype(np.int64))
