"""Statistics of a run, exactly as `METRICS` in `contracts/backtest.ts` defines them. Numpy arrays in, numbers out.

Returns are simple daily returns as fractions; `periods` is trading days a year; the risk-free rate is 0. Where
empyrical-reloaded 0.7 defines the same figure the values agree, which a test checks; None stands where it gives NaN or an
infinity, and where a figure means nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Daily:
    """One value a day: `days` (int64, days since the epoch, rising) and `values` (float64)."""

    days: np.ndarray
    values: np.ndarray


def take_daily(days: np.ndarray, values: np.ndarray) -> Daily:
    """Take the last value of each day. `days` (int64, not falling) tells the day of each value."""
    last = np.flatnonzero(np.diff(days, append=days[-1:] + 1))
    return Daily(days[last], values[last])


def returns(values: np.ndarray, start: float) -> np.ndarray:
    """Daily returns of a series of values, the first against `start`. Empty when a value is not positive: none is defined."""
    before = np.concatenate([[start], values[:-1]])
    if (before <= 0).any():
        return np.empty(0)
    return values / before - 1


def total_return(final: float, start: float) -> float | None:
    """`final / start - 1`."""
    return _number(final / start - 1) if start > 0 else None


def annual_return(total: float | None, days: int, periods: int) -> float | None:
    """`(1 + total) ^ (periods / days) - 1`, over this many daily returns; empyrical `annual_return`."""
    if total is None or days == 0 or total <= -1:
        return None
    return _number(math.expm1(math.log1p(total) * periods / days))


def volatility(daily: np.ndarray, periods: int) -> float | None:
    """`std(r, n - 1) x sqrt(periods)`; empyrical `annual_volatility`."""
    return _number(np.std(daily, ddof=1) * math.sqrt(periods)) if len(daily) > 1 else None


def sharpe(daily: np.ndarray, periods: int) -> float | None:
    """`mean(r) / std(r, n - 1) x sqrt(periods)`; empyrical `sharpe_ratio`. W. F. Sharpe, "The Sharpe Ratio", 1994."""
    if len(daily) < 2 or _is_constant(daily):
        return None
    return _number(np.mean(daily) / np.std(daily, ddof=1) * math.sqrt(periods))


def sortino(daily: np.ndarray, periods: int) -> float | None:
    """`mean(r) x periods / (sqrt(mean(min(r, 0)^2)) x sqrt(periods))`; empyrical `sortino_ratio`.

    All days count in the mean of squares, the good ones as 0. F. A. Sortino and L. N. Price, 1994.
    """
    downside = math.sqrt(np.mean(np.square(np.minimum(daily, 0)))) if len(daily) else 0.0
    return (
        _number(np.mean(daily) * periods / (downside * math.sqrt(periods))) if downside > 0 and len(daily) > 1 else None
    )


def max_drawdown(values: np.ndarray, start: float) -> float | None:
    """`min(v / highest v so far - 1)`, the start counting as the first high; empyrical `max_drawdown`."""
    if not len(values) or start <= 0:
        return None
    high = np.maximum.accumulate(np.maximum(values, start))
    return _number(min(0.0, float(np.min(values / high - 1))))


def max_drawdown_days(daily: Daily, start: float) -> int:
    """Longest time below an earlier high, in calendar days from the day of that high to that of recovery or to the last.

    The start counts as a high of the first day.
    """
    if not len(daily.days):
        return 0
    days = np.concatenate([daily.days[:1], daily.days])
    values = np.concatenate([[start], daily.values])
    at_high = np.flatnonzero(values >= np.maximum.accumulate(values))
    ends = np.append(at_high[1:], len(values) - 1)
    # From one high to the next nothing was below it if they are neighbours.
    spans = np.where(ends - at_high > 1, days[ends] - days[at_high], 0)
    if at_high[-1] < len(values) - 1:
        spans[-1] = days[-1] - days[at_high[-1]]
    return int(spans.max())


def calmar(annual: float | None, drawdown: float | None) -> float | None:
    """`annual return / |max drawdown|`; empyrical `calmar_ratio`. T. W. Young, 1991."""
    return _number(annual / -drawdown) if annual is not None and drawdown is not None and drawdown < 0 else None


def beta(daily: np.ndarray, benchmark: np.ndarray) -> float | None:
    """`cov(r, b) / var(b)`; empyrical `beta`. Both of one length."""
    if len(daily) < 2 or len(daily) != len(benchmark) or _is_constant(benchmark):
        return None
    residual = benchmark - np.mean(benchmark)
    return _number(np.mean(residual * daily) / np.mean(residual * residual))


def alpha(daily: np.ndarray, benchmark: np.ndarray, slope: float | None, periods: int) -> float | None:
    """`(1 + mean(r - beta x b)) ^ periods - 1`; empyrical `alpha`. M. C. Jensen, 1968, compounded over the year."""
    if slope is None:
        return None
    mean = float(np.mean(daily - slope * benchmark))
    return _number(math.expm1(math.log1p(mean) * periods)) if mean > -1 else None


def turnover(traded: float, equity: np.ndarray, days: int, periods: int) -> float | None:
    """`value traded / mean equity / (days / periods)`."""
    mean = float(np.mean(equity)) if len(equity) else 0.0
    return _number(traded / mean * periods / days) if mean > 0 and days else None


@dataclass(frozen=True, slots=True)
class TradeStatistics:
    """What closed trades brought; money in the account's currency."""

    trades: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    average_win: float | None
    average_loss: float | None
    longest_losing_streak: int


def trade_statistics(results: np.ndarray) -> TradeStatistics:
    """Sum up the results of closed trades after fees, in the order in which they were closed.

    A win is more than 0, a loss less; a losing streak is ended by a win only.
    """
    wins, losses = results[results > 0], results[results < 0]
    lost = -float(losses.sum())
    return TradeStatistics(
        trades=len(results),
        win_rate=len(wins) / len(results) if len(results) else None,
        profit_factor=_number(float(wins.sum()) / lost) if lost > 0 else None,
        expectancy=_mean(results),
        average_win=_mean(wins),
        average_loss=_mean(losses),
        longest_losing_streak=_longest_run(results <= 0),
    )


def _longest_run(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _mean(values: np.ndarray) -> float | None:
    return _number(np.mean(values)) if len(values) else None


def _is_constant(values: np.ndarray) -> bool:
    """Whether a standard deviation would be rounding and nothing else."""
    return bool(np.ptp(values) <= 1e-15 * max(1.0, float(np.max(np.abs(values)))))


def _number(value: float) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None


def local_days(ts: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Give the day (int64, days since the epoch) in a zone that each close of a bar ends. `ts`: int64 nanoseconds, rising.

    A bar stamped exactly at midnight belongs to the day before, as in `tino_engine.data.days`.
    """
    if not len(ts):
        return np.empty(0, np.int64)
    return local_seconds((ts - 1) // 1_000_000_000, zone) // 86_400


def local_seconds(seconds: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Give a zone's wall clock, as seconds since the epoch, at instants (int64 seconds, not falling)."""
    if not len(seconds):
        return seconds
    starts, offsets = _offsets(int(seconds[0]), int(seconds[-1]), zone)
    return seconds + offsets[np.searchsorted(starts, seconds, side="right") - 1]


def _offsets(first: int, last: int, zone: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    """Give the zone's offsets from UTC between two seconds, and from which second on each holds."""

    def offset(second: int) -> int:
        delta = datetime.fromtimestamp(second, zone).utcoffset()
        return 0 if delta is None else int(delta.total_seconds())

    starts, offsets = [first], [offset(first)]
    for after in (*range(first + _WEEK, last, _WEEK), last):
        known = offset(after)
        if known != offsets[-1]:
            # Somewhere within the week; no zone changes twice in one.
            low, high = max(starts[-1], after - _WEEK), after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
            starts.append(high)
            offsets.append(known)
    return np.array(starts), np.array(offsets)
