"""The embedded sample: stored as traded, its splits and dividends found, its adjusted closes met."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rig import imported_series, source_rows
from tino_engine.data import day_of, importing, prices, sample
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from data.rig import Row
    from tino_engine.data import Series
    from tino_engine.data.store import Bars


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def series(folder: Path) -> dict[str, Series]:
    return imported_series(folder)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    return source_rows()


SPLITS = {"AAPL": [("2000-06-21", 2.0), ("2005-02-28", 2.0)], "MSFT": [("2003-02-18", 2.0)]}

# What the companies paid a share, from their own records of dividends: amounts in order, each for a year of quarters if it
# does not say for how many payments.
DIVIDENDS = {
    "AAPL": "2.65:3",
    "FB": "",
    "GOOG": "",
    "IBM": "0.13 0.14 0.15 0.16 0.18 0.20 0.30 0.40 0.50 0.55 0.65 0.75 0.85",
    "MSFT": "0.08:1 0.16:1 0.08:1 3.08:1 0.08 0.09:3 0.10 0.11 0.13:8 0.16 0.20 0.23:2",
}


@pytest.mark.parametrize("symbol", DIVIDENDS)
def test_splits_and_dividends(series: dict[str, Series], symbol: str) -> None:
    actions = series[symbol].actions
    assert [(a.ex_day, a.value) for a in actions if a.kind == "split"] == SPLITS.get(symbol, [])
    paid = [a.value for a in actions if a.kind == "dividend"]
    expected = [text.partition(":") for text in DIVIDENDS[symbol].split()]
    assert paid == [float(amount) for amount, _, payments in expected for _ in range(int(payments or 4))]


@pytest.mark.parametrize(
    ("symbol", "day", "amount"),
    [
        ("MSFT", "2004-11-15", 3.08),
        ("AAPL", "2012-08-09", 2.65),
        ("IBM", "2012-05-08", 0.85),
        ("MSFT", "2003-02-19", 0.08),
    ],
)
def test_dividends_lie_on_their_days(series: dict[str, Series], symbol: str, day: str, amount: float) -> None:
    assert [a.value for a in series[symbol].actions if a.ex_day == day] == [amount]


@pytest.mark.parametrize("symbol", DIVIDENDS)
def test_every_adjusted_close_is_the_source_s(
    series: dict[str, Series], rows: dict[str, list[Row]], folder: Path, symbol: str
) -> None:
    adjusted = prices.read(prices.prepare(series[symbol], "splitsAndDividends", folder / "adjusted"))["close"]
    source = np.array([row.adjusted for row in rows[symbol]])
    # The source goes on adjusting for what came after its last row: one factor for all.
    later = source[-1] / float(rows[symbol][-1].close)
    np.testing.assert_allclose(adjusted * later, source, rtol=1e-6)


@pytest.mark.parametrize("symbol", DIVIDENDS)
def test_stored_as_traded(series: dict[str, Series], rows: dict[str, list[Row]], symbol: str) -> None:
    stored = prices.read(series[symbol].files)
    for name in ("open", "high", "low", "close", "volume"):
        assert stored[name].tolist() == [float(getattr(row, name)) for row in rows[symbol]]
    assert [day_of(series[symbol].instrument, ts) for ts in stored["ts"].tolist()] == [row.day for row in rows[symbol]]


def test_decimals_are_those_that_occur(rows: dict[str, list[Row]]) -> None:
    for instrument in sample.INSTRUMENTS:
        values = [value for row in rows[instrument.symbol] for value in (row.open, row.high, row.low, row.close)]
        places = [len(f"{value.normalize():f}".partition(".")[2]) for value in values]
        assert instrument.price_precision == max(places)
        assert instrument.price_increment == f"{Decimal(1).scaleb(-instrument.price_precision)}"


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        ("2000-03-31", "2000-03-31T21:00"),
        ("2000-04-03", "2000-04-03T20:00"),
        ("2000-10-27", "2000-10-27T20:00"),
        ("2000-10-30", "2000-10-30T21:00"),
        ("2007-03-09", "2007-03-09T21:00"),
        ("2007-03-12", "2007-03-12T20:00"),
        ("2007-11-02", "2007-11-02T20:00"),
        ("2007-11-05", "2007-11-05T21:00"),
        ("2013-03-01", "2013-03-01T21:00"),
    ],
)
def test_bars_close_with_the_session(series: dict[str, Series], rows: dict[str, list[Row]], day: str, utc: str) -> None:
    place = [row.day for row in rows["IBM"]].index(day)
    closes = prices.read(series["IBM"].files)["ts"]
    assert datetime.fromtimestamp(closes[place] / 1e9, UTC) == datetime.fromisoformat(f"{utc}:00+00:00")


def test_importing_again_changes_no_file(series: dict[str, Series], folder: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        files = (folder / "catalog").rglob("*.parquet")
        return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    before = state()
    assert imported_series(folder) == series
    assert state() == before
    assert len(before) == 10


def test_importing_again_restores_damaged_files(tmp_path: Path) -> None:
    series = imported_series(tmp_path)
    files = sorted((tmp_path / "catalog").rglob("*.parquet"))
    whole = [file.read_bytes() for file in files]
    for number, file in enumerate(files):
        file.write_bytes([b"", whole[number][: len(whole[number]) // 2], b"not parquet"][number % 3])
    assert imported_series(tmp_path) == series
    assert [file.read_bytes() for file in files] == whole


def test_sound_source_needs_no_repair(tmp_path: Path) -> None:
    imported = importing.import_sample(tmp_path)
    assert imported.notes == ()
    assert {item.source for item in imported.coverage} == {sample.SOURCE}


# -- rows that are wrong ---------------------------------------------------------------------------------------------

GOOD = (1, 10, 12, 9, 11, 100)


def repair(columns: list[np.ndarray]) -> tuple[Bars, tuple[str, ...]]:
    ts, open_, high, low, close, volume = columns
    return importing.repair(ts, open_, high, low, close, volume, 2, 0)


def repaired(*rows: tuple[int, int, int, int, int, int]) -> tuple[list[tuple[int, ...]], tuple[str, ...]]:
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    bars, notes = repair(columns)
    kept = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [tuple(int(value) for value in row) for row in zip(*kept, strict=True)], notes


@pytest.mark.parametrize(
    ("row", "becomes", "words"),
    [
        ((2, 10, 9, 12, 11, 5), (2, 10, 12, 9, 11, 5), "1 row with high and low widened to their prices"),
        ((2, 15, 12, 9, 11, 5), (2, 15, 15, 9, 11, 5), "1 row with high and low widened to their prices"),
        ((2, 10, 12, 9, 8, 5), (2, 10, 12, 8, 8, 5), "1 row with high and low widened to their prices"),
        ((2, 0, 12, 9, 11, 5), None, "1 row without usable prices or volume left out"),
        ((2, 10, 12, 9, -1, 5), None, "1 row without usable prices or volume left out"),
        ((2, 10, 12, 9, 11, -1), None, "1 row without usable prices or volume left out"),
    ],
)
def test_a_wrong_row_is_repaired_and_told(row: tuple[int, ...], becomes: tuple[int, ...] | None, words: str) -> None:
    kept, notes = repaired(GOOD, row)  # type: ignore[arg-type]
    assert kept == [GOOD] + ([becomes] if becomes else [])
    assert notes == (words,)


def test_order_and_duplicates() -> None:
    second, third, other = (2, 11, 13, 10, 12, 1), (3, 12, 14, 11, 13, 2), (2, 10, 10, 10, 10, 3)
    kept, notes = repaired(GOOD, third, second, other)
    assert kept == [GOOD, other, third]
    assert notes == ("1 row put in order of time", "1 row replaced by a later row of the same time")


row = st.tuples(st.integers(0, 5), *[st.integers(-1, 9)] * 5)


@given(st.lists(row.filter(lambda row: min(row) >= 0 and min(row[1:5]) > 0), min_size=1), st.lists(row))
def test_whatever_comes_bars_come_out(usable: list[tuple[int, ...]], others: list[tuple[int, ...]]) -> None:
    columns = [np.array(column, np.int64) for column in zip(*(others + usable), strict=True)]
    bars, _ = repair(columns)
    bars.check()


# -- adjusted closes that tell of something else ------------------------------------------------------------------------

DAYS = [date(2020, 1, day) for day in (1, 2, 3)]


@pytest.mark.parametrize(
    ("close", "factors", "expected"),
    [
        ([30.0, 10.0, 10.0], [1 / 3, 1, 1], ("split", 3.0)),
        ([30.0, 20.0, 20.0], [2 / 3, 1, 1], ("split", 1.5)),
        ([1.0, 10.0, 10.0], [10, 1, 1], ("split", 0.1)),
        ([10.0, 9.5, 9.5], [9.5 / 10.0, 1, 1], ("dividend", 0.5)),
        # Half of the price paid out: a small ratio, but the price did not fall accordingly.
        ([10.0, 10.0, 10.0], [0.5, 1, 1], ("dividend", 10.0)),
        ([10.0, 9.9, 9.9], [9.9 / (9.9 + 1 / 3), 1, 1], ("dividend", 0.333333333)),
    ],
)
def test_steps_of_the_factor(close: list[float], factors: list[float], expected: tuple[str, float]) -> None:
    closes = np.array(close)
    (action,) = importing.derive_actions(DAYS, closes, closes * np.array(factors), "X")
    assert (action.ex_day, action.kind, action.value) == ("2020-01-02", *expected)


def test_rows_without_a_close_are_passed_over() -> None:
    days = [date(2020, 1, day) for day in (1, 2, 3, 6)]
    (action,) = importing.derive_actions(days, np.array([30, np.nan, 0, 10.0]), np.array([10, 10, 10, 10.0]), "X")
    assert (action.ex_day, action.kind, action.value) == ("2020-01-06", "split", 3.0)


def test_a_step_that_is_neither_is_refused() -> None:
    closes = np.array([10.0, 10.0, 10.0])
    with pytest.raises(TinoError, match=r"on 2020-01-02 the adjusted close steps by 0\.9") as caught:
        importing.derive_actions(DAYS, closes, closes * np.array([1 / 0.9, 1, 1]), "X")
    assert caught.value.code == "data_corrupt"
