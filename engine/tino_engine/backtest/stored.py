"""The tables of a finished run, read back into memory: for what is computed from them later."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tino_engine.backtest.results import read_result
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import BacktestResult, Instrument, SeriesInfo


@dataclass(frozen=True, slots=True)
class StoredBars:
    """Bars at full detail; `ts` in milliseconds (int64, rising)."""

    ts: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray


@dataclass(frozen=True, slots=True)
class Trades:
    """The table of trades: times in milliseconds, `closed` -1 for one that is still open."""

    opened: np.ndarray
    closed: np.ndarray
    instrument: np.ndarray
    side: np.ndarray
    entry_price: np.ndarray
    result: np.ndarray
    returns: np.ndarray
    fees: np.ndarray
    bars: np.ndarray

    @property
    def closed_rows(self) -> np.ndarray:
        """Rows of closed trades, in the order in which they were closed."""
        rows = np.flatnonzero(self.closed >= 0)
        return rows[np.argsort(self.closed[rows], kind="stable")]


class StoredRun:
    """A finished run. Everything raises `result_unreadable` when a file is gone or damaged."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._id = run_id
        self.result: BacktestResult = read_result(folder, run_id)
        self.bars = cache(self._read_bars)
        self.trades = cache(self._read_trades)

    @property
    def home(self) -> Instrument:
        """The instrument whose zone and calendar the run is counted by."""
        return self.result.instruments[0]

    @property
    def starting_equity(self) -> float:
        """What the run began with."""
        metrics = self.result.metrics
        return round((metrics.final_equity or 0.0) - (metrics.net_profit or 0.0), 8)

    def table(self, series: str) -> pa.Table:
        """Read one table at full detail."""
        try:
            with pa.memory_map(str(self._folder / f"{series}.0.arrow")) as file, pa.ipc.open_stream(file) as stream:
                return stream.read_all()
        except (OSError, pa.ArrowException) as error:
            raise TinoError("result_unreadable", id=self._id, reason=f"{series} cannot be read") from error

    def equity(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the time (int64, milliseconds) and equity (float64) of every bar."""
        table = self.table("equity")
        return _instants(table["ts"]), table["equity"].to_numpy()

    def buy_and_hold(self, axis: np.ndarray) -> np.ndarray:
        """Give, at each time of the axis, what 1 in equal parts of every instrument's first close has become."""
        total = np.zeros(len(axis))
        for instrument in self._finest:
            bars = self.bars(instrument)
            growth = np.append(1.0, bars.close / bars.close[0])
            total += growth[np.searchsorted(bars.ts, axis, side="right")]
        return total / max(1, len(self._finest))

    def exit_prices(self) -> np.ndarray:
        """By row of the table of trades; NaN while nothing was closed."""
        return _numbers(self.table("trades")["exitPrice"])

    @cached_property
    def _finest(self) -> dict[str, SeriesInfo]:
        """By instrument, its series with most bars, which is the one that values a position."""
        found: dict[str, SeriesInfo] = {}
        for info in self.result.series:
            if info.kind != "bars" or info.bar_type is None:
                continue
            owner = next((item.id for item in self.result.instruments if info.bar_type.startswith(f"{item.id}-")), None)
            if owner is not None and (owner not in found or info.rows > found[owner].rows):
                found[owner] = info
        return found

    def _read_bars(self, instrument: str) -> StoredBars:
        if instrument not in self._finest:
            raise TinoError("result_unreadable", id=self._id, reason=f"it has no bars of {instrument}")
        table = self.table(self._finest[instrument].id)
        return StoredBars(_instants(table["ts"]), *(table[name].to_numpy() for name in ("high", "low", "close")))

    def _read_trades(self) -> Trades:
        table = self.table("trades")
        return Trades(
            opened=_instants(table["opened"]),
            closed=_instants(table["closed"]),
            instrument=_texts(table["instrument"]),
            side=_texts(table["side"]),
            entry_price=_numbers(table["entryPrice"]),
            result=_numbers(table["result"]),
            returns=_numbers(table["return"]),
            fees=_numbers(table["fees"]),
            bars=_numbers(table["bars"]),
        )


def _instants(column: pa.ChunkedArray) -> np.ndarray:
    """Give milliseconds, -1 where there is none."""
    unit = 1_000_000 if column.type.unit == "ns" else 1
    values = column.cast(pa.int64())
    known = np.asarray(values.fill_null(-unit))
    return known // unit


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).fill_null(np.nan))


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist(), dtype=object)
