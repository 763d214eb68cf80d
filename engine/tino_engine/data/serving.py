"""Bars for a viewer: a range of a series, adjusted, thinned to the points there are, as an Arrow IPC stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tino_engine.data.days import MAX_NS, MIN_NS
from tino_engine.data.decimate import FACTOR, choose_level, merge_bars
from tino_engine.data.prices import locate_rows, prepare, to_columns
from tino_engine.data.resample import resample, resampled_type
from tino_engine.data.store import BarTable

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.data.bar_type import BarType
    from tino_engine.data.decimate import Columns
    from tino_engine.data.series import Series


def stream_bars(
    series: Series,
    adjustment: str,
    cache: Path,
    from_ms: int | None,
    to_ms: int | None,
    points: int | None,
    step: str | None = None,
) -> bytes:
    """Give the bars whose close lies between two instants, both inclusive, in at most about `points` rows.

    Columns are `ts` (timestamp, ms, UTC) and `open high low close volume` (float64). The schema's metadata says `level`: a row
    merges 4^level stored bars, counted from the first of the series, and `rows`: how many stored bars lie in the range. The first
    and the last row are always whole, and so may reach beyond the range; in return a row is the same in every window.
    With a `step`, rows are bars resampled to it (see `resample`), and `level` merges those.
    Raises `data_corrupt`, `disk_full` and `resample_not_coarser`.
    """
    target = None if step is None else resampled_type(series.bar_type, step)
    prepared = prepare(series, adjustment, cache)
    table = BarTable.open(prepared.files, prepared.bar_type)
    from_ns = MIN_NS if from_ms is None else min(max(from_ms * 1_000_000, MIN_NS), MAX_NS)
    to_ns = MAX_NS if to_ms is None else min(to_ms * 1_000_000 + 999_999, MAX_NS)
    if target is not None:
        return _resampled(table, series, adjustment, target, from_ns, to_ns, points)
    start, stop = locate_rows(table, from_ns, to_ns)
    rows = stop - start
    level = 0 if points is None else choose_level(rows, points)
    merged = FACTOR**level
    columns = to_columns(table.read(start // merged * merged, min(-(-stop // merged) * merged, table.rows)))
    if level:
        columns = merge_bars(columns, np.arange(0, len(columns["ts"]), merged))
    return _to_stream(columns, level, rows)


def _resampled(
    table: BarTable,
    series: Series,
    adjustment: str,
    target: BarType,
    from_ns: int,
    to_ns: int,
    points: int | None,
) -> bytes:
    """Resample the whole series and cut the range out of it: a bar must not depend on where a window begins."""
    left = series.actions if adjustment == "none" else ()
    bars = resample(table.read(), series.instrument, left, target)
    columns = to_columns(bars)
    start, stop = np.searchsorted(bars.ts, [from_ns, to_ns + 1 if to_ns < MAX_NS else to_ns]).tolist()
    rows = max(stop - start, 0)
    level = 0 if points is None else choose_level(rows, points)
    merged = FACTOR**level
    start, stop = start // merged * merged, min(-(-stop // merged) * merged, len(bars))
    columns = {name: values[start:stop] for name, values in columns.items()}
    if level:
        columns = merge_bars(columns, np.arange(0, len(columns["ts"]), merged))
    return _to_stream(columns, level, rows)


def _to_stream(columns: Columns, level: int, rows: int) -> bytes:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    arrays["ts"] = pa.array(columns["ts"] // 1_000_000).view(pa.timestamp("ms", "UTC"))
    batch = pa.record_batch(arrays, metadata={"level": str(level), "rows": str(rows)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()
