"""Bars for a viewer: a range of a series, adjusted, thinned to the points there are, as an Arrow IPC stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tino_engine.data.days import MAX_NS, MIN_NS
from tino_engine.data.decimate import FACTOR, choose_level, merge_bars
from tino_engine.data.prices import locate_rows, prepare, to_columns
from tino_engine.data.store import BarTable

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.data.series import Series


def stream_bars(
    series: Series, adjustment: str, cache: Path, from_ms: int | None, to_ms: int | None, points: int | None
) -> bytes:
    """Give the bars whose close lies between two instants, both inclusive, in at most about `points` rows.

    Columns are `ts` (timestamp, ms, UTC) and `open high low close volume` (float64). The schema's metadata says `level`: a row
    merges 4^level stored bars, counted from the first of the series, and `rows`: how many stored bars lie in the range. The first
    and the last row are always whole, and so may reach beyond the range; in return a row is the same in every window.
    Raises `data_corrupt` and `disk_full`.
    """
    prepared = prepare(series, adjustment, cache)
    table = BarTable.open(prepared.files, prepared.bar_type)
    from_ns = MIN_NS if from_ms is None else min(max(from_ms * 1_000_000, MIN_NS), MAX_NS)
    to_ns = MAX_NS if to_ms is None else min(to_ms * 1_000_000 + 999_999, MAX_NS)
    start, stop = locate_rows(table, from_ns, to_ns)
    rows = stop - start
    level = 0 if points is None else choose_level(rows, points)
    merged = FACTOR**level
    columns = to_columns(table.read(start // merged * merged, min(-(-stop // merged) * merged, table.rows)))
    if level:
        columns = merge_bars(columns, np.arange(0, len(columns["ts"]), merged))
    arrays = {name: pa.array(values) for name, values in columns.items()}
    arrays["ts"] = pa.array(columns["ts"] // 1_000_000).view(pa.timestamp("ms", "UTC"))
    batch = pa.record_batch(arrays, metadata={"level": str(level), "rows": str(rows)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()
