"""Thinning keeps what the eye would miss."""

from __future__ import annotations

import math
from itertools import batched, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tino_engine.data.decimate import choose_level, merge_bars, min_max

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

finite = st.floats(-1e6, 1e6)


@st.composite
def buckets(draw: DrawFn, rows: int) -> np.ndarray:
    starts = draw(st.sets(st.integers(0, rows - 1))) | {0}
    return np.array(sorted(starts))


values = st.lists(st.one_of(finite, st.just(math.nan), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60).map(
    np.array
)


@st.composite
def bars_in_buckets(draw: DrawFn) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rows = draw(st.integers(1, 60))
    column = st.lists(finite, min_size=rows, max_size=rows).map(np.array)
    columns = {name: draw(column) for name in ("open", "high", "low", "close", "volume")}
    return {"ts": np.arange(rows) * 7, **columns}, draw(buckets(rows))


def slices(starts: np.ndarray, rows: int) -> list[slice]:
    return [slice(first, after) for first, after in pairwise([*starts.tolist(), rows])]


@given(bars_in_buckets())
def test_merged_bars_are_what_a_loop_gives(case: tuple[dict[str, np.ndarray], np.ndarray]) -> None:
    columns, starts = case
    merged = merge_bars(columns, starts)
    for number, part in enumerate(slices(starts, len(columns["ts"]))):
        cut = {name: values[part] for name, values in columns.items()}
        assert merged["ts"][number] == cut["ts"][-1]
        assert merged["open"][number] == cut["open"][0]
        assert merged["high"][number] == max(cut["high"])
        assert merged["low"][number] == min(cut["low"])
        assert merged["close"][number] == cut["close"][-1]
        assert merged["volume"][number] == pytest.approx(math.fsum(cut["volume"]), abs=1e-6)


@given(values, st.integers(1, 70))
def test_lowest_and_highest_come_in_the_order_they_happened(values: np.ndarray, width: int) -> None:
    pairs = min_max(values, width)
    assert len(pairs) == math.ceil(len(values) / width)
    for number, part in enumerate(batched(values.tolist(), width, strict=False)):
        present = [value for value in part if not math.isnan(value)]
        if not present:
            assert np.isnan(pairs[number]).all()
            continue
        low, high = min(present), max(present)
        expected = [high, low] if present.index(high) < present.index(low) else [low, high]
        assert pairs[number].tolist() == expected


def test_by_hand() -> None:
    pairs = min_max(np.array([1, 5, 2, np.nan, 9, 3, np.nan, np.nan, np.nan, 4.0]), 3)
    np.testing.assert_array_equal(pairs, [[1, 5], [9, 3], [np.nan, np.nan], [4, 4]])


@pytest.mark.parametrize("starts", [[], [1], [0, 0], [0, 3, 2], [0, 4]])
def test_buckets_that_do_not_tile_the_rows_are_refused(starts: list[int]) -> None:
    with pytest.raises(ValueError, match="tile"):
        merge_bars(dict.fromkeys(("ts", "open", "high", "low", "close", "volume"), np.zeros(4)), np.array(starts, int))


@given(st.integers(0, 10**8), st.integers(1, 10**6))
def test_the_finest_level_that_fits_is_chosen(rows: int, points: int) -> None:
    level = choose_level(rows, points)
    assert math.ceil(rows / 4**level) <= points
    assert level == 0 or math.ceil(rows / 4 ** (level - 1)) > points
