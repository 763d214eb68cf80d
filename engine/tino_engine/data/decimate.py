"""Fewer rows for the pixels there are, without losing what the eye would miss: numpy only.

A bucket is a stretch of neighbouring rows; `starts` holds the number of the first row of each, strictly rising from 0.
"""

from __future__ import annotations

import numpy as np

type Columns = dict[str, np.ndarray]
"""A table by column name, all of one length. Of bars: `ts` int64 nanoseconds, the others float64."""

FACTOR = 4
"""Rows that one row of the next coarser level stands for."""


def merge_bars(columns: Columns, starts: np.ndarray) -> Columns:
    """Merge the bars of each bucket: first open, highest high, lowest low, last close, sum of volumes, last time of close."""
    ends = _ends(starts, len(columns["ts"]))
    return {
        "ts": columns["ts"][ends],
        "open": columns["open"][starts],
        "high": np.maximum.reduceat(columns["high"], starts),
        "low": np.minimum.reduceat(columns["low"], starts),
        "close": columns["close"][ends],
        "volume": np.add.reduceat(columns["volume"], starts),
    }


def min_max(values: np.ndarray, width: int) -> np.ndarray:
    """Give the lowest and the highest value of each bucket, in the order in which they first happened: shape (buckets, 2).

    A bucket is `width` neighbouring values, the last one what is left. NaN is no value; a bucket without any gives NaN twice.
    """
    buckets = -(-len(values) // width)
    rows = np.full((buckets, width), np.nan)
    rows.ravel()[: len(values)] = values
    missing = np.isnan(rows)
    lowest = np.where(missing, np.inf, rows).argmin(1)
    highest = np.where(missing, -np.inf, rows).argmax(1)
    first, second = np.minimum(lowest, highest), np.maximum(lowest, highest)
    return np.take_along_axis(rows, np.stack([first, second], 1), 1)


def choose_level(rows: int, points: int) -> int:
    """Give the finest level with at most `points` rows, where a row of level n merges `FACTOR`^n."""
    level = 0
    while -(-rows // FACTOR**level) > points:
        level += 1
    return level


def _ends(starts: np.ndarray, rows: int) -> np.ndarray:
    """Give the last row of each bucket. Raises ValueError for buckets that do not tile the rows."""
    if not len(starts) or starts[0] != 0 or starts[-1] >= rows or (np.diff(starts) <= 0).any():
        raise ValueError("buckets do not tile the rows")
    return np.append(starts[1:], rows) - 1
