"""Adjusting, reading and thinning what is stored."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rig import DAY_NS, imported_series, make_bars, part, store_series
from tino_engine.contracts import CorporateAction
from tino_engine.data import Series, day_of, prices, sample, serving
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.data.store import Bars

AAPL = sample.INSTRUMENTS[0]
NOON = 951_930_000_000_000_000
"""2000-03-01 17:00 UTC, noon in New York."""


def split(day: str, ratio: float) -> CorporateAction:
    return CorporateAction(ex_day=day, kind="split", value=ratio)


def dividend(day: str, cash: float) -> CorporateAction:
    return CorporateAction(ex_day=day, kind="dividend", value=cash)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def samples(folder: Path) -> dict[str, Series]:
    return imported_series(folder)


# -- adjusting -------------------------------------------------------------------------------------------------------


def test_splits_by_hand(samples: dict[str, Series], folder: Path) -> None:
    prepared = prices.prepare(samples["AAPL"], "splits", folder / "adjusted")
    adjusted = prices.read(prepared)
    # 130.31 / 4 and 9 616 100 · 4 on the first day; nothing changed on the last.
    assert (adjusted["close"][0], adjusted["volume"][0]) == (32.5775, 38_464_400)
    assert (adjusted["close"][-1], adjusted["volume"][-1]) == (430.47, 19_730_300)
    # The two closes around the second split, 88.99 and 44.86.
    days = [day_of(AAPL, ts) for ts in adjusted["ts"].tolist()]
    place = days.index("2005-02-28")
    assert adjusted["close"][place - 1 : place + 1].tolist() == [44.495, 44.86]


def test_the_return_over_an_ex_day_is_the_total_return(samples: dict[str, Series], folder: Path) -> None:
    adjusted = prices.read(prices.prepare(samples["MSFT"], "splitsAndDividends", folder / "adjusted"))["close"]
    stored = prices.read(samples["MSFT"].files)
    days = [day_of(AAPL, ts) for ts in stored["ts"].tolist()]
    place = days.index("2004-11-15")
    # 29.97 before, 27.39 after, 3.08 paid.
    assert adjusted[place] / adjusted[place - 1] == pytest.approx((27.39 + 3.08) / 29.97, rel=1e-7)


def test_dividends_alone_move_nothing_when_only_splits_are_wanted(samples: dict[str, Series], folder: Path) -> None:
    assert prices.prepare(samples["IBM"], "splits", folder / "adjusted").catalog == folder / "catalog"
    assert prices.prepare(samples["IBM"], "none", folder / "adjusted").instrument == samples["IBM"].instrument


def test_the_adjusted_instrument_has_room_for_its_prices(samples: dict[str, Series], folder: Path) -> None:
    # The smallest factor is a little under 1/4: four decimals stored, two more, one for the power of ten.
    prepared = prices.prepare(samples["AAPL"], "splitsAndDividends", folder / "adjusted")
    assert (prepared.instrument.price_precision, prepared.instrument.price_increment) == (7, "0.0000001")
    assert prepared.instrument.model_copy(update={"price_precision": 4, "price_increment": "0.0001"}) == AAPL
    assert prepared.rows == 3270


@pytest.mark.parametrize("day", ["1999-12-31", "2000-03-01", "2000-03-06"])
def test_actions_outside_the_stored_days_do_not_count(tmp_path: Path, day: str) -> None:
    series = store_series(tmp_path, make_bars(4, first=NOON, step=DAY_NS), step="1-DAY", actions=(split(day, 2.0),))
    assert prices.prepare(series, "splits", tmp_path / "adjusted").catalog == tmp_path / "catalog"


def test_intraday_dividends_use_the_last_close_of_the_ex_day() -> None:
    # Hourly from noon: the ex-day 2000-03-02 holds rows 12 to 35.
    bars = make_bars(48, first=NOON, step=DAY_NS // 24)
    adjusted = prices.adjust(bars, AAPL, [dividend("2000-03-02", 1.0)])
    places = 10.0 ** (adjusted.price_precision - 4)
    close = bars.close[36] / 1e4
    np.testing.assert_allclose(adjusted.close[:13] / places, bars.close[:13] * close / (close + 1.0), rtol=1e-8)
    np.testing.assert_array_equal(adjusted.close[13:], bars.close[13:] * places)


def test_decimals_end_where_numbers_would_no_longer_be_exact() -> None:
    bars = make_bars(10, first=NOON, step=DAY_NS, precision=12)
    large = replace(bars, **{name: bars.column(name) * 10**6 for name in ("open", "high", "low", "close")})
    adjusted = prices.adjust(large, AAPL, [split("2000-03-05", 2.0)])
    adjusted.check()
    assert adjusted.price_precision == 15


ratios = st.sampled_from([2.0, 3.0, 7.0, 1.5, 0.1, 20.0])
actions = st.lists(
    st.one_of(
        st.builds(split, st.integers(1, 9).map("2000-03-0{}".format), ratios),
        st.builds(dividend, st.integers(1, 9).map("2000-03-0{}".format), st.floats(0.01, 20)),
    ),
    max_size=6,
)


@given(actions, st.integers(0, 1000))
def test_adjusting_keeps_what_bars_are(taken: list[CorporateAction], seed: int) -> None:
    bars = make_bars(60, first=NOON, step=DAY_NS // 6, seed=seed)
    adjusted = prices.adjust(bars, AAPL, taken)
    adjusted.check()
    np.testing.assert_array_equal(adjusted.ts, bars.ts)
    before, after = prices.to_columns(bars), prices.to_columns(adjusted)
    assert after["close"][-1] == before["close"][-1]
    # One factor a bar, for all of its prices, as near as a hundredth of what is stored.
    for name in ("open", "high", "low"):
        np.testing.assert_allclose(after[name] / after["close"], before[name] / before["close"], rtol=1e-6)
    # Value traded changes with dividends alone, but for the half share that a whole number of shares may be off.
    if all(action.kind == "split" for action in taken):
        off = np.abs(after["close"] * after["volume"] - before["close"] * before["volume"])
        assert (off <= after["close"] * 0.5 + before["close"] * before["volume"] * 1e-6).all()


# -- keeping what was adjusted -----------------------------------------------------------------------------------------


def test_prepared_once_used_again(samples: dict[str, Series], tmp_path: Path) -> None:
    first = prices.prepare(samples["AAPL"], "splits", tmp_path)
    stamps = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.parquet")}
    assert prices.prepare(samples["AAPL"], "splits", tmp_path) == first
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.parquet")} == stamps
    assert [entry.name for entry in tmp_path.iterdir()] == [first.catalog.name]


def test_what_goes_in_decides_the_name(samples: dict[str, Series], tmp_path: Path) -> None:
    aapl = samples["AAPL"]
    other = Series(aapl.instrument, aapl.bar_type, aapl.files, aapl.actions[:-1], aapl.hash)
    catalogs = {
        prices.prepare(aapl, "splits", tmp_path).catalog,
        prices.prepare(aapl, "splitsAndDividends", tmp_path).catalog,
        prices.prepare(other, "splitsAndDividends", tmp_path).catalog,
        prices.prepare(other, "splits", tmp_path).catalog,
    }
    # Fewer dividends make no difference to splits.
    assert len(catalogs) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda catalog: [file.unlink() for file in catalog.glob("data/bars/*/*")],
        lambda catalog: [file.unlink() for file in catalog.glob("data/equity/*/*")],
        lambda catalog: [file.write_bytes(b"") for file in catalog.glob("data/bars/*/*")],
        lambda catalog: catalog.rename(catalog.parent / "elsewhere"),
    ],
)
def test_a_cache_that_lost_something_is_made_anew(
    samples: dict[str, Series], tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    cache = tmp_path / "adjusted"
    first = prices.prepare(samples["MSFT"], "splits", cache)
    whole = prices.read(first)
    spoil(first.catalog)
    assert prices.prepare(samples["MSFT"], "splits", cache) == first
    np.testing.assert_array_equal(prices.read(first)["close"], whole["close"])


def test_a_second_process_may_be_faster(
    samples: dict[str, Series], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename
    others = []

    def late(self: Path, target: Path) -> Path:
        if not others:
            others.append(None)
            others[0] = prices.prepare(samples["AAPL"], "splits", tmp_path)  # type: ignore[call-overload]
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert prices.prepare(samples["AAPL"], "splits", tmp_path) == others[0]
    assert [entry.name for entry in tmp_path.iterdir()] == [others[0].catalog.name]  # type: ignore[union-attr]


PREPARE = """
import json, sys
from pathlib import Path
from tino_engine.data.prices import prepare, read
from tino_engine.data.series import Series
series, cache = Series.from_params(json.loads(sys.argv[1])), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for adjustment in ("splits", "splitsAndDividends"):
    prepared = prepare(series, adjustment, cache)
    print(prepared.catalog.name, prepared.rows, read(prepared)["close"].sum(), flush=True)
"""


def test_processes_at_once_agree(samples: dict[str, Series], tmp_path: Path) -> None:
    params = json.dumps(samples["MSFT"].to_params())
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [
        subprocess.Popen([sys.executable, "-c", PREPARE, params, str(tmp_path)], **pipes)  # type: ignore[call-overload]
        for _ in range(3)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        with ThreadPoolExecutor() as pool:
            answers = list(pool.map(lambda child: child.communicate("\n")[0], children))
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert len(set(answers)) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        line.split()[0] for line in answers[0].splitlines()
    )


def test_a_stray_file_beside_the_series_is_kept_out(tmp_path: Path) -> None:
    series = store_series(tmp_path, make_bars(100))
    store_series(
        tmp_path, make_bars(150)
    )  # A killed import of more rows: the file is there, the catalog knows nothing of it.
    prepared = prices.prepare(series, "none", tmp_path / "adjusted")
    assert (prepared.rows, prepared.catalog.parent) == (100, tmp_path / "adjusted")
    assert prepared.instrument == series.instrument


# -- reading ---------------------------------------------------------------------------------------------------------


@given(st.integers(-5, 1005), st.integers(-5, 1005), st.integers(-1, 1), st.integers(-1, 1))
def test_exactly_the_bars_of_a_range(from_row: int, to_row: int, from_off: int, to_off: int) -> None:
    series, bars = RANGES
    first, last = (
        int(bars.ts[0]) + row * 60_000_000_000 + off for row, off in ((from_row, from_off), (to_row, to_off))
    )
    columns = prices.read(series.files, max(first, 0), max(last, 0))
    inside = (bars.ts >= first) & (bars.ts <= last)
    assert columns["ts"].tolist() == bars.ts[inside].tolist()
    assert columns["close"].tolist() == (bars.close[inside] / 1e4).tolist()


@pytest.fixture(scope="module", autouse=True)
def _ranges(folder: Path) -> None:
    global RANGES
    bars = make_bars(1000)
    with pytest.MonkeyPatch.context() as patch:
        # Small row groups, so that ranges cross them.
        patch.setattr("tino_engine.data.store._ROW_GROUP", 64)
        RANGES = store_series(folder / "ranges", bars), bars


RANGES: tuple[Series, Bars]


@pytest.mark.parametrize("precision", [0, 2, 4, 9, 16])
@pytest.mark.parametrize("largest", [9, 10**6, 2**53 - 1])
def test_numbers_come_back_exactly(tmp_path: Path, precision: int, largest: int) -> None:
    random = np.random.default_rng(precision)
    low, high = np.sort(random.integers(1, largest + 1, (2, 500)), axis=0)
    bars = make_bars(500, precision=precision)
    bars = type(bars)(bars.ts, low, high, low, high, np.full(500, largest), precision, 0)
    columns = prices.read(store_series(tmp_path, bars).files)
    # The nearest float64 of the decimal, which is what Python reads from its digits.
    assert columns["high"].tolist() == [float(f"{value}e-{precision}") for value in high.tolist()]
    assert columns["volume"].tolist() == [float(largest)] * 500


def test_several_files_are_one_series(tmp_path: Path) -> None:
    bars = make_bars(300)
    cuts = [part(bars, 0, 100), part(bars, 100, 250), part(bars, 250, 300)]
    files = tuple(store_series(tmp_path, cut).files[0] for cut in cuts)
    everything = prices.read(files)
    assert everything["ts"].tolist() == bars.ts.tolist()
    middle = prices.read(files, int(bars.ts[90]), int(bars.ts[260]))
    assert middle["close"].tolist() == (bars.close[90:261] / 1e4).tolist()


# -- for viewers -----------------------------------------------------------------------------------------------------


def streamed(series: Series, cache: Path, *window: int | None) -> pa.Table:
    return pa.ipc.open_stream(serving.stream_bars(series, "none", cache, *window)).read_all()  # type: ignore[arg-type]


def test_columns_and_metadata(tmp_path: Path) -> None:
    series, bars = RANGES
    table = streamed(series, tmp_path, None, None, None)
    assert table.schema.names == ["ts", "open", "high", "low", "close", "volume"]
    assert table.schema.types == [pa.timestamp("ms", "UTC"), *[pa.float64()] * 5]
    assert table.schema.metadata == {b"level": b"0", b"rows": b"1000"}
    assert table["ts"].cast(pa.int64()).to_pylist() == (bars.ts // 1_000_000).tolist()


def test_a_merged_bar_is_the_same_in_every_window(tmp_path: Path) -> None:
    series, bars = RANGES
    whole = {row["ts"]: row for row in streamed(series, tmp_path, None, None, 100).to_pylist()}
    assert len(whole) == 63  # 1000 bars by 16
    at = (bars.ts // 1_000_000).tolist()
    window = streamed(series, tmp_path, at[200], at[499], 30)
    assert window.schema.metadata == {b"level": b"2", b"rows": b"300"}
    rows = window.to_pylist()
    # Rows 192 to 511: whole buckets.
    assert len(rows) == 20
    assert all(whole[row["ts"]] == row for row in rows)


def test_a_range_without_bars_is_a_table_without_rows(tmp_path: Path) -> None:
    series, bars = RANGES
    for window in ((0, 1), (int(bars.ts[-1]) // 1_000_000 + 1, None), (8_640_000_000_000_000, 8_640_000_000_000_000)):
        table = streamed(series, tmp_path, *window, 10)
        assert (table.num_rows, table.schema.metadata[b"rows"]) == (0, b"0")


# -- damage ----------------------------------------------------------------------------------------------------------


def flipped(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.write_bytes(b""), ""),
        (lambda file: file.write_bytes(b"ts,open,high\n1,2,3\n" * 10), ""),
        (lambda file: file.write_bytes(file.read_bytes()[:-100]), ""),
        (lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]), ""),
        (lambda file: file.write_bytes(flipped(file.read_bytes())), "CRC"),
    ],
)
def test_a_damaged_file_is_told_in_words(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    series = store_series(tmp_path, make_bars(2000), actions=(split("2001-09-10", 2.0),))
    spoil(series.files[0])
    for attempt in (lambda: prices.read(series.files), lambda: prices.prepare(series, "splits", tmp_path / "adjusted")):
        with pytest.raises(TinoError) as caught:
            attempt()
        assert caught.value.code == "data_corrupt"
        assert words in caught.value.body.message
        assert caught.value.body.message.startswith(f"The stored data of {series.bar_type} cannot be read: ")
        assert caught.value.body.hint == "Import it again; `tino demo` restores the sample."
    assert list((tmp_path / "adjusted").glob("*")) == []


def test_another_file_in_its_place_is_noticed(tmp_path: Path) -> None:
    series = store_series(tmp_path, make_bars(100))
    other = store_series(tmp_path / "other", make_bars(100, seed=2))
    series.files[0].write_bytes(other.files[0].read_bytes())
    with pytest.raises(TinoError, match="not the ones recorded"):
        prices.prepare(series, "none", tmp_path / "adjusted")
