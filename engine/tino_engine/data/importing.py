"""Bringing market data into the catalog. In a child process: numpy and pyarrow, never NautilusTrader.

Files are written here; what counts as imported is what the engine then records in its database, in one transaction. An
import that ends in between leaves files that nothing refers to, and is simply done again.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from tino_engine.contracts import CorporateAction, Coverage, Instrument
from tino_engine.data import sample
from tino_engine.data.days import nanoseconds
from tino_engine.data.instruments import write_instrument
from tino_engine.data.resample import resample, resampled_type
from tino_engine.data.store import DECIMAL, Bars, BarTable, clean_incoming, to_whole, write_bars
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tino_engine.data.series import Series

SESSION_CLOSE = time(16)
"""When a US stock's trading day ends, in New York."""

_NOISE = 1e-9
"""Relative step of an adjustment factor below which it is rounding of the source, not an action."""
_SPLIT_TERMS = 10
"""Largest number on the old side of a split's ratio."""
_SMALLEST_SPLIT = 1.2
"""6 for 5. A smaller step that is a small quotient by chance is far likelier a dividend: 50 cents on 9.50 are 20 for 19."""
_CENTS = 4
"""Decimals a dividend is rounded to, when it lies that near to a round amount."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import stored. `files` by bar type, relative to the catalog; `notes` say what was done to the source's rows."""

    instruments: tuple[Instrument, ...]
    coverage: tuple[Coverage, ...]
    files: dict[str, tuple[str, ...]]
    actions: dict[str, tuple[CorporateAction, ...]]
    notes: tuple[str, ...]

    def to_result(self) -> dict[str, Any]:
        """Give it as JSON, for a frame; each coverage with its files."""
        return {
            "instruments": [instrument.model_dump(mode="json") for instrument in self.instruments],
            "coverage": [
                {**coverage.model_dump(mode="json"), "files": list(self.files[coverage.bar_type])}
                for coverage in self.coverage
            ],
            "actions": {
                instrument_id: [action.model_dump(mode="json") for action in actions]
                for instrument_id, actions in self.actions.items()
            },
            "notes": list(self.notes),
        }


def import_sample(
    catalog: Path, on_progress: Callable[[str, int, int], None] | None = None, *, which: str = "usStocks"
) -> Imported:
    """Store an embedded sample: `usStocks` as traded, with the splits and dividends that its adjusted closes tell of, or `sp500`.

    Storing it again changes nothing and repairs what is damaged. `on_progress` hears the bar type, how many series are done
    and how many there are. Raises `disk_full`.
    """
    clean_incoming(catalog)
    store = {"usStocks": _import_us_stocks, "sp500": _import_sp500}[which]
    return store(catalog, on_progress or (lambda _bar_type, _done, _total: None))


def store_resampled(catalog: Path, series: Series, step: str) -> dict[str, Any]:
    """Store a series at a coarser step: `{instruments, coverage}`, the coverage with its files.

    Raises `resample_not_coarser`, `data_corrupt`, `disk_full`.
    """
    target = resampled_type(series.bar_type, step)
    table = BarTable.open(series.files, series.bar_type)
    bars = resample(table.read(), series.instrument, series.actions, target)
    stored = write_bars(catalog, str(target), series.instrument, bars)
    coverage = Coverage(
        bar_type=str(target),
        instrument_id=series.instrument.id,
        bars=stored.rows,
        from_=stored.first // 1_000_000,
        to=stored.last // 1_000_000,
        source=f"Resampled from {series.bar_type}",
        hash=stored.hash,
    )
    return {
        "instruments": [series.instrument.model_dump(mode="json")],
        "coverage": [{**coverage.model_dump(mode="json"), "files": [stored.file]}],
    }


def _import_us_stocks(catalog: Path, on_progress: Callable[[str, int, int], None]) -> Imported:
    table = _read_csv(sample.DATA)
    coverage: list[Coverage] = []
    files: dict[str, tuple[str, ...]] = {}
    actions: dict[str, tuple[CorporateAction, ...]] = {}
    notes: list[str] = []
    for done, instrument in enumerate(sample.INSTRUMENTS):
        rows = table.filter(pc.field("Ticker") == instrument.symbol)
        days = rows["Date"].to_pylist()
        bar_type = f"{instrument.id}-1-DAY-LAST-EXTERNAL"
        ticks = {name: _ticks(rows[name], instrument) for name in ("Open", "High", "Low", "Close")}
        bars, repairs = repair(
            closes_of(days, instrument),
            ticks["Open"],
            ticks["High"],
            ticks["Low"],
            ticks["Close"],
            rows["Volume"].fill_null(-1).to_numpy(),
            instrument.price_precision,
            instrument.size_precision,
        )
        stored = write_bars(catalog, bar_type, instrument, bars)
        write_instrument(catalog, instrument)
        close = rows["Close"].cast(pa.float64()).to_numpy()
        actions[instrument.id] = derive_actions(days, close, rows["Adj Close"].to_numpy(), instrument.id)
        notes += [f"{instrument.id}: {words}" for words in repairs]
        files[bar_type] = (stored.file,)
        coverage.append(
            Coverage(
                bar_type=bar_type,
                instrument_id=instrument.id,
                bars=stored.rows,
                from_=stored.first // 1_000_000,
                to=stored.last // 1_000_000,
                source="; ".join([sample.SOURCE, *repairs]),
                hash=stored.hash,
            )
        )
        on_progress(bar_type, done + 1, len(sample.INSTRUMENTS))
    return Imported(sample.INSTRUMENTS, tuple(coverage), files, actions, tuple(notes))


def _import_sp500(catalog: Path, on_progress: Callable[[str, int, int], None]) -> Imported:
    """Store the closes that come with skfolio, as bars without a range; the source has adjusted them, so there are no actions."""
    try:
        with pa.input_stream(sample.find_sp500(), compression="gzip") as stream:
            types = {"Date": pa.date32(), **{it.symbol: DECIMAL for it in sample.SP500_INSTRUMENTS}}
            table = csv.read_csv(stream, convert_options=csv.ConvertOptions(column_types=types))
    except (OSError, pa.ArrowException) as error:
        raise TinoError("data_corrupt", barType="the embedded sample", reason=str(error)) from error
    # All of them have the same sessions.
    ts = closes_of(table["Date"].to_pylist(), sample.SP500_INSTRUMENTS[0])
    volume = np.zeros(len(ts), np.int64)
    coverage: list[Coverage] = []
    files: dict[str, tuple[str, ...]] = {}
    for done, instrument in enumerate(sample.SP500_INSTRUMENTS):
        close = _ticks(table[instrument.symbol], instrument)
        digits = instrument.price_precision, instrument.size_precision
        bar_type = f"{instrument.id}-1-DAY-LAST-EXTERNAL"
        stored = write_bars(catalog, bar_type, instrument, Bars(ts, close, close, close, close, volume, *digits))
        write_instrument(catalog, instrument)
        files[bar_type] = (stored.file,)
        coverage.append(
            Coverage(
                bar_type=bar_type,
                instrument_id=instrument.id,
                bars=stored.rows,
                from_=stored.first // 1_000_000,
                to=stored.last // 1_000_000,
                source=sample.SP500_SOURCE,
                hash=stored.hash,
            )
        )
        on_progress(bar_type, done + 1, len(sample.SP500_INSTRUMENTS))
    actions: dict[str, tuple[CorporateAction, ...]] = {it.id: () for it in sample.SP500_INSTRUMENTS}
    return Imported(sample.SP500_INSTRUMENTS, tuple(coverage), files, actions, ())


def closes_of(days: Sequence[date], instrument: Instrument) -> np.ndarray:
    """Give the close of each day's session as int64 nanoseconds, right across changes to summer time."""
    zone = ZoneInfo(instrument.time_zone)
    return np.array([nanoseconds(datetime.combine(day, SESSION_CLOSE, zone)) for day in days], np.int64)


def repair(
    ts: np.ndarray,
    open_: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    close: np.ndarray,
    volume: np.ndarray,
    price_precision: int,
    size_precision: int,
) -> tuple[Bars, tuple[str, ...]]:
    """Make bars of a source's rows, and say in words what had to be done: one sentence for each kind of repair.

    All are int64; prices and volumes as in `Bars`, a value that is missing is below zero. A row without four prices above zero
    or without a volume is left out; rows are put in order of time; of rows with equal times the last stays; a high
    below, or a low above, one of the row's prices is widened to it.
    """
    notes: Counter[str] = Counter()
    usable = (np.minimum.reduce([open_, high, low, close]) > 0) & (volume >= 0)
    notes["without usable prices or volume left out"] = int((~usable).sum())
    rows = np.flatnonzero(usable)

    order = np.argsort(ts[rows], kind="stable")
    notes["put in order of time"] = int((np.diff(ts[rows]) < 0).sum())
    rows = rows[order]
    last = np.append(np.diff(ts[rows]) > 0, np.ones(min(len(rows), 1), bool))
    notes["replaced by a later row of the same time"] = int((~last).sum())
    rows = rows[last]

    ts, open_, high, low, close, volume = (column[rows] for column in (ts, open_, high, low, close, volume))
    highest, lowest = np.maximum.reduce([open_, high, low, close]), np.minimum.reduce([open_, high, low, close])
    notes["with high and low widened to their prices"] = int(((highest != high) | (lowest != low)).sum())
    bars = Bars(ts, open_, highest, lowest, close, volume, price_precision, size_precision)
    return bars, tuple(f"{count} row{'s' if count > 1 else ''} {words}" for words, count in notes.items() if count)


def derive_actions(
    days: Sequence[date], close: np.ndarray, adjusted: np.ndarray, name: str
) -> tuple[CorporateAction, ...]:
    """Find splits and dividends from closes as traded and closes that the source adjusted for both.

    Their quotient is constant between two actions. At a step by a factor f it was a split of f new shares for one, if f is
    a quotient of small whole numbers, not between 1 and 6/5, and the price moved accordingly; otherwise, if f is above 1, a
    dividend of `close · (f - 1)` with the close of the ex-day (`prices` has the formula the other way round). Rows without both closes are passed over. Raises
    `data_corrupt` for a step that is neither.
    """
    usable = np.flatnonzero((close > 0) & (adjusted > 0))
    close, factor = close[usable], adjusted[usable] / close[usable]
    actions: list[CorporateAction] = []
    for row in (np.flatnonzero(np.abs(factor[1:] / factor[:-1] - 1) > _NOISE) + 1).tolist():
        step = float(factor[row] / factor[row - 1])
        day = days[usable[row]].isoformat()
        ratio = Fraction(step).limit_denominator(_SPLIT_TERMS)
        fell = math.log(close[row - 1] / close[row]) / math.log(step)
        is_ratio = abs(float(ratio) / step - 1) <= _NOISE and not 1 < ratio < _SMALLEST_SPLIT
        if is_ratio and 0.5 < fell < 1.5:  # nearer to a split than to none, and than to two
            actions.append(CorporateAction(ex_day=day, kind="split", value=float(ratio)))
        elif step > 1:
            cash = float(close[row]) * (step - 1)
            near = round(cash, _CENTS)
            value = near if abs(near - cash) <= close[row] * _NOISE * 10 else round(cash, 9)
            actions.append(CorporateAction(ex_day=day, kind="dividend", value=value))
        else:
            reason = f"on {day} the adjusted close steps by {step:.6g}, which is no split and no dividend"
            raise TinoError("data_corrupt", barType=name, reason=reason)
    return tuple(actions)


def _read_csv(path: Path) -> pa.Table:
    types = {
        "Ticker": pa.string(),
        "Date": pa.date32(),
        **dict.fromkeys(("Open", "High", "Low", "Close"), DECIMAL),
        "Volume": pa.int64(),
        "Adj Close": pa.float64(),
    }
    try:
        with pa.input_stream(path, compression="gzip") as stream:
            return csv.read_csv(
                stream, convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types))
            )
    except (OSError, pa.ArrowException) as error:
        raise TinoError("data_corrupt", barType="the embedded sample", reason=str(error)) from error


def _ticks(column: pa.ChunkedArray, instrument: Instrument) -> np.ndarray:
    """Give prices as multiples of the price increment, exactly; below zero where there is none."""
    try:
        return to_whole(column.fill_null(Decimal(-1)), instrument.price_precision)
    except ValueError as error:
        raise TinoError("data_corrupt", barType=instrument.id, reason=str(error)) from error
