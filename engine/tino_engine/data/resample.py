"""Coarser bars from finer ones.

Bars shorter than a day are cut at whole multiples of their length since midnight in the instrument's zone, as NautilusTrader
cuts those that it makes itself, and carry the end of their stretch as time. No bar reaches over midnight.
Bars of a day, a week or a month hold the trading days of that day, of that week from Monday on, of that month, and carry the
close of the last bar in them: a week whose Friday is a holiday closes on Thursday. So every bar is known at its own time and not before.

Prices stay as traded. Where a split lies inside of a coarse bar, what was traded before it is counted in new shares, since the bar
closes in them: an action's ex-day before a bar's close means that this bar needs no adjusting, and that is then true of all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tino_engine.data.bar_type import BarType
from tino_engine.data.days import day_bounds
from tino_engine.data.sessions import local_days, local_times
from tino_engine.data.store import Bars
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.contracts import CorporateAction, Instrument

_DAY_SECONDS = 86_400


def resampled_type(bar_type: str, step: str) -> BarType:
    """Give the bar type of a series at a coarser step. Raises `resample_not_coarser` unless its bars hold whole bars of the series."""
    source = BarType.parse(bar_type)
    number, _, unit = step.partition("-")
    try:
        target = BarType.parse(f"{source.instrument_id}-{number}-{unit}-{source.price}-EXTERNAL")
    except TinoError as error:
        raise _not_coarser(bar_type, step) from error
    fine, coarse = source.seconds, target.seconds
    if fine is None or coarse is None or coarse <= fine or (coarse >= _DAY_SECONDS and not _is_calendar(target)):
        raise _not_coarser(bar_type, step)
    # A week is no part of a month, and 20 minutes are no part of half an hour.
    if (source.aggregation == "WEEK" and target.aggregation != "WEEK") or (coarse < _DAY_SECONDS and coarse % fine):
        raise _not_coarser(bar_type, step)
    return target


def resample(bars: Bars, instrument: Instrument, actions: Sequence[CorporateAction], target: BarType) -> Bars:
    """Merge bars; `actions` are those that the prices are not adjusted for."""
    ends = _ends(bars.ts, instrument, target)
    starts = np.flatnonzero(np.append(True, np.diff(ends) > 0))
    lasts = np.append(starts[1:], len(bars)) - 1
    whole = (target.seconds or 0) >= _DAY_SECONDS
    prices, volumes = _in_new_shares(bars, instrument, actions, starts)
    return Bars(
        bars.ts[lasts] if whole else ends[lasts],
        prices["open"][starts],
        np.maximum.reduceat(prices["high"], starts),
        np.minimum.reduceat(prices["low"], starts),
        prices["close"][lasts],
        np.add.reduceat(volumes, starts),
        bars.price_precision,
        bars.size_precision,
    )


def _ends(ts: np.ndarray, instrument: Instrument, target: BarType) -> np.ndarray:
    """Give a number for each bar that is the same within one coarse bar and rises; of bars within a day it is their end."""
    if (target.seconds or 0) < _DAY_SECONDS:
        step = int((target.seconds or 0) * 10**9)
        local = local_times(ts - 1, instrument.time_zone).astype("datetime64[ns]").astype(np.int64)
        since = local % (_DAY_SECONDS * 10**9)
        # Of instants, not of clock times: where the clock is put back an hour is there twice.
        return ts - 1 - since % step + step
    days = local_days(ts, instrument.time_zone)
    if target.aggregation == "WEEK":
        return (days.astype(np.int64) + 3) // 7
    if target.aggregation == "MONTH":
        return days.astype("datetime64[M]").astype(np.int64) // target.step
    return days.astype(np.int64)


def _in_new_shares(
    bars: Bars, instrument: Instrument, actions: Sequence[CorporateAction], starts: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    prices = {name: bars.column(name) for name in ("open", "high", "low", "close")}
    volumes = bars.volume
    for action in actions:
        row = int(np.searchsorted(bars.ts, day_bounds(instrument, action.ex_day, None)[0]))
        first = int(starts[np.searchsorted(starts, row, side="right") - 1])
        if action.kind != "split" or not first < row < len(bars):
            continue
        for name, column in prices.items():
            changed = column.copy()
            changed[first:row] = np.maximum(np.rint(column[first:row] / action.value), 1).astype(np.int64)
            prices[name] = changed
        volumes = volumes.copy()
        volumes[first:row] = np.rint(volumes[first:row] * action.value).astype(np.int64)
    return prices, volumes


def _is_calendar(target: BarType) -> bool:
    """Whether bars of a day or more are single days, single weeks, or months that divide a year."""
    return target.step == 1 if target.aggregation in ("DAY", "WEEK") else target.aggregation == "MONTH"


def _not_coarser(bar_type: str, step: str) -> TinoError:
    return TinoError("resample_not_coarser", field="step", barType=bar_type, step=step)
