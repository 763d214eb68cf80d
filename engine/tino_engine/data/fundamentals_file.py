"""Files of company figures. In child processes only: pyarrow reads them.

Columns `symbol`, `period` (the day that a period ends) and `known` (the first day on which its figures could be known), by these or other usual names;
then `field` and `value`, or one column of numbers for each field.
"""

# pyright: reportAttributeAccessIssue=false
# The functions of pyarrow.compute are made when it is imported; no stub knows them.

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from tino_engine.data.files import find_files
from tino_engine.data.rows import cast_where_possible, open_parquet
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.contracts import FundamentalsImportRequest
    from tino_engine.data.files import SourceFile

_NAMES = {
    "symbol": ("symbol", "ticker", "instrument", "instrumentid"),
    "period": ("period", "periodend", "fiscaldate", "fiscaldateending", "calendardate", "reportperiod", "date", "end"),
    "known": ("known", "knownon", "asof", "datekey", "filed", "filingdate", "reported", "reporteddate", "accepteddate"),
    "field": ("field", "item", "metric", "tag", "concept"),
    "value": ("value", "val", "amount"),
}
MOST_ROWS = 2_000_000


def read_fundamentals(request: FundamentalsImportRequest) -> list[list[Any]]:
    """Read files: `[symbol as written, field, period end, known on, value]` of each figure. Values that are empty are left out.

    Raises `import_known_missing`, `import_column_unknown`, `import_symbol_unknown`, `import_row_invalid`, `import_file_unreadable`, `import_no_rows`.
    """
    rows: list[list[Any]] = []
    for file in find_files(request.paths):
        rows += _rows(file, _read(file), request)
        if len(rows) > MOST_ROWS:
            raise TinoError(
                "import_file_unreadable", path=file.name, reason=f"there are more than {MOST_ROWS:,} figures"
            )
    if not rows:
        raise TinoError("import_no_rows", path=request.paths[0], reason="")
    return rows


def _read(file: SourceFile) -> pa.Table:
    if file.is_parquet:
        with open_parquet(file) as parquet:
            return parquet.read()
    try:
        with file.open() as stream:
            # All as text first: a column that holds one word among numbers is then told by its row.
            data = stream.read()
        names = csv.read_csv(pa.py_buffer(data), csv.ReadOptions(block_size=max(len(data), 1))).schema.names
        options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
        return csv.read_csv(pa.py_buffer(data), convert_options=options)
    except pa.ArrowException as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise TinoError("import_file_unreadable", field="paths", path=file.name, reason=reason) from error


def _rows(file: SourceFile, table: pa.Table, request: FundamentalsImportRequest) -> Iterator[list[Any]]:
    plain = {re.sub(r"[^a-z]", "", name.lower()): name for name in reversed(table.schema.names)}
    roles = {role: next((plain[word] for word in words if word in plain), None) for role, words in _NAMES.items()}
    if roles["symbol"] is None and request.symbol is None:
        raise TinoError("import_symbol_unknown", field="symbol", path=file.name)
    if roles["period"] is None:
        listed = ", ".join(table.schema.names[:20])
        raise TinoError("import_column_unknown", field="paths", path=file.name, column="period", available=listed)
    if roles["known"] is None and request.lag_days is None:
        raise TinoError("import_known_missing", field="lagDays", path=file.name)
    periods = _days(file, table, roles["period"])
    known = (
        _days(file, table, roles["known"])
        if roles["known"] is not None
        else [day + timedelta(days=request.lag_days or 0) for day in periods]
    )
    symbols = [request.symbol] * len(table) if roles["symbol"] is None else _texts(table, roles["symbol"])
    if roles["field"] is not None and roles["value"] is not None:
        fields = _texts(table, roles["field"])
        columns = [(fields, _numbers(file, table, roles["value"]))]
    else:
        others = [name for name in table.schema.names if name not in roles.values()]
        columns = [([name] * len(table), _numbers(file, table, name)) for name in others]
    for fields, values in columns:
        for row, value in enumerate(values):
            if value is None or not math.isfinite(value):
                continue
            symbol, field = symbols[row], fields[row]
            if not symbol or not field:
                raise _invalid(file, row, "it names no symbol or no field")
            if known[row] < periods[row]:
                raise _invalid(file, row, f"known on {known[row]}, before the period ended on {periods[row]}")
            yield [symbol, field, periods[row].isoformat(), known[row].isoformat(), value]


def _texts(table: pa.Table, name: str) -> list[str]:
    return [(text or "").strip() for text in pc.cast(table[name], pa.string()).to_pylist()]


def _days(file: SourceFile, table: pa.Table, name: str) -> list[date]:
    days = []
    for row, value in enumerate(table[name].to_pylist()):
        if isinstance(value, datetime):
            days.append(value.date())
        elif isinstance(value, date):
            days.append(value)
        else:
            try:
                days.append(date.fromisoformat(str(value)[:10]))
            except ValueError as error:
                raise _invalid(file, row, f"{name} “{value}” is no day such as 2020-03-31") from error
    return days


def _numbers(file: SourceFile, table: pa.Table, name: str) -> list[float | None]:
    column = table[name].combine_chunks()
    if pa.types.is_string(column.type):
        numbers = cast_where_possible(column, pa.float64()) if len(column) else pc.cast(column, pa.float64())
        lost = pc.and_(pc.is_null(numbers), pc.is_valid(column)).to_pylist()
        if True in lost:
            row = lost.index(True)
            raise _invalid(file, row, f"{name} “{column[row].as_py()}” is no number")
        column = numbers
    try:
        return pc.cast(column, pa.float64()).to_pylist()
    except pa.ArrowException as error:
        raise _invalid(file, 0, f"{name} holds no numbers") from error


def _invalid(file: SourceFile, row: int, reason: str) -> TinoError:
    # The first row of a CSV file stands below its header; of Parquet it is the number of the row.
    return TinoError(
        "import_row_invalid", field="paths", path=file.name, line=row + (1 if file.is_parquet else 2), reason=reason
    )
