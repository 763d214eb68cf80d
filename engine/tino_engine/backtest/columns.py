"""The tables of a result on disk: Arrow IPC streams that can be cut without being understood.

A stream is a schema message, record batches and an end mark. `manifest.json` says for each file how long the schema is and
where each batch lies and which time it covers, so the engine, which has no Arrow, answers a question for a range with bytes of
the file: the schema, the batches that touch the range, the end mark. `docs/adr/002-arrow-on-the-wire.md` has the figures.

**Levels.** Bars, equity and drawings share one time axis: every time at which the run had a bar. At level n a bucket is
`FACTOR`^n neighbouring times of it, and a row stands at the bucket's last time, in all of these tables alike: a viewer can lay
them over each other at any level. A row of bars merges the bucket's bars. Two neighbouring rows of a line carry the
lowest and the highest value of their two buckets together, in the order in which they happened, so no spike is lost.

The same input gives the same bytes: no identifiers, no clock. Nothing is synced: the engine renames the folder when it is
whole, and a run that a power cut damaged is noticed when it is read and can be repeated.
"""

from __future__ import annotations

import errno
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tino_engine.contracts import SeriesInfo
from tino_engine.data.decimate import FACTOR, merge_bars, min_max
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    from tino_engine.contracts import Drawing
    from tino_engine.data.decimate import Columns

BATCH_ROWS = 16_384
COARSEST_ROWS = 1_000
"""No further level is made of one that has at most so many rows."""

MANIFEST = "manifest.json"

MILLISECONDS = pa.timestamp("ms", "UTC")
NANOSECONDS = pa.timestamp("ns", "UTC")
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_ORDER = ("bars", "equity", "drawings", "strategies", "fills", "orders", "trades", "log")
_UNIT = {MILLISECONDS: 1, NANOSECONDS: 1_000_000}
_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class ResultFolder:
    """Writes the tables of one run. `axis` are the times of its bars: int64 nanoseconds, strictly rising.

    Every method raises `disk_full` when there is no room. Two threads may write different tables at once.
    """

    folder: Path
    axis: np.ndarray
    _entries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def levels(self) -> int:
        """Levels of detail of everything that lies on the axis."""
        levels, rows = 1, len(self.axis)
        while rows > COARSEST_ROWS:
            levels, rows = levels + 1, -(-rows // FACTOR)
        return levels

    def write_bars(self, series: str, bar_type: str, bars: Columns) -> None:
        """Write bars whose times are on the axis."""
        # The one series of a run makes the axis.
        alone = len(bars["ts"]) == len(self.axis)
        buckets = np.arange(len(self.axis)) if alone else np.searchsorted(self.axis, bars["ts"])
        names = [name for name in bars if name != "ts"]
        tables = []
        for level in range(self.levels):
            if level:
                buckets = buckets // FACTOR
                starts = np.flatnonzero(np.diff(buckets, prepend=-1))
                bars, buckets = merge_bars(bars, starts), buckets[starts]
            tables.append(_table(self._times(level)[buckets], {name: bars[name] for name in names}))
        self._write(series, "bars", tables, bar_type=bar_type)

    def write_lines(
        self,
        series: str,
        kind: Literal["equity", "drawings", "strategies"],
        lines: Mapping[str, np.ndarray],
        drawings: Sequence[Drawing] = (),
    ) -> None:
        """Write lines with a value (float64, NaN for none) at each time of the axis."""
        levels = {name: _coarsen(values, self.levels) for name, values in lines.items()}
        tables = [
            _table(self._times(level), {name: values[level] for name, values in levels.items()})
            for level in range(self.levels)
        ]
        self._write(series, kind, tables, drawings=drawings)

    def write_rows(
        self, series: str, kind: Literal["fills", "orders", "trades", "log"], columns: Mapping[str, pa.Array]
    ) -> None:
        """Write a table of one level. Its first column is a time; a column `closed` reaches on to when a row ends."""
        self._write(series, kind, [pa.table(dict(columns))])

    def finish(self) -> list[SeriesInfo]:
        """Write the manifest; give what there is, in an order that does not depend on which was written first."""
        self._entries.sort(
            key=lambda entry: (_ORDER.index(entry["info"]["kind"]), len(entry["info"]["id"]), entry["info"]["id"])
        )
        content = json.dumps({"series": self._entries}, separators=(",", ":")).encode()
        with _writing(self.folder):
            (self.folder / MANIFEST).write_bytes(content)
        return [SeriesInfo.model_validate(entry["info"]) for entry in self._entries]

    def _times(self, level: int) -> np.ndarray:
        """Last time of each bucket."""
        width = FACTOR**level
        ends = np.minimum(np.arange(0, len(self.axis), width) + width, len(self.axis)) - 1
        return self.axis[ends]

    def _write(
        self,
        series: str,
        kind: str,
        tables: Sequence[pa.Table],
        bar_type: str | None = None,
        drawings: Sequence[Drawing] = (),
    ) -> None:
        levels = [self._write_file(f"{series}.{level}.arrow", table) for level, table in enumerate(tables)]
        batches = levels[0]["batches"]
        self._entries.append(
            {
                "info": {
                    "id": series,
                    "kind": kind,
                    "barType": bar_type,
                    "rows": levels[0]["rows"],
                    "levels": len(levels),
                    "from": min((batch["from"] for batch in batches), default=None),
                    "to": max((batch["to"] for batch in batches), default=None),
                    "drawings": [drawing.model_dump(mode="json") for drawing in drawings],
                },
                "levels": levels,
            }
        )

    def _write_file(self, name: str, table: pa.Table) -> dict[str, Any]:
        # Message by message rather than by pyarrow's stream writer, which holds the schema back until the first batch.
        batches = []
        with _writing(self.folder), (self.folder / name).open("wb") as file:
            schema_bytes = file.write(table.schema.serialize())
            for batch in table.combine_chunks().to_batches(max_chunksize=BATCH_ROWS):
                offset = file.tell()
                length = file.write(batch.serialize())
                first, last = self._span(batch)
                batches.append({"offset": offset, "length": length, "rows": batch.num_rows, "from": first, "to": last})
            file.write(_END_OF_STREAM)
        return {"file": name, "rows": table.num_rows, "schemaBytes": schema_bytes, "batches": batches}

    def _span(self, batch: pa.RecordBatch) -> tuple[int, int]:
        """Give the first and the last millisecond that the rows of a batch touch."""
        unit = _UNIT[batch.column(0).type]
        ts = batch.column(0).cast(pa.int64()).to_numpy()
        first, last = int(ts.min()), int(ts.max())
        if "closed" in batch.schema.names:
            closed = batch.column("closed")
            last = max([last, *closed.cast(pa.int64()).drop_null().to_numpy()])
            if closed.null_count:  # A trade that is still open reaches to the end of the run.
                last = max(last, int(self.axis[-1]))
        return first // unit, -(-int(last) // unit)


def _table(ts: np.ndarray, columns: Mapping[str, np.ndarray]) -> pa.Table:
    """Build a table of numbers over time, which is cut to milliseconds."""
    times = pa.array(ts // _NS_PER_MS, pa.int64()).view(MILLISECONDS)
    return pa.table({"ts": times, **{name: pa.array(values) for name, values in columns.items()}})


def _coarsen(values: np.ndarray, levels: int) -> list[np.ndarray]:
    """Give a line at each level: a value a bucket.

    They are the lowest and the highest of each pair of buckets; of a last bucket without a neighbour its last value. The extremes of a
    level are found among those of the level before, which are in their order.
    """
    found = [values]
    extremes, width = values, 1
    for _ in range(1, levels):
        # Of a level's values, as many as become a pair: two buckets' worth of rows, or the extremes of as many pairs as they hold.
        extremes = min_max(extremes, 2 * FACTOR).ravel()
        width *= FACTOR
        buckets = -(-len(values) // width)
        found.append(np.append(extremes[: buckets - 1], values[-1]) if buckets % 2 else extremes)
    return found


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TinoError("disk_full", path=folder) from error
        raise
