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

    from tino_engine.backtest.records import Account, Positions


_FOREVER = np.iinfo(np.int64).max

_NOTHING = 1e-9
"""Share of a fill below which what is left of a position is rounding."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What was held of one instrument over time.

    `prices_ts` (int64, nanoseconds, rising) and `prices` (float64) are its bars' closes; `rows` are its positions among all.
    `multiplier` is the value of one unit at a price of 1.
    """

    prices_ts: np.ndarray
    prices: np.ndarray
    multiplier: float
    rows: Sequence[int]


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
    axis: np.ndarray,
    accounts: Iterable[Account],
    positions: Positions,
    holdings: Iterable[Holding],
    *,
    margin: bool,
    decimals: int,
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
        if not len(holding.rows):
            continue
        ts, changes = _changes(positions, holding.rows)
        held, spent, number = _steps(axis, ts, np.cumsum(changes, axis=1))
        flat = number == 0
        # What is left of a sum that should be zero is rounding.
        held[flat], spent[flat] = 0.0, 0.0
        # The one series of a run makes the axis, and looking its times up in themselves takes as long as all else here.
        alone = len(holding.prices) == len(axis)
        price = holding.prices if alone else _step(axis, holding.prices_ts, holding.prices, 0.0)
        worth = held * price * holding.multiplier
        entry = np.divide(spent, held, out=np.zeros_like(held), where=held != 0)
        # As NautilusTrader computes it, so that rounding falls alike; a long and an equal short one gain what they cost.
        gained = np.where(held != 0, held * (price - entry), -spent) * holding.multiplier
        equity += np.round(gained if margin else worth, decimals)
        value += worth
        count += number
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.maximum.accumulate(np.maximum(equity, start))
        drawdown = np.where(high > 0, equity / high - 1, np.nan)
        exposure = np.where(equity > 0, value / equity, np.nan)
    return Curve(equity, drawdown, exposure, count)


def _step(axis: np.ndarray, ts: np.ndarray, values: np.ndarray, before: float) -> np.ndarray:
    """Give the last of the values at or before each time of the axis."""
    return np.repeat(np.concatenate([[before], values]), _lengths(axis, ts))


def _steps(axis: np.ndarray, ts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Give the same for several rows of values with the same times, and zero before them."""
    return np.repeat(np.pad(values, ((0, 0), (1, 0))), _lengths(axis, ts), axis=1)


def _lengths(axis: np.ndarray, ts: np.ndarray) -> np.ndarray:
    """Give how many times of the axis lie before the first of the others, and from each of them to the next."""
    return np.diff(np.searchsorted(axis, ts), prepend=0, append=len(axis))


def _changes(positions: Positions, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Give times, rising, and by how much quantity, cost at entry and number of positions change at each: shape (3, times)."""
    plain = [row for row in rows if positions.fills[row] is None]
    opened = np.array([positions.opened[row] for row in plain], np.int64)
    closed = np.array([positions.closed[row] for row in plain], np.int64)
    signs = np.array([1.0 if positions.side[row] == "LONG" else -1.0 for row in plain])
    quantity = signs * [positions.quantity[row] for row in plain]
    into = np.stack([quantity, quantity * [positions.entry_price[row] for row in plain], np.ones(len(plain))])
    times, changes = [opened, closed], [into, -into]
    for row in rows:
        fills = positions.fills[row]
        if fills is not None:
            own_times, own_changes = _follow(fills)
            times.append(own_times)
            changes.append(own_changes)
    ts = np.concatenate(times)
    order = np.argsort(ts, kind="stable")
    return ts[order], np.concatenate(changes, axis=1)[:, order]


def _follow(fills: Sequence[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Give the same for one position that was built or left in steps: adding moves its mean entry price, reducing does not."""
    held = average = 0.0
    changes: list[tuple[float, float, float]] = []
    for row, (_, quantity, price) in enumerate(fills):
        cost = held * average
        if held * quantity >= 0:
            average = (cost + quantity * price) / (held + quantity)
        held += quantity
        gone = abs(held) < _NOTHING * abs(quantity)
        if gone:
            held = 0.0
        changes.append((quantity, held * average - cost, (row == 0) - gone))
    return np.array([ts for ts, _, _ in fills], np.int64), np.array(changes).T
