"""A run taken apart: what is behind its metrics. Formulas: `docs/tearsheet.md`.

Works on the tables of a finished run, in a child that holds numpy and Arrow. Days and hours are those of the instrument whose calendar
the run is counted by, which is its first. Where quantstats or empyrical define the same figure the values agree, which a test checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from tino_engine.backtest import metrics
from tino_engine.contracts import (
    Histogram,
    Tearsheet,
    TearsheetCurve,
    TearsheetDistribution,
    TearsheetDrawdown,
    TearsheetDurations,
    TearsheetExcursions,
    TearsheetHour,
    TearsheetRolling,
    TearsheetWeekday,
    TearsheetYear,
    TradeGroup,
)

if TYPE_CHECKING:
    from tino_engine.backtest.stored import StoredRun, Trades

MOST_DRAWDOWNS = 10
MOST_DRAWN = 2_000
"""Trades whose excursions are given one by one."""
BINS = 40
"""About how many bars a histogram of returns has."""
TAIL = 0.05
_DAY_MS = 86_400_000
_MONDAY = 3
"""1970-01-01 was a Thursday, which is day 3 of a week that begins on Monday."""
_STEPS_MS = [
    count * unit
    for unit, counts in (
        (1_000, (1, 5, 15, 30)),
        (60_000, (1, 2, 5, 10, 15, 30)),
        (3_600_000, (1, 2, 4, 6, 12)),
        (_DAY_MS, (1, 2, 5, 7, 14, 30, 60, 90, 180, 365)),
    )
    for count in counts
]
"""Widths of the bars of a histogram of durations."""


def make_tearsheet(run: StoredRun, version: int) -> Tearsheet:
    """Compute a run's tearsheet. Raises `result_unreadable`."""
    result = run.result
    zone, periods = ZoneInfo(run.home.time_zone), result.periods_per_year
    start = run.starting_equity
    ts, equity = run.equity()
    days = metrics.local_days(ts * 1_000_000, zone)
    daily = metrics.take_daily(days, equity)
    held = metrics.take_daily(days, run.buy_and_hold(ts))
    returns = metrics.returns(daily.values, start)
    trades = run.trades()
    closed = trades.closed_rows
    found = find_excursions(run)
    return Tearsheet(
        version=version,
        currency=result.currency,
        time_zone=run.home.time_zone,
        periods_per_year=periods,
        starting_equity=start,
        daily_returns=len(returns),
        trades=len(closed),
        curve=_curve(daily, held, start),
        years=compute_years(daily, held, start),
        rolling=compute_rolling(daily.days, returns, rolling_window(len(returns), periods), periods),
        drawdowns=find_drawdowns(daily, start),
        distribution=describe_returns(returns),
        weekdays=_weekdays(daily.days, returns, trades, zone),
        hours=_hours(trades, zone) if len(ts) > 1 and np.diff(ts).min() < _DAY_MS else [],
        instruments=_groups(trades, trades.instrument),
        sides=_groups(trades, trades.side),
        excursions=_excursions(trades, found),
        durations=describe_durations(trades),
    )


@dataclass(frozen=True, slots=True)
class Excursions:
    """By row of the table of trades, as fractions of the entry price; NaN for one that is still open."""

    adverse: np.ndarray
    favourable: np.ndarray


# -- returns -----------------------------------------------------------------------------------------------------------


def _curve(daily: metrics.Daily, held: metrics.Daily, start: float) -> TearsheetCurve:
    high = np.maximum.accumulate(np.maximum(daily.values, start))
    return TearsheetCurve(
        days=_day_texts(daily.days),
        equity=daily.values.tolist(),
        drawdown=_figures(daily.values / high - 1) if start > 0 else [None] * len(daily.values),
        benchmark=_figures(held.values * start),
    )


def compute_years(daily: metrics.Daily, held: metrics.Daily, start: float) -> list[TearsheetYear]:
    """Give the return of each calendar month and year: the last value over the last one of the month or year before, minus one."""
    years = []
    months, month_returns = _period_returns(
        daily.days.astype("datetime64[D]").astype("datetime64[M]"), daily.values, start
    )
    by_month = dict(zip(months.astype(int).tolist(), month_returns, strict=True))
    of_year = daily.days.astype("datetime64[D]").astype("datetime64[Y]")
    numbers, totals = _period_returns(of_year, daily.values, start)
    _, benchmarks = _period_returns(of_year, held.values, 1.0)
    for number, total, benchmark in zip(numbers.astype(int).tolist(), totals, benchmarks, strict=True):
        if total is not None:
            own = [by_month.get(12 * number + month) for month in range(12)]
            years.append(TearsheetYear(year=1970 + number, months=own, total=total, benchmark=benchmark))
    return years


def _period_returns(period: np.ndarray, values: np.ndarray, start: float) -> tuple[np.ndarray, list[float | None]]:
    last = np.flatnonzero(np.append(period[1:] != period[:-1], [True] * (len(period) > 0)))
    ends = values[last]
    before = np.concatenate([[start], ends[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        return period[last], _figures(np.where(before > 0, ends / before - 1, np.nan))


def rolling_window(count: int, periods: int) -> int:
    """Give over how many daily returns to roll: half a year, of less than a year a month, of less than two months none."""
    if count >= periods:
        return periods // 2
    return periods // 12 if count >= periods // 6 else 0


def compute_rolling(days: np.ndarray, returns: np.ndarray, window: int, periods: int) -> TearsheetRolling:
    """Give `metrics.sharpe` and `metrics.volatility` of the last `window` returns, from the first day that has so many."""
    if window < 2 or len(returns) < window:
        return TearsheetRolling(window=0, days=[], sharpe=[], volatility=[])
    views = np.lib.stride_tricks.sliding_window_view(returns, window)
    deviation = views.std(axis=1, ddof=1)
    # Below this a deviation is rounding and nothing else.
    flat = np.ptp(views, axis=1) <= 1e-15
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpe = np.where(flat, np.nan, views.mean(axis=1) / deviation * math.sqrt(periods))
    return TearsheetRolling(
        window=window,
        days=_day_texts(days[window - 1 :]),
        sharpe=_figures(sharpe),
        volatility=_figures(deviation * math.sqrt(periods)),
    )


def find_drawdowns(daily: metrics.Daily, start: float, most: int = MOST_DRAWDOWNS) -> list[TearsheetDrawdown]:
    """Give the deepest stretches below an earlier high; the start counts as a high of the first day."""
    if not len(daily.days) or start <= 0:
        return []
    days = np.concatenate([daily.days[:1], daily.days])
    values = np.concatenate([[start], daily.values])
    depth = values / np.maximum.accumulate(values) - 1
    edges = np.flatnonzero(np.diff(np.concatenate([[False], depth < 0, [False]]).astype(np.int8)))
    firsts, ends = edges[::2], edges[1::2]
    if not len(firsts):
        return []
    deepest = np.array([depth[first:end].min() for first, end in zip(firsts, ends, strict=True)])
    found = []
    for place in np.argsort(deepest, kind="stable")[:most]:
        first, end = int(firsts[place]), int(ends[place])
        recovered = end < len(values)
        last = days[end] if recovered else days[-1]
        found.append(
            TearsheetDrawdown(
                peak=_day_text(days[first - 1]),
                start=_day_text(days[first]),
                trough=_day_text(days[first + int(np.argmin(depth[first:end]))]),
                recovery=_day_text(days[end]) if recovered else None,
                depth=float(deepest[place]),
                days=int(last - days[first - 1]),
            )
        )
    return found


def describe_returns(returns: np.ndarray) -> TearsheetDistribution:
    """Give moments, tails and a histogram of daily returns."""
    count = len(returns)
    spread = float(np.std(returns)) if count else 0.0
    varies = count > 1 and float(np.ptp(returns)) > 1e-15
    centred = (returns - returns.mean()) / spread if varies else returns
    third, fourth = (float(np.mean(centred**power)) if varies else math.nan for power in (3, 4))
    worst = np.sort(returns)[: int((count - 1) * TAIL) + 1] if count else returns
    return TearsheetDistribution(
        histogram=_histogram_of(returns),
        mean=_figure(np.mean(returns)) if count else None,
        standard_deviation=_figure(np.std(returns, ddof=1)) if count > 1 else None,
        skew=_figure(math.sqrt(count * (count - 1)) / (count - 2) * third) if count > 2 else None,
        kurtosis=_figure((count - 1) / ((count - 2) * (count - 3)) * ((count + 1) * (fourth - 3) + 6))
        if count > 3
        else None,
        value_at_risk=_figure(np.percentile(returns, 100 * TAIL)) if count else None,
        conditional_value_at_risk=_figure(worst.mean()) if count else None,
        best=_figure(returns.max()) if count else None,
        worst=_figure(returns.min()) if count else None,
        positive=float(np.mean(returns > 0)) if count else None,
    )


def _histogram_of(values: np.ndarray) -> Histogram:
    """Give bars of a round width with an edge at zero, so that none holds gains and losses alike."""
    if not len(values) or not np.ptp(values) > 0:
        return Histogram(edges=[], counts=[])
    rough = float(np.ptp(values)) / BINS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    low, high = math.floor(float(values.min()) / step), math.floor(float(values.max()) / step) + 1
    edges = np.arange(low, high + 1) * step
    counts, _ = np.histogram(values, edges)
    return Histogram(edges=edges.tolist(), counts=counts.tolist())


# -- by the calendar ---------------------------------------------------------------------------------------------------


def _weekdays(days: np.ndarray, returns: np.ndarray, trades: Trades, zone: ZoneInfo) -> list[TearsheetWeekday]:
    of_returns = (days[: len(returns)] + _MONDAY) % 7
    rows = trades.closed_rows
    of_trades = (_entry_days(trades.opened[rows], zone) + _MONDAY) % 7
    found = []
    for weekday in range(7):
        own, results = returns[of_returns == weekday], trades.result[rows[of_trades == weekday]]
        if len(own) or len(results):
            found.append(
                TearsheetWeekday(
                    weekday=weekday,
                    days=len(own),
                    mean_return=_figure(own.mean()) if len(own) else None,
                    trades=len(results),
                    win_rate=_win_rate(results),
                    result=float(results.sum()),
                )
            )
    return found


def _hours(trades: Trades, zone: ZoneInfo) -> list[TearsheetHour]:
    rows = trades.closed_rows
    of_trades = _local_seconds(trades.opened[rows], zone) // 3600 % 24
    return [
        TearsheetHour(hour=hour, trades=len(results), win_rate=_win_rate(results), result=float(results.sum()))
        for hour in range(24)
        if len(results := trades.result[rows[of_trades == hour]])
    ]


def _entry_days(opened: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Give the day (since the epoch) of each entry; one exactly at midnight belongs to the day whose bar just closed."""
    return _local_seconds(opened - 1, zone) // 86_400


def _local_seconds(at: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Give the zone's wall clock, as seconds since the epoch, at instants in milliseconds of any order."""
    order = np.argsort(at, kind="stable")
    seconds = np.empty(len(at), np.int64)
    seconds[order] = metrics.local_seconds(at[order] // 1_000, zone)
    return seconds


# -- trades ------------------------------------------------------------------------------------------------------------


def _groups(trades: Trades, keys: np.ndarray) -> list[TradeGroup]:
    """Sum up closed trades by a key, in the order in which the keys first come."""
    rows = trades.closed_rows
    groups = []
    for key in dict.fromkeys(keys.tolist()):
        own = rows[keys[rows] == key]
        statistics = metrics.trade_statistics(trades.result[own])
        groups.append(
            TradeGroup(
                name=key,
                trades=statistics.trades,
                win_rate=statistics.win_rate,
                profit_factor=statistics.profit_factor,
                expectancy=statistics.expectancy,
                fees=float(trades.fees[own].sum()),
                result=float(trades.result[own].sum()),
            )
        )
    return groups


def find_excursions(run: StoredRun) -> Excursions:
    """Give how far each closed trade went against and for its holder.

    From the highs and lows of its instrument's bars after the entry up to the one that the exit falls in; the entry's own bar is left
    out, since nobody knows what of it came before. The price of the exit counts in any case. J. Sweeney, 1996.
    """
    trades, exits = run.trades(), run.exit_prices()
    adverse, favourable = (np.full(len(trades.opened), np.nan) for _ in range(2))
    for instrument in dict.fromkeys(trades.instrument.tolist()):
        rows = np.flatnonzero((trades.instrument == instrument) & (trades.closed >= 0) & (trades.entry_price > 0))
        if not len(rows):
            continue
        bars = run.bars(instrument)
        first = np.searchsorted(bars.ts, trades.opened[rows], side="right")
        # An exit within a bar is stamped before that bar's close.
        last = np.minimum(np.searchsorted(bars.ts, trades.closed[rows], side="left") + 1, len(bars.ts))
        high = np.maximum(_reduce(np.maximum, bars.high, first, last, -np.inf), exits[rows])
        low = np.minimum(_reduce(np.minimum, bars.low, first, last, np.inf), exits[rows])
        entry, is_long = trades.entry_price[rows], trades.side[rows] == "LONG"
        up, down = high / entry - 1, low / entry - 1
        favourable[rows] = np.maximum(0.0, np.where(is_long, up, -down))
        adverse[rows] = np.minimum(0.0, np.where(is_long, down, -up))
    return Excursions(adverse, favourable)


def _reduce(of: np.ufunc, values: np.ndarray, first: np.ndarray, last: np.ndarray, nothing: float) -> np.ndarray:
    """Give the maximum or minimum of each range [first, last); `nothing` of an empty one."""
    padded = np.append(values, nothing)
    pairs = np.stack([first, np.maximum(first, last)], axis=1).ravel()
    return np.where(first < last, of.reduceat(padded, pairs)[::2], nothing)


def _excursions(trades: Trades, found: Excursions) -> TearsheetExcursions:
    rows = trades.closed_rows
    rows = np.sort(rows[np.isfinite(found.adverse[rows]) & np.isfinite(trades.returns[rows])])
    wins = trades.result[rows] > 0
    drawn = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_DRAWN)).round().astype(np.int64)]
    return TearsheetExcursions(
        trades=drawn.tolist(),
        adverse=found.adverse[drawn].tolist(),
        favourable=found.favourable[drawn].tolist(),
        returns=trades.returns[drawn].tolist(),
        mean_adverse_winners=_mean(found.adverse[rows[wins]]),
        mean_adverse_losers=_mean(found.adverse[rows[~wins]]),
        mean_favourable_winners=_mean(found.favourable[rows[wins]]),
        mean_favourable_losers=_mean(found.favourable[rows[~wins]]),
    )


def describe_durations(trades: Trades) -> TearsheetDurations:
    """Give how long closed trades lasted, from the entry to the exit on the clock."""
    rows = trades.closed_rows
    lasted = (trades.closed - trades.opened)[rows]
    wins = trades.result[rows] > 0
    longest = int(lasted.max()) if len(rows) else 0
    step = next((step for step in _STEPS_MS if longest <= step * BINS), _STEPS_MS[-1])
    edges = np.arange(longest // step + 2) * step
    counts, _ = np.histogram(lasted, edges)
    return TearsheetDurations(
        histogram=Histogram(edges=edges.astype(np.float64).tolist(), counts=counts.tolist())
        if len(rows)
        else Histogram(edges=[], counts=[]),
        mean=_mean(lasted),
        median=float(np.median(lasted)) if len(rows) else None,
        shortest=float(lasted.min()) if len(rows) else None,
        longest=float(longest) if len(rows) else None,
        mean_winners=_mean(lasted[wins]),
        mean_losers=_mean(lasted[~wins]),
        mean_bars=_mean(trades.bars[rows]),
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def _win_rate(results: np.ndarray) -> float | None:
    return float(np.mean(results > 0)) if len(results) else None


def _mean(values: np.ndarray) -> float | None:
    return _figure(values.mean()) if len(values) else None


def _figure(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _figures(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _day_text(day: np.int64) -> str:
    return str(np.datetime64(int(day), "D"))


def _day_texts(days: np.ndarray) -> list[str]:
    return days.astype("datetime64[D]").astype(str).tolist()
