"""What each of several strategies in one portfolio brought.

They share accounts, so that a strategy has no balance of its own. What it brought follows from its fills: at any time the value of
what it holds, minus what that cost, minus fees. Its figures are those of an account with the run's whole starting balance that only it traded;
their profits add up to the run's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from tino_engine.backtest.equity import Curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.backtest.market import Market
    from tino_engine.backtest.records import Fills


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """One strategy of a run, as it was asked for."""

    label: str
    path: str
    name: str
    bar_types: list[str]
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run was beside bars and venue. `ticks` are names and numbers of what was fed; `owners` give the label of each order's strategy.

    `warm_up_bars` of each series were fed first at most, of `wanted_bars`.
    """

    strategies: Sequence[StrategyInfo]
    owners: dict[str, str]
    ticks: Sequence[tuple[str, int]] = ()
    warm_up_bars: int = 0
    wanted_bars: int = 0


def select[T](columns: T, rows: Sequence[int]) -> T:
    """Give some rows of a table of `records`."""
    return type(columns)(*([getattr(columns, column.name)[row] for row in rows] for column in fields(columns)))  # type: ignore[arg-type]


def compute_profit(market: Market, fills: Fills) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give profit, value and number of positions at each time of the axis (float64), from fills alone."""
    axis = np.append(market.axis[:-1], np.iinfo(np.int64).max)
    profit, value, count = np.zeros(len(axis)), np.zeros(len(axis)), np.zeros(len(axis))
    names = np.array(fills.instrument, dtype=object)
    ts, quantity = np.array(fills.ts, np.int64), np.array(fills.quantity, np.float64)
    signed = np.where(np.array(fills.side, dtype=object) == "BUY", quantity, -quantity)
    price, fee = np.array(fills.price, np.float64), np.array(fills.fee, np.float64)
    for name, track in market.valued.items():
        own = names == name
        if not own.any():
            continue
        multiplier = float(track.instrument.multiplier)
        places = np.searchsorted(ts[own], axis, side="right")
        held = np.append(0.0, np.cumsum(signed[own]))[places]
        held[np.abs(held) < 1e-9 * quantity[own].max()] = 0.0
        spent = np.append(0.0, np.cumsum(signed[own] * price[own] * multiplier + fee[own]))[places]
        close = np.append(0.0, track.bars["close"])[np.searchsorted(track.ts, axis, side="right")]
        worth = held * close * multiplier
        profit += worth - spent
        value += worth
        count += held != 0
    return profit, value, count


def curve_of(profit: np.ndarray, value: np.ndarray, count: np.ndarray, start: float) -> Curve:
    """Give the curve of an account that starts with `start` and has this profit."""
    equity = start + profit
    high = np.maximum.accumulate(np.maximum(equity, start))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Curve(equity, equity / high - 1, np.where(equity > 0, value / equity, np.nan), count)
