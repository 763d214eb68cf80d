"""The tables of a result: their levels, their pieces, their bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tino_engine.backtest.columns import BATCH_ROWS, COARSEST_ROWS, MANIFEST, MILLISECONDS, NANOSECONDS, ResultFolder
from tino_engine.backtest.results import read_series
from tino_engine.contracts import Drawing, SeriesQuery
from tino_engine.data.decimate import FACTOR
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 60 * 10**9


def make_axis(count: int) -> np.ndarray:
    return MINUTE * np.arange(1, count + 1, dtype=np.int64)


def make_bars(ts: np.ndarray, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    close = 100 + np.cumsum(random.normal(size=len(ts)))
    open_ = np.concatenate([[100.0], close[:-1]])
    return {
        "ts": ts,
        "open": open_,
        "high": np.maximum(open_, close) + 1,
        "low": np.minimum(open_, close) - 1,
        "close": close,
        "volume": random.integers(1, 100, len(ts)).astype(np.float64),
    }


def read(folder: Path, series: str, **query: object) -> pa.Table:
    data = read_series(folder, "run_x", series, SeriesQuery.model_validate(query))
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()


def milliseconds(table: pa.Table) -> list[int]:
    return table["ts"].cast(pa.int64()).to_pylist()


def test_bars_merge_and_lines_keep_their_extremes(tmp_path: Path) -> None:
    count = 70_003
    axis = make_axis(count)
    bars = make_bars(axis)
    random = np.random.default_rng(2)
    spiky = random.normal(size=count)
    spiky[34_567], spiky[12_345] = 1e6, -1e6
    folder = ResultFolder(tmp_path, axis)
    folder.write_bars("bars.0", "X-1-MINUTE-LAST-EXTERNAL", bars)
    folder.write_lines("equity", "equity", {"equity": spiky, "drawdown": bars["close"], "exposure": np.zeros(count)})
    infos = {info.id: info for info in folder.finish()}
    # 70 003 / 4^n until at most a thousand: 17 501, 4 376, 1 094, 274.
    assert infos["bars.0"].levels == infos["equity"].levels == 5
    for level in range(5):
        width = FACTOR**level
        merged, line = read(tmp_path, "bars.0", level=level), read(tmp_path, "equity", level=level)
        rows = -(-count // width)
        assert merged.num_rows == line.num_rows == rows
        assert milliseconds(merged) == milliseconds(line)
        ends = [min((bucket + 1) * width, count) - 1 for bucket in range(rows)]
        assert milliseconds(merged) == (axis[ends] // 10**6).tolist()
        for bucket in (0, 1, rows // 2, rows - 1):
            own = slice(bucket * width, min((bucket + 1) * width, count))
            row = {name: merged[name][bucket].as_py() for name in merged.column_names}
            assert row["open"] == bars["open"][own][0]
            assert row["high"] == bars["high"][own].max()
            assert row["low"] == bars["low"][own].min()
            assert row["close"] == bars["close"][own][-1]
            assert row["volume"] == bars["volume"][own].sum()
        values = line["equity"].to_numpy()
        assert (values.max(), values.min()) == (1e6, -1e6)
        assert values.argmax() > values.argmin()


@given(st.lists(st.one_of(st.just(np.nan), st.floats(-5, 5).map(lambda x: round(x, 1))), min_size=1, max_size=5000))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_each_pair_of_rows_is_the_extremes_of_its_stretch(tmp_path: Path, seed_values: list[float]) -> None:
    values = np.resize(np.array(seed_values), 4567)
    folder = ResultFolder(tmp_path, make_axis(len(values)))
    folder.write_lines("equity", "equity", {"equity": values})
    folder.finish()
    read_series.__globals__["_manifest"].cache_clear()
    for level in (1, 2):
        width = FACTOR**level
        line = read(tmp_path, "equity", level=level)["equity"].to_numpy()
        for pair in range(0, len(line) - 1, 2):
            stretch = values[pair * width : (pair + 2) * width]
            known = stretch[np.isfinite(stretch)]
            if not len(known):
                assert np.isnan(line[pair : pair + 2]).all()
                continue
            first, second = line[pair : pair + 2]
            assert {first, second} == {known.min(), known.max()}
            assert np.flatnonzero(stretch == first)[0] <= np.flatnonzero(stretch == second)[0]


@pytest.mark.parametrize("count", [1, 2, COARSEST_ROWS, COARSEST_ROWS + 1])
def test_short_runs_have_few_levels(tmp_path: Path, count: int) -> None:
    folder = ResultFolder(tmp_path, make_axis(count))
    folder.write_bars("bars.0", "X", make_bars(make_axis(count)))
    (info,) = folder.finish()
    assert (info.rows, info.levels) == (count, 1 if count <= COARSEST_ROWS else 2)


def test_a_slower_series_stands_on_the_same_grid(tmp_path: Path) -> None:
    axis = make_axis(20_000)
    slow = axis[99::100]
    folder = ResultFolder(tmp_path, axis)
    folder.write_bars("bars.0", "fast", make_bars(axis))
    folder.write_bars("bars.1", "slow", make_bars(slow))
    fast_info, slow_info = folder.finish()
    assert fast_info.levels == slow_info.levels
    for level in range(fast_info.levels):
        grid = set(milliseconds(read(tmp_path, "bars.0", level=level)))
        assert set(milliseconds(read(tmp_path, "bars.1", level=level))) <= grid


def test_any_range_is_a_stream_of_its_own(tmp_path: Path) -> None:
    count = 100_000
    axis = make_axis(count)
    folder = ResultFolder(tmp_path, axis)
    folder.write_bars("bars.0", "X", make_bars(axis))
    folder.finish()
    times = axis // 10**6
    for first, last in ((0, 10), (16_383, 16_384), (40_000, 60_000), (99_999, 99_999)):
        table = read(tmp_path, "bars.0", **{"from": int(times[first]), "to": int(times[last])})
        found = milliseconds(table)
        assert found[0] <= times[first]
        assert found[-1] >= times[last]
        assert len(found) <= last - first + 1 + 2 * BATCH_ROWS
        assert found == times[found[0] // 60_000 - 1 :][: len(found)].tolist()
    nothing = read(tmp_path, "bars.0", **{"from": int(times[-1]) + 1})
    assert (nothing.num_rows, nothing.schema.names[0]) == (0, "ts")
    assert read(tmp_path, "bars.0", points=2000).num_rows == 1563


def test_rows_have_their_types_and_span(tmp_path: Path) -> None:
    axis = make_axis(100)
    folder = ResultFolder(tmp_path, axis)
    opened = pa.array([int(axis[3]) + 1, int(axis[5])], pa.int64()).cast(NANOSECONDS)
    closed = pa.array([int(axis[9]) + 1, None], pa.int64()).cast(NANOSECONDS)
    folder.write_rows("trades", "trades", {"opened": opened, "closed": closed, "path": pa.array(["a", None])})
    folder.write_rows("log", "log", {"ts": pa.array([], MILLISECONDS), "message": pa.array([], pa.string())})
    trades, log = folder.finish()
    # A time between two milliseconds touches both; a trade without an end reaches to the last bar.
    assert (trades.from_, trades.to) == (int(axis[3]) // 10**6, int(axis[-1]) // 10**6)
    assert (log.rows, log.from_, log.to) == (0, None, None)
    assert read(tmp_path, "log").schema.field("ts").type == MILLISECONDS
    table = read(tmp_path, "trades")
    assert table.schema.field("opened").type == NANOSECONDS
    assert table["path"].to_pylist() == ["a", None]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    axis = make_axis(30_000)
    drawings = [Drawing(column="d0", label="x", pane="price")]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        folder = ResultFolder(tmp_path / name, axis)
        folder.write_bars("bars.0", "X", make_bars(axis))
        folder.write_lines("drawings", "drawings", {"d0": make_bars(axis)["close"]}, drawings)
        folder.finish()
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(names) == 9
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    manifest = json.loads((tmp_path / "a" / MANIFEST).read_text())
    assert manifest["series"][1]["info"]["drawings"] == [{"column": "d0", "label": "x", "pane": "price"}]


@pytest.mark.parametrize("name", ["bars.0.0.arrow", "bars.0.1.arrow", MANIFEST])
def test_a_full_disk_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to("/dev/full")
    axis = make_axis(30_000)
    folder = ResultFolder(tmp_path, axis)

    def write() -> None:
        folder.write_bars("bars.0", "X", make_bars(axis))
        folder.finish()

    with pytest.raises(TinoError) as caught:
        write()
    assert caught.value.code == "disk_full"
    assert str(tmp_path) in caught.value.body.message
