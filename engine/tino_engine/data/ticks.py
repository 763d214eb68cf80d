"""Quotes, trades and changes of order books on disk, in the layout of NautilusTrader's Parquet catalog.

    <catalog>/data/{quotes,trades,order_book_deltas}/<instrument id>/<first>_<last>.parquet      one file for a UTC day

In memory they are Arrow tables with just those columns. A file is written complete or not at all, has the hash of its rows, and
counts when the database says so, as with bars (`store`). What a source gives for a span of time is all there was: writing
a span replaces what is stored of it and leaves the rest, so that writing it twice changes nothing.

Rows are in order of `ts_init`, when they were known. Of trades with one id at one time, and of quotes alike in everything, one
stays; changes of a book are kept as they come, for the same change may be made twice.
"""

# pyright: reportAttributeAccessIssue=false
# The functions of pyarrow.compute are made when it is imported; no stub knows them.

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tino_engine.data.store import (
    DECIMAL,
    HASH,
    TIME,
    free_name,
    int64_of,
    reading_series,
    to_decimals,
    to_whole,
    write_table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tino_engine.contracts import Instrument

type TickKind = Literal["quotes", "trades", "deltas"]

DAY_NS = 86_400 * 10**9
FOLDERS: dict[str, str] = {"quotes": "quotes", "trades": "trades", "deltas": "order_book_deltas"}
_NAMES = {"quotes": "QuoteTick", "trades": "TradeTick", "deltas": "OrderBookDelta"}
_WORD = pa.dictionary(pa.int8(), pa.string())
_TIMES = [pa.field("ts_event", TIME, nullable=False), pa.field("ts_init", TIME, nullable=False)]
_LONGEST_ID = 36
"""Signs of a trade's id, the most that NautilusTrader takes."""

SCHEMAS: dict[str, pa.Schema] = {
    "quotes": pa.schema(
        [pa.field(name, DECIMAL, nullable=False) for name in ("bid_price", "ask_price", "bid_size", "ask_size")]
        + _TIMES
    ),
    "trades": pa.schema(
        [
            pa.field("price", DECIMAL, nullable=False),
            pa.field("size", DECIMAL, nullable=False),
            pa.field("aggressor_side", _WORD, nullable=False),
            pa.field("trade_id", pa.string(), nullable=False),
            *_TIMES,
        ]
    ),
    "deltas": pa.schema(
        [
            pa.field("action", _WORD, nullable=False),
            pa.field("side", _WORD, nullable=False),
            pa.field("price", DECIMAL),
            pa.field("size", DECIMAL),
            pa.field("order_id", pa.uint64(), nullable=False),
            pa.field("flags", pa.uint8(), nullable=False),
            pa.field("sequence", pa.uint64(), nullable=False),
            *_TIMES,
        ]
    ),
}
"""Columns by kind, as NautilusTrader writes them. `aggressor_side` is BUY, SELL or NO_AGGRESSOR; `action` ADD, UPDATE, DELETE or
CLEAR, which has neither price nor size; `side` BUY, SELL or NO_ORDER_SIDE."""


@dataclass(frozen=True, slots=True)
class StoredTicks:
    """What is stored of a series. `files` are relative to the catalog, in order of time; `first` and `last` are nanoseconds."""

    files: tuple[str, ...]
    rows: int
    first: int
    last: int
    hash: str


@dataclass(frozen=True, slots=True)
class CheckedTicks:
    """Rows that can be stored, and how many were left out by what is wrong with them."""

    table: pa.Table
    left_out: dict[str, int]


def make_trades(
    ts: np.ndarray,
    price: np.ndarray,
    size: np.ndarray,
    sides: Sequence[str],
    ids: Sequence[str],
    instrument: Instrument,
) -> pa.Table:
    """Make a table of trades: times in nanoseconds, prices and sizes as whole multiples of the instrument's last decimals."""
    times = pa.array(ts, pa.int64()).view(TIME)
    columns = [
        to_decimals(price, instrument.price_precision),
        to_decimals(size, instrument.size_precision),
        pa.array(sides, pa.string()).dictionary_encode().cast(_WORD),
        pa.array(ids, pa.string()),
        times,
        times,
    ]
    return pa.table(columns, schema=SCHEMAS["trades"])


def make_quotes(
    ts: np.ndarray, bid: np.ndarray, ask: np.ndarray, bid_size: np.ndarray, ask_size: np.ndarray, instrument: Instrument
) -> pa.Table:
    """Make a table of quotes, in the same units."""
    times = pa.array(ts, pa.int64()).view(TIME)
    prices = [to_decimals(column, instrument.price_precision) for column in (bid, ask)]
    sizes = [to_decimals(column, instrument.size_precision) for column in (bid_size, ask_size)]
    return pa.table([*prices, *sizes, times, times], schema=SCHEMAS["quotes"])


def empty(kind: str) -> pa.Table:
    """Give a table without rows."""
    return SCHEMAS[kind].empty_table()


def check_ticks(kind: str, table: pa.Table, instrument: Instrument) -> CheckedTicks:
    """Put rows in order and leave out what NautilusTrader would not take: it would refuse to read the whole file.

    Raises ValueError when a number has more decimals than the instrument.
    """
    table = table.select(SCHEMAS[kind].names).cast(SCHEMAS[kind]).combine_chunks()
    left_out: dict[str, int] = {}

    def keep(rows: pa.ChunkedArray, words: str) -> None:
        nonlocal table
        kept = table.filter(rows)
        if kept.num_rows < table.num_rows:
            left_out[words] = left_out.get(words, 0) + table.num_rows - kept.num_rows
            table = kept

    zero = pa.scalar(0, pa.int64()).cast(DECIMAL)
    if kind == "trades":
        keep(pc.greater(table["size"], zero), "without a size")
        lengths = pc.utf8_length(table["trade_id"])
        keep(
            pc.and_(
                pc.and_(pc.greater(lengths, 0), pc.less_equal(lengths, _LONGEST_ID)),
                pc.string_is_ascii(table["trade_id"]),
            ),
            "without a usable id",
        )
    elif kind == "quotes":
        keep(
            pc.and_(pc.greater_equal(table["bid_size"], zero), pc.greater_equal(table["ask_size"], zero)),
            "with a size below zero",
        )
    order = np.argsort(int64_of(table["ts_init"]), kind="stable")
    if (np.diff(order) < 0).any():
        table = table.take(pa.array(order))
    if kind != "deltas" and table.num_rows:
        keep(pa.chunked_array([pa.array(_is_first(kind, table))]), "that stood there already")
    for name in SCHEMAS[kind].names:
        if SCHEMAS[kind].field(name).type == DECIMAL:
            digits = instrument.price_precision if "price" in name else instrument.size_precision
            to_whole(table[name].drop_null(), digits)
    return CheckedTicks(table.combine_chunks(), left_out)


def write_ticks(
    catalog: Path,
    kind: str,
    instrument: Instrument,
    stored: Sequence[Path],
    table: pa.Table,
    first: int,
    last: int,
) -> StoredTicks:
    """Put checked rows in the place of what is stored from `first` to `last`, both nanoseconds and inclusive.

    `stored` are the present files in order of time; gives those that count from now on, also when there is nothing new. The present
    ones stay as they are until the database says otherwise. Raises `disk_full`, `data_corrupt`, and ValueError when nothing is left.
    """
    days: dict[int, list[pa.Table]] = {}
    files: list[tuple[int, int, str, int, str]] = []
    for path in stored:
        begin, end, rows, hashed = _look(path, kind, instrument.id)
        if end < first or begin > last:
            files.append((begin, end, path.relative_to(catalog).as_posix(), rows, hashed))
            continue
        old = read_ticks([path], kind, instrument.id)
        times = int64_of(old["ts_init"])
        outside = old.filter(pa.array((times < first) | (times > last)))
        _divide(outside, days)
    _divide(table, days)
    for day in sorted(days):
        parts = pa.concat_tables(days[day]).unify_dictionaries().combine_chunks()
        order = np.argsort(int64_of(parts["ts_init"]), kind="stable")
        files.append(_write_day(catalog, kind, instrument, parts.take(pa.array(order)).combine_chunks()))
    if not files:
        raise ValueError("no rows")
    files.sort()
    hashes = [item[4] for item in files]
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return StoredTicks(
        tuple(item[2] for item in files), sum(item[3] for item in files), files[0][0], max(i[1] for i in files), whole
    )


def read_ticks(files: Sequence[Path], kind: str, instrument_id: str) -> pa.Table:
    """Read whole files, in order of time. Raises `data_corrupt`."""
    tables = [empty(kind)]
    for path in files:
        with reading_series(path, series_name(kind, instrument_id)):
            table = pq.ParquetFile(path, page_checksum_verification=True).read()
            tables.append(table.select(SCHEMAS[kind].names).cast(SCHEMAS[kind]))
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def series_name(kind: str, instrument_id: str) -> str:
    """Name a series of ticks, for people and errors: `BTCUSDT.BINANCE trades`."""
    return f"{instrument_id} {kind}"


def _look(path: Path, kind: str, instrument_id: str) -> tuple[int, int, int, str]:
    """Give first and last time, rows and hash of a file, from its footer."""
    with reading_series(path, series_name(kind, instrument_id)):
        parquet = pq.ParquetFile(path)
        kept = parquet.schema_arrow.metadata or {}
        if kept.get(b"type_name", b"").decode() != _NAMES[kind]:
            raise ValueError(f"{path.name} does not hold {kind}")
        place = parquet.schema_arrow.names.index("ts_init")
        groups = [
            parquet.metadata.row_group(i).column(place).statistics for i in range(parquet.metadata.num_row_groups)
        ]
        if not groups or any(group is None for group in groups):
            raise ValueError(f"{path.name} has no statistics")
        return groups[0].min_raw, groups[-1].max_raw, parquet.metadata.num_rows, kept.get(HASH, b"").decode()


def _divide(table: pa.Table, days: dict[int, list[pa.Table]]) -> None:
    numbers = int64_of(table["ts_init"]) // DAY_NS
    for day in np.unique(numbers).tolist():
        days.setdefault(day, []).append(table.filter(pa.array(numbers == day)))


def _write_day(catalog: Path, kind: str, instrument: Instrument, table: pa.Table) -> tuple[int, int, str, int, str]:
    times = int64_of(table["ts_init"])
    first, last = int(times[0]), int(times[-1])
    wanted = hash_ticks(kind, table)
    folder = f"data/{FOLDERS[kind]}/{instrument.id.replace('/', '')}"
    file = free_name(catalog, folder, first, last, wanted)
    target = catalog / file
    if not _holds(target, kind, wanted):
        metadata = {
            b"instrument_id": instrument.id,
            b"price_precision": str(instrument.price_precision),
            b"size_precision": str(instrument.size_precision),
            b"type_name": _NAMES[kind],
            HASH: wanted,
        }
        schema = SCHEMAS[kind].with_metadata(metadata)
        write_table(catalog, target, schema, [table.cast(schema)])
    return first, last, file, table.num_rows, wanted


def _holds(target: Path, kind: str, wanted: str) -> bool:
    if not target.exists():
        return False
    try:
        return hash_ticks(kind, pq.ParquetFile(target, page_checksum_verification=True).read()) == wanted
    except (OSError, pa.ArrowException):
        return False


def hash_ticks(kind: str, table: pa.Table) -> str:
    """Give the SHA-256 over the rows, whatever file and compression they are in."""
    digest = hashlib.sha256(f"{kind} 1 {table.num_rows}\n".encode())
    for field in SCHEMAS[kind]:
        column = table[field.name]
        digest.update(field.name.encode())
        if field.nullable:
            digest.update(column.is_valid().combine_chunks().cast(pa.uint8()).to_numpy().tobytes())
            column = column.fill_null(0)
        if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
            texts = column.cast(pa.string())
            digest.update(pc.binary_length(texts).combine_chunks().to_numpy().astype("<i4").tobytes())
            for chunk in texts.chunks:
                digest.update("".join(chunk.to_pylist()).encode())
        elif field.type == DECIMAL:
            for chunk in column.chunks:
                digest.update(chunk.buffers()[1][chunk.offset * 16 : (chunk.offset + len(chunk)) * 16])
        else:
            whole = column.cast(pa.int64()) if field.type == TIME else column
            digest.update(whole.combine_chunks().to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest()


def _is_first(kind: str, table: pa.Table) -> np.ndarray:
    """Tell of each row whether no row of the same time before it is the same."""
    times = int64_of(table["ts_init"])
    same_time = np.append(False, np.diff(times) == 0) | np.append(np.diff(times) == 0, False)
    first = np.ones(len(times), bool)
    places = np.flatnonzero(same_time)
    names = ["trade_id"] if kind == "trades" else ["bid_price", "ask_price", "bid_size", "ask_size"]
    rows = table.select(names).take(pa.array(places)).to_pylist()
    seen: set[tuple[object, ...]] = set()
    for place, row in zip(places.tolist(), rows, strict=True):
        key = (int(times[place]), *row.values())
        first[place] = key not in seen
        seen.add(key)
    return first
