"""A run as files for other programs: CSV (RFC 4180, instants in UTC as ISO 8601), JSON, Parquet, or a ZIP archive of several."""

from __future__ import annotations

import json
import math
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from tino_engine.backtest.tearsheet import find_excursions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tino_engine.backtest.stored import StoredRun

TABLES = ("trades", "orders", "fills", "equity", "log")
_FIRST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def export(run: StoredRun, summary: Mapping[str, Any], as_: str, table: str) -> bytes:
    """Give one table of a run, or all of them, in a format; `summary` is the run as JSON. Raises `result_unreadable`."""
    tables = {name: read_table(run, name) for name in (TABLES if table == "all" else (table,))}
    if as_ == "json":
        rows = {name: _to_rows(content) for name, content in tables.items()}
        document = {"run": summary, **rows} if table == "all" else rows[table]
        return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    write = _to_csv if as_ == "csv" else _to_parquet
    if table != "all":
        return write(tables[table])
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in tables.items():
            # Without a clock, so that the same run gives the same bytes.
            file.writestr(zipfile.ZipInfo(f"{name}.{as_}", _FIRST_ZIP_TIME), write(content), zipfile.ZIP_DEFLATED)
        file.writestr(zipfile.ZipInfo("run.json", _FIRST_ZIP_TIME), json.dumps(summary, indent=2), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def read_table(run: StoredRun, name: str) -> pa.Table:
    """Read a table at full detail; trades with what they went against and for their holder (`adverse`, `favourable`)."""
    table = run.table(name)
    if name != "trades":
        return table
    found = find_excursions(run)
    for column in ("adverse", "favourable"):
        table = table.append_column(column, pa.array(getattr(found, column), from_pandas=True))
    return table


def _to_csv(table: pa.Table) -> bytes:
    # Arrow would put the names into quotes, which they do not need.
    sink = BytesIO()
    sink.write(f"{','.join(table.column_names)}\n".encode())
    csv.write_csv(_with_texts(table), sink, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return sink.getvalue()


def _to_parquet(table: pa.Table) -> bytes:
    sink = BytesIO()
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _to_rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = {
        name: _plain(column) for name, column in zip(table.column_names, _with_texts(table).columns, strict=True)
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    values = column.to_pylist()
    if not pa.types.is_floating(column.type):
        return values
    return [value if value is not None and math.isfinite(value) else None for value in values]


def _with_texts(table: pa.Table) -> pa.Table:
    """Write instants as text, to the millisecond; a figure that is not defined becomes an empty one."""
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, _instant_texts(column))
        elif pa.types.is_floating(field.type):
            table = table.set_column(index, field.name, pa.array(column.to_numpy(), from_pandas=True))
    return table


def _instant_texts(column: pa.ChunkedArray) -> pa.Array:
    known = np.asarray(column.is_valid())
    at = np.asarray(column.cast(pa.int64()).fill_null(0))
    milliseconds = at // (1_000_000 if column.type.unit == "ns" else 1)
    texts = np.char.add(np.datetime_as_string(milliseconds.astype("datetime64[ms]")), "Z")
    return pa.array(texts, pa.string(), mask=~known)
