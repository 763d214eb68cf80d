"""Holding a repeated run against the stored one: every column of every table but the log, every metric, every count of orders.

What is compared is what a run decides: the bytes of the values, floats by their bits. Times of the wall, versions, the text of the log and what it says of
itself in words are left out. Coarser levels of a table follow from the finest, which is the one that is compared.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tino_engine.backtest.results import RESULT, level_files
from tino_engine.contracts import Difference
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIGURES = {"metrics": "metrics", "outcome": "orders"}
"""Parts of a result that are compared, and what a difference calls them."""

_BITS = {4: np.uint32, 8: np.uint64}


def compare(stored: Path, repeated: Path, result: dict[str, Any], run_id: str) -> dict[str, Any]:
    """Compare two folders of results; `result` is the repeated `BacktestResult`, which is not in its folder yet.

    Gives `rows`, `hash` and `difference` of a `Reproduction`. Raises `result_unreadable` when the stored one is damaged.
    """
    digest = hashlib.sha256()
    try:
        difference = _compare_figures(json.loads((stored / RESULT).read_bytes()), result, digest)
        found, rows = _compare_tables(stored, repeated, digest)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise TinoError("result_unreadable", id=run_id, reason="a file is missing or damaged") from error
    difference = difference or found
    return {
        "rows": rows,
        "hash": digest.hexdigest(),
        "difference": None if difference is None else difference.model_dump(mode="json"),
    }


def _compare_figures(stored: dict[str, Any], repeated: dict[str, Any], digest: Any) -> Difference | None:
    found = None
    for part, name in _FIGURES.items():
        digest.update(json.dumps(repeated[part], sort_keys=True).encode())
        for key in sorted({*stored[part], *repeated[part]}):
            before, after = stored[part].get(key), repeated[part].get(key)
            if before != after and found is None:
                found = Difference(table=name, column=key, row=None, stored=str(before), repeated=str(after))
    return found


def _compare_tables(stored: Path, repeated: Path, digest: Any) -> tuple[Difference | None, int]:
    files = {
        folder: {name: file for name, file in level_files(folder) if name != "log"} for folder in (stored, repeated)
    }
    found, rows = None, 0
    for name in sorted({*files[stored], *files[repeated]}):
        sides = [files[folder].get(name) for folder in (stored, repeated)]
        if None in sides:
            there = ["missing" if side is None else "there" for side in sides]
            found = found or Difference(table=name, column="", row=None, stored=there[0], repeated=there[1])
            continue
        before, after = (pa.ipc.open_stream(pa.memory_map(str(side))).read_all() for side in sides)
        rows += after.num_rows
        digest.update(f"{name} {after.num_rows}\n".encode())
        if before.num_rows != after.num_rows:
            counts = f"{before.num_rows} rows", f"{after.num_rows} rows"
            found = found or Difference(table=name, column="", row=None, stored=counts[0], repeated=counts[1])
        found = _compare_columns(name, before, after, digest, found)
    return found, rows


def _compare_columns(
    name: str, before: pa.Table, after: pa.Table, digest: Any, found: Difference | None
) -> Difference | None:
    """Give the difference in the earliest row; of several in that row the one in the first column."""
    first: tuple[int, Difference] | None = None
    for column in dict.fromkeys([*before.column_names, *after.column_names]):
        if column not in before.column_names or column not in after.column_names:
            there = ["there" if column in table.column_names else "missing" for table in (before, after)]
            found = found or Difference(table=name, column=column, row=None, stored=there[0], repeated=there[1])
            continue
        digest.update(column.encode() + b"\n")
        row = None
        for start, left, right in _pieces(before[column], after[column]):
            values = [_canonical(side) for side in (left, right)]
            digest.update(values[1].tobytes() if values[1].dtype != object else "\0".join(values[1]).encode())
            if row is None and len(values[0]) == len(values[1]):
                unequal = np.flatnonzero(values[0] != values[1])
                row = start + int(unequal[0]) if len(unequal) else None
        if row is not None and (first is None or row < first[0]):
            texts = [str(table[column][row].as_py()) for table in (before, after)]
            first = row, Difference(table=name, column=column, row=row, stored=texts[0], repeated=texts[1])
    return found or (first[1] if first else None)


_PIECE = 65_536


def _pieces(before: pa.ChunkedArray, after: pa.ChunkedArray) -> Iterator[tuple[int, pa.ChunkedArray, pa.ChunkedArray]]:
    for start in range(0, max(len(before), len(after)), _PIECE):
        yield start, before.slice(start, _PIECE), after.slice(start, _PIECE)


def _canonical(values: pa.ChunkedArray) -> np.ndarray:
    """Give values that are equal when their bits are: numbers as whole numbers, anything else as text, a null as a text of its own."""
    kind = values.type
    if values.null_count == 0 and (
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind)
    ):
        plain = values.combine_chunks().cast(pa.int64()) if pa.types.is_timestamp(kind) else values.combine_chunks()
        array = np.ascontiguousarray(plain.to_numpy(zero_copy_only=False))
        return array.view(_BITS[array.itemsize]) if array.itemsize in _BITS else array
    return np.array([repr(value) for value in values.to_pylist()], dtype=object)
