"""Rows of a file to bars, a block at a time: what they say becomes exact numbers and instants, what cannot be read is reported.

A block of CSV is parsed by pyarrow with the columns' types, which is fast and all or nothing. When it refuses, the block is read
again line by line, so that the rows at fault are known by their lines and the others are kept.
"""

# pyright: reportAttributeAccessIssue=false
# The functions of pyarrow.compute are made when it is imported; no stub knows them.

from __future__ import annotations

import csv
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from tino_engine.data.bar_type import seconds_of
from tino_engine.data.files import read_blocks, reading
from tino_engine.data.store import EXACT
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tino_engine.contracts import ImportLayout, Instrument
    from tino_engine.data.files import SourceFile
    from tino_engine.data.problems import Problems

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")
UNITS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
"""Nanoseconds of a whole number in a time column, by its format."""

_NULLS = ["", "NaN", "nan", "null", "NULL", "None", "NA", "N/A", "n/a", "-", "--"]
_ZONED = r":\d\d.*(Z|z|[+-]\d\d:?\d\d)$"
_TIME = pa.timestamp("ns")
_DAY_NS = 86_400 * 10**9
_PARQUET_ROWS = 131_072


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of a block by the layout's roles, and where its rows stand in the file."""

    columns: dict[str, pa.Array]
    lines: np.ndarray
    text: Callable[[int], str]
    """Gives the row that stands at a line, for people."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that can be bars, in the order of the file. `values` by column, int64 multiples of the layout's precision."""

    ts: np.ndarray
    values: dict[str, np.ndarray]
    lines: np.ndarray
    symbols: pa.Array | None
    text: Callable[[int], str]


def digits(of: ImportLayout | Instrument, role: str) -> int:
    """Give how many decimals a value has in a layout, or in what is stored of an instrument."""
    return of.size_precision if role == "volume" else of.price_precision


def roles(layout: ImportLayout) -> dict[str, str]:
    """Give the column of each thing that a file holds."""
    columns = layout.columns.model_dump()
    return {role: name for role, name in columns.items() if name is not None}


def read_tables(
    file: SourceFile, layout: ImportLayout, problems: Problems, on_read: Callable[[int], None]
) -> Iterator[Table]:
    """Read a file in pieces. Raises `import_column_unknown`, `import_encoding`, `import_file_unreadable`."""
    if file.is_parquet:
        yield from _read_parquet(file, layout, on_read)
        return
    names: list[str] | None = None
    for block in read_blocks(file, layout.encoding, layout.skip_lines, on_read):
        data, first = block.data, block.first_line
        if names is None:
            names, data, first = _header(data, first, layout)
            _check_columns(file, layout, names)
        if data:
            yield _parse(file, layout, names, data, first, problems)


def header_names(line: str, delimiter: str) -> list[str]:
    """Give the names of a header; a column without one, or with one that was there before, is called by its number."""
    names: list[str] = []
    for number, cell in enumerate(next(csv.reader([line], delimiter=delimiter), []), 1):
        name = cell.strip()
        names.append(name if name and name not in names else str(number))
    return names


def _listed(names: Sequence[str]) -> str:
    """Give the names of columns as a sentence lists them."""
    shown = ", ".join(name[:40] for name in names[:20]) or "none"
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown


def _header(data: bytes, first: int, layout: ImportLayout) -> tuple[list[str], bytes, int]:
    while data.startswith((b"\n", b"\r\n")):  # Blank lines before it.
        data, first = data[data.find(b"\n") + 1 :], first + 1
    end = data.find(b"\n")
    line = data[: end if end >= 0 else len(data)].decode(errors="replace").strip("\r")
    names = header_names(line, layout.delimiter)
    if layout.header:
        return names, data[end + 1 :] if end >= 0 else b"", first + 1
    return [str(number) for number in range(1, len(names) + 1)], data, first


def column_unknown(file: SourceFile, role: str, column: str, names: Sequence[str]) -> TinoError:
    """Give the error for a column that a file does not have, which says what it has."""
    return TinoError(
        "import_column_unknown", field=f"choices.{role}", path=file.name, column=column, available=_listed(names)
    )


def _check_columns(file: SourceFile, layout: ImportLayout, names: Sequence[str]) -> None:
    for role, name in roles(layout).items():
        if name not in names:
            raise column_unknown(file, role, role, names)


def _parse(
    file: SourceFile, layout: ImportLayout, names: list[str], data: bytes, first: int, problems: Problems
) -> Table:
    wanted = roles(layout)
    bad = False

    def refuse(_row: arrow_csv.InvalidRow) -> str:
        nonlocal bad
        bad = True
        return "skip"

    def text(line: int) -> str:
        return data.split(b"\n", line - first + 1)[line - first].decode(errors="replace").strip()

    for time_type in _time_types(layout):
        types = {wanted[role]: pa.float64() for role in VALUES if role in wanted}
        types |= {wanted[role]: pa.string() for role in ("clock", "symbol") if role in wanted}
        types[wanted["time"]] = time_type
        try:
            table = arrow_csv.read_csv(
                pa.py_buffer(data),
                read_options=arrow_csv.ReadOptions(column_names=names, block_size=1 << 20),
                parse_options=arrow_csv.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=refuse),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=_NULLS,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    decimal_point=layout.decimal,
                ),
            )
        except pa.ArrowInvalid:
            continue
        if not bad and table.num_rows == data.count(b"\n"):
            columns = {role: table[name].combine_chunks() for role, name in wanted.items()}
            return Table(columns, np.arange(first, first + table.num_rows), text)
        break
    return _parse_slowly(file, layout, names, data, first, problems, text)


def _time_types(layout: ImportLayout) -> list[pa.DataType]:
    """Give the types to try for the column of times, the fastest first; none where no type will do."""
    if layout.thousands is not None:
        return []
    if layout.columns.clock is None and layout.time_format == "iso":
        return [_TIME, pa.string()]  # A time with a zone is refused as the first, at its first row.
    return [pa.int64(), pa.string()] if layout.time_format in UNITS else [pa.string()]


def _parse_slowly(
    file: SourceFile,
    layout: ImportLayout,
    names: list[str],
    data: bytes,
    first: int,
    problems: Problems,
    text: Callable[[int], str],
) -> Table:
    wanted = {role: names.index(name) for role, name in roles(layout).items()}
    lines: list[int] = []
    fields: list[int] = []
    cells: dict[str, list[str | None]] = {role: [] for role in wanted}
    for line, row in enumerate(data.decode(errors="replace").split("\n")[:-1], first):
        parts = next(csv.reader([row.rstrip("\r").replace("\0", "")], delimiter=layout.delimiter), [])
        if not parts:
            continue
        if len(parts) != len(names):
            fields.append(line)
            continue
        lines.append(line)
        for role, place in wanted.items():
            cell = parts[place].strip()
            cells[role].append(None if cell in _NULLS else cell)
    problems.add("fields", file.name, fields, text)
    columns = {role: pa.array(values, pa.string()) for role, values in cells.items()}
    lost = np.zeros(len(lines), bool)
    for role in VALUES:
        if role in columns:
            columns[role], wrong = _numbers(columns[role], layout)
            lost |= wrong
    places = np.array(lines, np.int64)
    problems.add("number", file.name, places[lost], text)
    kept = pa.array(~lost)
    return Table({role: column.filter(kept) for role, column in columns.items()}, places[~lost], text)


def _numbers(column: pa.Array, layout: ImportLayout) -> tuple[pa.Array, np.ndarray]:
    """Give texts as float64, and which of them are none."""
    column = pc.utf8_ltrim(column, characters="$€£¥ ")
    if layout.thousands:
        column = pc.replace_substring(column, layout.thousands, "")
    if layout.decimal == ",":
        column = pc.replace_substring(column, ",", ".")
    numbers = cast_where_possible(column, pa.float64())
    return numbers, (pc.is_null(numbers).to_numpy(zero_copy_only=False)) & (
        pc.is_valid(column).to_numpy(zero_copy_only=False)
    )


def cast_where_possible(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Cast; what cannot be cast becomes null. Halves are tried until the values at fault stand alone."""
    try:
        return pc.cast(column, type_)
    except pa.ArrowInvalid:
        if len(column) == 1:
            return pa.nulls(1, type_)
    middle = len(column) // 2
    parts = [cast_where_possible(column.slice(0, middle), type_), cast_where_possible(column.slice(middle), type_)]
    return pa.concat_arrays(parts)


@contextmanager
def open_parquet(file: SourceFile) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, wherever it lies. Raises `import_file_not_found` and `import_file_unreadable`, also while it is read."""
    try:
        with file.on_disk() as path, reading(file), pq.ParquetFile(path) as parquet:
            yield parquet
    except pa.ArrowException as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise TinoError("import_file_unreadable", field="paths", path=file.name, reason=reason) from error


def _read_parquet(file: SourceFile, layout: ImportLayout, on_read: Callable[[int], None]) -> Iterator[Table]:
    wanted = roles(layout)
    with open_parquet(file) as parquet:
        _check_columns(file, layout, parquet.schema_arrow.names)
        total, first = max(parquet.metadata.num_rows, 1), 1
        for batch in parquet.iter_batches(_PARQUET_ROWS, columns=list(dict.fromkeys(wanted.values()))):
            columns = {role: batch[name] for role, name in wanted.items()}
            for role in VALUES:
                if role in columns:
                    columns[role] = _as_floats(columns[role])

            def text(line: int, batch: pa.RecordBatch = batch, first: int = first) -> str:
                return ", ".join(str(value) for value in batch.slice(line - first, 1).to_pylist()[0].values())

            yield Table(columns, np.arange(first, first + batch.num_rows), text)
            first += batch.num_rows
            on_read(file.bytes * (first - 1) // total)


def _as_floats(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return cast_where_possible(column, pa.float64())
    return pc.cast(column, pa.float64(), safe=False)


def to_rows(table: Table, file: SourceFile, layout: ImportLayout, problems: Problems) -> Rows:
    """Make exact rows of what was read; what cannot be a bar is left out and reported. Raises `import_zones_mixed`."""
    count = len(table.lines)
    kept = np.ones(count, bool)

    def leave_out(kind: str, wrong: np.ndarray) -> None:
        nonlocal kept
        problems.add(kind, file.name, table.lines[wrong & kept], table.text)
        kept &= ~wrong

    ts, unclear = _instants(table, file, layout)
    leave_out("time", np.isnat(ts))
    whole = ts.astype(np.int64)
    problems.add("clockChange", file.name, table.lines[unclear & kept], table.text)
    floats = {
        role: table.columns[role].to_numpy(zero_copy_only=False) if role in table.columns else np.zeros(count)
        for role in VALUES
    }
    stacked = np.stack([floats[role] for role in PRICES])
    leave_out("missing", ~np.isfinite(stacked).all(axis=0))
    # A bar without a volume is worth having; one without a price is none.
    if not (known := np.isfinite(floats["volume"])).all():
        floats["volume"] = np.where(known, floats["volume"], 0.0)
    leave_out("price", (stacked <= 0).any(axis=0))
    leave_out("volume", floats["volume"] < 0)
    leave_out("early", whole <= 0)
    values: dict[str, np.ndarray] = {}
    rounded = np.zeros(count, bool)
    for role, column in floats.items():
        scaled = column * 10.0 ** digits(layout, role)
        leave_out("number", np.abs(scaled) >= EXACT)
        if not kept.all():
            scaled = np.where(kept, scaled, 0.0)
        nearest = np.rint(scaled)
        # A float64 has 53 bits: the product is off by a few units of its last one, and not by a thousandth of a tick.
        rounded |= np.abs(scaled - nearest) > np.maximum(1e-3, np.abs(scaled) * 1e-15)
        values[role] = nearest.astype(np.int64)
    problems.add("decimals", file.name, table.lines[rounded & kept], table.text)
    highest = np.maximum.reduce([values[role] for role in PRICES])
    lowest = np.minimum.reduce([values[role] for role in PRICES])
    crossed = (highest != values["high"]) | (lowest != values["low"])
    problems.add("highLow", file.name, table.lines[crossed & kept], table.text)
    values |= {"high": highest, "low": lowest}
    # A price that rounds to nothing is no price.
    leave_out("price", lowest <= 0)
    symbols = table.columns.get("symbol")
    if symbols is not None:
        leave_out("missing", symbols.is_null().to_numpy(zero_copy_only=False))
        symbols = pc.cast(symbols, pa.string())
    if kept.all():
        return Rows(whole, values, table.lines, symbols, table.text)
    return Rows(
        whole[kept],
        {role: column[kept] for role, column in values.items()},
        table.lines[kept],
        None if symbols is None else symbols.filter(pa.array(kept)),
        table.text,
    )


def _instants(table: Table, file: SourceFile, layout: ImportLayout) -> tuple[np.ndarray, np.ndarray]:
    """Give the closes of the bars as datetime64[ns], NaT where there is none, and which times the clock leaves unclear."""
    column = _joined(table)
    local, instants = _parse_times(column, table, file, layout)
    unclear = np.zeros(len(column), bool)
    if _is_daily(layout):
        day = local if local is not None else _to_local(instants, layout.zone)
        days = day.astype("datetime64[D]")
        hour, minute = (int(part) for part in layout.day_close.split(":"))
        local = days.astype("datetime64[ns]") + np.timedelta64(hour * 60 + minute, "m")
        return _to_instants(local, layout.zone)[0], unclear
    if local is not None:
        instants, unclear = _to_instants(local, layout.zone)
    assert instants is not None
    if layout.stamp == "open":
        instants = instants + np.timedelta64(int(seconds_of(layout.step) * 10**9), "ns")
    return instants, unclear


def read_instants(
    texts: Sequence[str], clocks: Sequence[str] | None, file: SourceFile, layout: ImportLayout
) -> np.ndarray:
    """Give the times that texts name, as they stand there, without those that cannot be read. Raises `import_zones_mixed`."""
    columns = {"time": pa.array([text or None for text in texts], pa.string())}
    if clocks is not None:
        columns["clock"] = pa.array([text or None for text in clocks], pa.string())
    table = Table(columns, np.arange(1, len(texts) + 1), str)
    local, instants = _parse_times(_joined(table), table, file, layout)
    times = local if local is not None else instants
    assert times is not None
    return times[~np.isnat(times)]


def _joined(table: Table) -> pa.Array:
    column = table.columns["time"]
    if (clock := table.columns.get("clock")) is None:
        return column
    return pc.binary_join_element_wise(pc.cast(column, pa.string()), pc.cast(clock, pa.string()), " ")


def _is_daily(layout: ImportLayout) -> bool:
    return seconds_of(layout.step) >= 86_400


def _parse_times(
    column: pa.Array, table: Table, file: SourceFile, layout: ImportLayout
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Give local times, or instants where the file says the zone; one of the two."""
    type_ = column.type
    if pa.types.is_date(type_):
        return _datetimes(pc.cast(column, _TIME)), None
    if pa.types.is_timestamp(type_):
        times = _datetimes(pc.cast(column, pa.timestamp("ns", type_.tz), safe=False))
        return (times, None) if type_.tz is None else (None, times)
    if unit := UNITS.get(layout.time_format):
        return None, _epochs(column, unit)
    texts = pc.cast(column, pa.string())
    if layout.time_format != "iso":
        return _datetimes(pc.strptime(texts, format=layout.time_format, unit="ns", error_is_null=True)), None
    try:
        return _datetimes(pc.cast(texts, _TIME)), None  # Refuses a time with a zone, so that there is none.
    except pa.ArrowInvalid:
        zoned = pc.fill_null(pc.match_substring_regex(texts, _ZONED), False)
    if not (pc.sum(zoned).as_py() or 0):
        return _datetimes(cast_where_possible(texts, _TIME)), None
    others = pc.and_(pc.invert(zoned), pc.is_valid(texts)).to_numpy(zero_copy_only=False)
    if others.any():
        line = int(table.lines[int(np.argmax(others))])
        raise TinoError("import_zones_mixed", field="choices.zone", path=file.name, line=line)
    return None, _datetimes(cast_where_possible(texts, pa.timestamp("ns", "UTC")))


def _epochs(column: pa.Array, unit: int) -> np.ndarray:
    numbers = (
        column if pa.types.is_integer(column.type) else cast_where_possible(pc.cast(column, pa.string()), pa.float64())
    )
    if pa.types.is_integer(numbers.type) and numbers.null_count == 0:
        whole = numbers.to_numpy()
        fits = (whole > 0) & (whole < np.iinfo(np.int64).max // unit)
        return np.where(fits, np.where(fits, whole, 0) * unit, np.iinfo(np.int64).min).view("datetime64[ns]")
    floats = pc.cast(numbers, pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    fits = (floats > 0) & (floats < 2**63 / unit - 1)
    # To the microsecond: that is what a float64 of seconds since the epoch can tell.
    micro = np.rint(np.where(fits, floats, 0) * (unit / 1000)).astype(np.int64) * 1000
    return np.where(fits, micro, np.iinfo(np.int64).min).view("datetime64[ns]")


def _datetimes(column: pa.Array) -> np.ndarray:
    return np.array(column.to_numpy(zero_copy_only=False), "datetime64[ns]")


def _to_local(instants: np.ndarray | None, zone: str) -> np.ndarray:
    times = pa.array(instants, _TIME, from_pandas=True).cast(pa.timestamp("ns", "UTC"))
    return _datetimes(pc.local_timestamp(pc.cast(times, pa.timestamp("ns", zone))))


def _to_instants(local: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    unclear = np.zeros(len(local), bool)
    if zone == "UTC":
        return local, unclear
    times = pa.array(local, _TIME, from_pandas=True)
    try:
        return _datetimes(pc.cast(pc.assume_timezone(times, zone), pa.timestamp("ns", "UTC"))), unclear
    except pa.ArrowInvalid:
        one, other = (
            _datetimes(
                pc.cast(pc.assume_timezone(times, zone, ambiguous=which, nonexistent=which), pa.timestamp("ns", "UTC"))
            )
            for which in ("earliest", "latest")
        )
        # Of a time that the clock skips these are the instants just before and just after: it is no time.
        skipped = other - one == np.timedelta64(1, "ns")
        one[skipped] = np.datetime64("NaT", "ns")
        return one, (one != other) & ~np.isnat(one)


def is_zone(name: str) -> bool:
    """Whether a zone is known."""
    try:
        datetime.now(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False
    return True
