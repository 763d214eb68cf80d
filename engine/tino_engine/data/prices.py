"""Prices of a run: what is stored as traded, adjusted on the way for splits and dividends.

**Factors.** A price before an ex-day is multiplied by the factors of all later actions: 1 / ratio for a split; for a dividend
d, `close / (close + d)` with the close of the ex-day, so that the return from the close before it is `(close + d) / close before - 1`:
the total return, as CRSP defines a holding-period return, and the factor that the source of the sample used. (Others
divide by the close before, `1 - d / close before`; the two differ by d times the day's own return.) Volumes before a split
are multiplied by its ratio. An action counts when stored bars lie on both sides of its ex-day, so the last stored price
always stands as it was traded.

**Decimals.** NautilusTrader takes prices with the instrument's own number of decimals only, and a factor needs more: the adjusted
instrument has two more than the stored one, and one more for each power of ten that the smallest factor takes away, so that
rounding is at least a hundred times finer than what was traded; fewer only where a price would have more digits than a
float64 holds. Its price increment is one unit of the last decimal.

**Where.** `none`, or a series without actions that count, is the stored catalog itself. Anything else is a catalog of its own below
a cache folder, named by a hash of all that went into it, built beside it and renamed into place: two processes that build
it at once waste some work and nothing else, and it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tino_engine.data.days import MAX_NS, MIN_NS, day_bounds, day_of
from tino_engine.data.instruments import has_instrument, write_instrument
from tino_engine.data.series import Series
from tino_engine.data.store import (
    EXACT,
    SCALE,
    Bars,
    BarTable,
    bars_folder,
    catalog_of,
    clean_incoming,
    sync_folder,
    write_bars,
    writing,
)
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tino_engine.contracts import CorporateAction, Instrument
    from tino_engine.data.decimate import Columns

__all__ = ["Prepared", "Series", "adjust", "day_bounds", "locate_rows", "prepare", "read", "read_times", "to_columns"]

_VERSION = 1
"""Of the factors above; a change makes every derived catalog anew."""

_PIECE = 65_536
"""Bars read at a time."""

_BUILDING = ".building-"
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Prepared:
    """A catalog whose bars have the chosen adjustment.

    `files` hold the series in order of time; `instrument` has the decimals that these bars have; `rows` counts all of them.
    """

    catalog: Path
    bar_type: str
    instrument: Instrument
    files: tuple[Path, ...]
    rows: int


def prepare(series: Series, adjustment: str, cache: Path) -> Prepared:
    """Give a catalog with the series adjusted: `none`, `splits` or `splitsAndDividends`.

    Raises `data_corrupt` when the stored files are not those recorded or cannot be read, `disk_full` when the adjusted
    ones cannot be written.
    """
    table = BarTable.open(series.files, series.bar_type)
    if table.hash != series.hash:
        raise TinoError("data_corrupt", barType=series.bar_type, reason="its files are not the ones recorded")
    actions = () if adjustment == "none" else _counting(series, table, adjustment)
    if not actions and _is_alone(series):
        catalog = catalog_of(series.files[0])
        return Prepared(catalog, series.bar_type, series.instrument, series.files, table.rows)
    instrument = series.instrument.model_dump(mode="json")
    taken = [action.model_dump(mode="json") for action in actions]
    key = json.dumps([_VERSION, series.hash, series.bar_type, instrument, taken], sort_keys=True)
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:32]
    return _find_derived(series, folder) or _derive(series, table, actions, folder)


def read(source: Prepared | Sequence[Path], from_ns: int = MIN_NS, to_ns: int = MAX_NS) -> Columns:
    """Read the bars whose close lies between two instants, both inclusive.

    Gives `ts` (int64, nanoseconds) and `open`, `high`, `low`, `close`, `volume` (float64), the nearest ones to the stored
    decimals. Raises `data_corrupt`.
    """
    table = BarTable.open(source.files if isinstance(source, Prepared) else source)
    start, stop = locate_rows(table, from_ns, to_ns)
    columns = {
        name: np.empty(stop - start, np.int64 if name == "ts" else np.float64)
        for name in ("ts", "open", "high", "low", "close", "volume")
    }
    # In pieces: all exact values at once would take five times the memory of what is made of them, and twice the time.
    for first in range(start, stop, _PIECE):
        after = min(first + _PIECE, stop)
        for name, values in to_columns(table.read(first, after)).items():
            columns[name][first - start : after - start] = values
    return columns


def read_times(source: Prepared, from_ns: int = MIN_NS, to_ns: int = MAX_NS) -> np.ndarray:
    """Read the closes alone of the bars that `read` gives: int64 nanoseconds. Raises `data_corrupt`."""
    table = BarTable.open(source.files)
    return table.times(*locate_rows(table, from_ns, to_ns))


def locate_rows(table: BarTable, from_ns: int, to_ns: int) -> tuple[int, int]:
    """Give the bars whose close lies between two instants, both inclusive: number of the first, and of the first after them."""
    start = table.find(from_ns)
    return start, max(start, table.find(to_ns + 1) if to_ns < MAX_NS else table.rows)


def to_columns(bars: Bars) -> Columns:
    """Give exact bars as numbers to compute with; see `read`."""
    price, size = 10.0**bars.price_precision, 10.0**bars.size_precision
    return {
        "ts": bars.ts,
        "open": bars.open / price,
        "high": bars.high / price,
        "low": bars.low / price,
        "close": bars.close / price,
        "volume": bars.volume / size,
    }


def adjust(bars: Bars, instrument: Instrument, actions: Sequence[CorporateAction]) -> Bars:
    """Adjust bars for all of these actions that count; see the treatise above for factors and decimals."""
    prices, volumes = np.ones(len(bars)), np.ones(len(bars))
    for action in actions:
        first, _ = day_bounds(instrument, action.ex_day, None)
        before = int(np.searchsorted(bars.ts, first))
        if before in (0, len(bars)):
            continue
        if action.kind == "split":
            prices[:before] /= action.value
            volumes[:before] *= action.value
        else:
            close = _ex_close(bars, instrument, before)
            prices[:before] *= close / (close + action.value)
    taken_away = max(0, math.ceil(-math.log10(prices.min()) - 1e-9))
    room = math.floor(math.log10(EXACT / (bars.high * prices).max())) + bars.price_precision
    precision = max(min(bars.price_precision + 2 + taken_away, SCALE, room), bars.price_precision)
    prices *= 10.0 ** (precision - bars.price_precision)

    def rounded(column: np.ndarray, factors: np.ndarray) -> np.ndarray:
        return np.rint(column * factors).astype(np.int64)

    return Bars(
        bars.ts,
        rounded(bars.open, prices),
        rounded(bars.high, prices),
        rounded(bars.low, prices),
        rounded(bars.close, prices),
        rounded(bars.volume, volumes),
        precision,
        bars.size_precision,
    )


def _ex_close(bars: Bars, instrument: Instrument, row: int) -> float:
    """Give the last close, in money, of the day that a row belongs to."""
    _, end = day_bounds(instrument, None, day_of(instrument, int(bars.ts[row])))
    last = int(np.searchsorted(bars.ts, end, side="right")) - 1
    return float(bars.close[last]) / 10.0**bars.price_precision


def _counting(series: Series, table: BarTable, adjustment: str) -> tuple[CorporateAction, ...]:
    """Give the actions that change a price: of the wanted kind, with stored bars before and from the ex-day on."""
    return tuple(
        action
        for action in series.actions
        if (action.kind == "split" or adjustment == "splitsAndDividends")
        and table.first < day_bounds(series.instrument, action.ex_day, None)[0] <= table.last
    )


def _is_alone(series: Series) -> bool:
    """Whether the folder of the series holds nothing else; a killed import may have left a file there."""
    present = {file.name for file in series.files[0].parent.glob("*.parquet")}
    return present == {file.name for file in series.files}


def _find_derived(series: Series, folder: Path) -> Prepared | None:
    """Give a derived catalog that is there, whole; one that lost a part counts as not there."""
    files = tuple(sorted((folder / bars_folder(series.bar_type)).glob("*.parquet")))
    if not files or not has_instrument(folder, series.instrument.id):
        return None
    try:
        table = BarTable.open(files, series.bar_type)
    except TinoError:
        return None
    return Prepared(
        folder, series.bar_type, _with_precision(series.instrument, table.price_precision), files, table.rows
    )


def _derive(series: Series, table: BarTable, actions: Sequence[CorporateAction], folder: Path) -> Prepared:
    bars = table.read()
    if actions:
        bars = adjust(bars, series.instrument, actions)
    instrument = _with_precision(series.instrument, bars.price_precision)
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clean(folder.parent)
        building = _aside(folder)
        try:
            write_bars(building, series.bar_type, instrument, bars)
            write_instrument(building, instrument)
            clean_incoming(building)
            return _put_in_place(building, folder, series)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def _put_in_place(building: Path, folder: Path, series: Series) -> Prepared:
    """Rename a finished catalog to its name; where another process was faster its equal one stays."""
    while True:
        try:
            building.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        else:
            sync_folder(folder.parent)
        if (prepared := _find_derived(series, folder)) is not None:
            return prepared
        if not building.exists():
            raise TinoError("data_corrupt", barType=series.bar_type, reason=f"{folder} was removed while it was made")
        # What stands there is damaged. It is moved away whole, since another process may be doing the same.
        with suppress(FileNotFoundError):
            folder.rename(_aside(folder))


def _aside(folder: Path) -> Path:
    return folder.parent / f"{_BUILDING}{uuid.uuid4().hex}"


def _clean(cache: Path) -> None:
    """Remove what killed processes left half-built an hour ago, and what was moved away."""
    for left in cache.glob(f"{_BUILDING}*"):
        try:
            abandoned = time.time() - left.stat().st_mtime > _ABANDONED_SECONDS
        except FileNotFoundError:
            continue
        if abandoned:
            shutil.rmtree(left, ignore_errors=True)


def _with_precision(instrument: Instrument, precision: int) -> Instrument:
    if precision == instrument.price_precision:
        return instrument
    increment = f"{10**-precision:.{precision}f}"
    return instrument.model_copy(update={"price_precision": precision, "price_increment": increment})
