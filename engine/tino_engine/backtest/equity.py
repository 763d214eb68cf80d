"""Equity, drawdown and exposure at every bar, from what was traded and what the prices did.

NautilusTrader can take a snapshot of the portfolio at each bar, for half of its speed again. The same numbers follow from the
events: between fills nothing changes but the prices. So a position's quantity and its cost are step functions of time, the
balance is one too, and equity at a bar is `balance + quantity x close - cost`, for all bars at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tino_engine.backtest.records import Account


_FOREVER = np.iinfo(np.int64).max

_NOTHING = 1e-9
"""Share of a fill below which what is left of a position is rounding."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What was held of one instrument over time.

    `prices_ts` (int64, nanoseconds, rising) and `prices` (float64) are its bars' closes; `positions` are its positions, each with
    its fills in order: time in nanoseconds, signed quantity, price. `multiplier` is the value of one unit at a price of 1.
    """

    prices_ts: np.ndarray
    prices: np.ndarray
    multiplier: float
    positions: Sequence[Sequence[tuple[int, float, float]]]


@dataclass(frozen=True, slots=True)
class Curve:
    """All at the close of each bar, float64, of the length of the time axis they were computed on.

    `equity` in money; `drawdown` as a fraction of the highest equity before, zero or negative; `exposure` is the net value of
    all positions over equity, negative when short; `positions` is how many were open.
    """

    equity: np.ndarray
    drawdown: np.ndarray
    exposure: np.ndarray
    positions: np.ndarray


def compute_curve(
    axis: np.ndarray, accounts: Iterable[Account], holdings: Iterable[Holding], *, margin: bool, decimals: int
) -> Curve:
    """Compute the curve on a rising axis of times (int64, nanoseconds).

    On a margin account a position adds what it has gained since its entry; on a cash account buying spent the money, and the
    position adds its value. Open results are rounded to the currency's decimals, as NautilusTrader rounds them.
    """
    # What happens after the last bar, in `on_stop`, belongs to it.
    axis = np.append(axis[:-1], _FOREVER)
    equity = np.zeros(len(axis))
    for account in accounts:
        equity += _step(axis, account.ts, account.total, account.start)
    start = float(sum(account.start for account in accounts))
    value, count = np.zeros(len(axis)), np.zeros(len(axis))
    for holding in holdings:
        if not holding.positions:
            continue
        ts, quantity, cost, opened = _changes(holding.positions)
        held, spent, number = (_step(axis, ts, np.cumsum(changes), 0.0) for changes in (quantity, cost, opened))
        flat = number == 0
        # What is left of a sum that should be zero is rounding.
        held[flat], spent[flat] = 0.0, 0.0
        price = _step(axis, holding.prices_ts, holding.prices, 0.0)
        worth = held * price * holding.multiplier
        equity += np.round(worth - spent * holding.multiplier if margin else worth, decimals)
        value += worth
        count += number
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.maximum.accumulate(np.maximum(equity, start))
        drawdown = np.where(high > 0, equity / high - 1, np.nan)
        exposure = np.where(equity > 0, value / equity, np.nan)
    return Curve(equity, drawdown, exposure, count)


def _step(axis: np.ndarray, ts: np.ndarray, values: np.ndarray, before: float) -> np.ndarray:
    """Give the last of the values at or before each time of the axis."""
    return np.concatenate([[before], values])[np.searchsorted(ts, axis, side="right")]


def _changes(
    positions: Sequence[Sequence[tuple[int, float, float]]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give, for each fill and in order of time, by how much it changes quantity, cost at entry and number of positions."""
    times: list[int] = []
    quantities: list[float] = []
    costs: list[float] = []
    numbers: list[int] = []
    for fills in positions:
        held = average = 0.0
        number = 1
        for ts, quantity, price in fills:
            cost = held * average
            if held * quantity >= 0:
                average = (cost + quantity * price) / (held + quantity)
            held += quantity
            if abs(held) < _NOTHING * abs(quantity):
                held = 0.0
                number -= 1
            times.append(ts)
            quantities.append(quantity)
            costs.append(held * average - cost)
            numbers.append(number)
            number = 0
    ts = np.array(times, np.int64)
    order = np.argsort(ts, kind="stable")
    return ts[order], np.array(quantities)[order], np.array(costs)[order], np.array(numbers)[order]
