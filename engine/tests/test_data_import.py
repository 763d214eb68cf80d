"""Files of bars: how they are read, what is stored of them, and that an import happens wholly or not at all."""

from __future__ import annotations

import asyncio
import csv
import gzip
import os
import signal
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from data.rig import rig
from tino_engine.contracts import ImportRequest
from tino_engine.data import bar_import, prices
from tino_engine.data.series import Series
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import DataImport

MINUTES = "timestamp,open,high,low,close,volume\n"
BTC = (
    "1609459200000,28923.63000000,28961.66000000,28913.12000000,28961.66000000,27.45703200,1609459259999,794382,1292\n"
    "1609459260000,28961.67000000,29017.50000000,28961.01000000,29009.91000000,58.47750100,1609459319999,1695803,1651\n"
)


def request(*paths: Path, mode: str = "merge", bad_rows: str = "leaveOut", **choices: Any) -> ImportRequest:
    return ImportRequest.model_validate(
        {"paths": [str(path) for path in paths], "mode": mode, "badRows": bad_rows, "choices": choices}
    )


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def minute_rows(count: int, *, start: int = 0) -> str:
    rows = []
    for index in range(start, start + count):
        at = datetime.fromtimestamp(1_577_977_800 + 60 * index, UTC)
        price = Decimal(10_000 + index * 7 % 311) / 100
        low, high = price - Decimal("0.05"), price + Decimal("0.07")
        rows.append(f"{at:%Y-%m-%d %H:%M:%S}Z,{price},{high},{low},{price},{100 + index}\n")
    return "".join(rows)


class Import:
    """An import straight into a catalog, as the child does it."""

    def __init__(self, folder: Path) -> None:
        self.catalog = folder / "catalog"
        self.stored: dict[str, Series] = {}
        self.known: dict[str, Any] = {}

    def run(self, wanted: ImportRequest) -> dict[str, Any]:
        result = bar_import.import_files(self.catalog, wanted, self.known, self.stored, lambda _: None)
        for item in result["instruments"]:
            instrument = bar_import.Instrument.model_validate(item)
            self.known[instrument.id] = instrument
        for item in result["coverage"]:
            files = tuple(self.catalog / file for file in item["files"])
            instrument = self.known[item["instrumentId"]]
            self.stored[item["barType"]] = Series(instrument, item["barType"], files, (), item["hash"])
        assert list((self.catalog / ".incoming").iterdir()) == []
        return result

    def bars(self, bar_type: str) -> list[tuple[int, float, float, float, float, float]]:
        columns = prices.read(self.stored[bar_type].files)
        return list(zip(*(columns[name].tolist() for name in ("ts", *bar_import.VALUES)), strict=True))


# -- guessing ----------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "a download from Yahoo": (
        "AAPL.csv",
        (
            "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,74.06,75.15,73.80,75.09,73.0,135480400\n"
            "2020-01-03,74.29,75.14,74.13,74.36,72.3,146322800\n"
        ),
        "AAPL.SIM-1-DAY",
        ("iso", "America/New_York", 2, 0),
        ("2020-01-02T21:00", "74.06", "75.15", "73.80", "75.09", "135480400"),
    ),
    "Binance's, without a header": (
        "BTCUSDT-1m-2021-01.csv",
        BTC,
        "BTCUSDT.SIM-1-MINUTE",
        ("milliseconds", "UTC", 2, 6),
        ("2021-01-01T00:01", "28923.63", "28961.66", "28913.12", "28961.66", "27.457032"),
    ),
    "HistData's": (
        "DAT_ASCII_EURUSD_M1_2020.csv",
        "20200101 170000;1.121210;1.121210;1.121180;1.121180;0\n20200101 170100;1.121190;1.121230;1.121180;1.121220;0\n",
        "EURUSD.SIM-1-MINUTE",
        ("%Y%m%d %H%M%S", "UTC", 5, 0),
        ("2020-01-01T17:01", "1.12121", "1.12121", "1.12118", "1.12118", "0"),
    ),
    "MetaTrader's, with a column for the clock": (
        "EURUSD_M5.txt",
        (
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\n2020.01.02\t00:00:00\t1.1\t1.2\t1.0\t1.15\t3\n"
            "2020.01.02\t00:05:00\t1.1\t1.2\t1.0\t1.15\t3\n"
        ),
        "EURUSD.SIM-5-MINUTE",
        ("%Y.%m.%d %H:%M:%S", "UTC", 2, 0),
        ("2020-01-02T00:05", "1.10", "1.20", "1.00", "1.15", "3"),
    ),
    "German, of another encoding, with decimal commas": (
        "SAP.csv",
        "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n02.01.2020;120,50;121,10;119,90;120,88;1.234.567\n"
        "03.01.2020;120,00;121,00;119,00;120,10;1.034.567\n".encode("cp1252"),
        "SAP.SIM-1-DAY",
        ("%d.%m.%Y", "America/New_York", 2, 0),
        ("2020-01-02T21:00", "120.50", "121.10", "119.90", "120.88", "1234567"),
    ),
    "Nasdaq's, with dollars, newest first": (
        "MSFT.csv",
        (
            "Date,Close/Last,Volume,Open,High,Low\n12/31/2020,$132.69,99116590,$134.08,$134.74,$131.72\n"
            "12/30/2020,$133.72,96452120,$135.58,$135.99,$133.40\n"
        ),
        "MSFT.SIM-1-DAY",
        ("%m/%d/%Y", "America/New_York", 2, 0),
        ("2020-12-31T21:00", "134.08", "134.74", "131.72", "132.69", "99116590"),
    ),
    "UTF-16, with offsets, of half a year's summer time": (
        "SPY.XNYS.csv",
        (MINUTES + "2020-07-02 09:30:00-04:00,1.5,2,1,1.25,7\n2020-07-02 09:31:00-04:00,1.5,2,1,1.25,7\n").encode(
            "utf-16"
        ),
        "SPY.XNYS-1-MINUTE",
        ("iso", "America/New_York", 2, 0),
        ("2020-07-02T13:31", "1.50", "2.00", "1.00", "1.25", "7"),
    ),
    "of floats that were 32 bits long": (
        "KO.csv",
        (
            "Date,Open,High,Low,Close,Volume\n2020-01-02,54.9900016784668,55.1100006103516,54.5,54.9900016784668,1e6\n"
            "2020-01-03,54.3199996948242,54.9900016784668,54.0900001525879,54.6899986267090,2e6\n"
        ),
        "KO.SIM-1-DAY",
        ("iso", "America/New_York", 2, 0),
        ("2020-01-02T21:00", "54.99", "55.11", "54.50", "54.99", "1000000"),
    ),
}


@pytest.mark.parametrize(("name", "text", "series", "layout", "bar"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_file_explains_itself(
    tmp_path: Path, name: str, text: str | bytes, series: str, layout: tuple[str, str, int, int], bar: tuple[str, ...]
) -> None:
    read = bar_import.preview(request(write(tmp_path / name, text)), {})
    guessed = read.layout
    assert read.bar_types == [f"{series}-LAST-EXTERNAL"]
    assert (guessed.time_format, guessed.zone, guessed.price_precision, guessed.size_precision) == layout
    first = read.bars[0]
    at = datetime.fromtimestamp(first.ts / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    assert (at, first.open, first.high, first.low, first.close, first.volume) == bar
    assert read.problems == []


def test_what_is_chosen_is_taken(tmp_path: Path) -> None:
    text = "t|a|b|c|d\n2020-01-02 10:00|1,5|2|1|1.75\n2020-01-02 10:01|1|2|1|1\n"
    chosen = {
        "delimiter": "|", "decimal": ".", "thousands": ",", "time": "t", "open": "a", "high": "b", "low": "c", "close": "d",
        "symbol": "X.XLON", "zone": "Europe/London", "stamp": "close", "step": "2-MINUTE", "pricePrecision": 4,
    }  # fmt: skip
    read = bar_import.preview(request(write(tmp_path / "odd.txt", text), **chosen), {})
    assert read.bar_types == ["X.XLON-2-MINUTE-LAST-EXTERNAL"]
    # 1,5 is fifteen with a sign between groups: the high is widened to it.
    assert (read.bars[0].open, read.bars[0].high, read.bars[0].ts) == ("15.0000", "15.0000", 1_577_959_200_000)


REFUSED = {
    "a file that is not there": (None, {}, "import_file_not_found", "paths"),
    "an empty file": ("", {}, "import_no_rows", None),
    "a picture": (bytes(range(256)) * 40, {}, "import_file_unreadable", "paths"),
    "columns that say nothing": ("a,b\n1,2\n", {}, "import_column_unknown", "choices.time"),
    "a column that is not there": (MINUTES + "2020-01-02 10:00,1,1,1,1,1\n", {"close": "x"}, "import_column_unknown", "choices.close"),
    "one row, which tells no step": (MINUTES + "2020-01-02 10:00,1,1,1,1,1\n", {}, "import_step_unknown", "choices.step"),
    "an encoding that it does not have": ("zeit,close\né\n".encode("cp1252"), {"encoding": "utf-8", "time": "zeit", "step": "1-DAY"}, "import_encoding", "choices.encoding"),
    "an encoding that there is not": ("a\n", {"encoding": "utf-99"}, "import_layout_invalid", "choices.encoding"),
    "a zone that there is not": (MINUTES + "2020-01-02 10:00,1,1,1,1,1\n", {"zone": "Mars/Base", "step": "1-DAY"}, "import_layout_invalid", "choices.zone"),
    "a step that no bar has": (MINUTES + "2020-01-02 10:00,1,1,1,1,1\n", {"step": "7-MINUTE"}, "import_layout_invalid", "choices.step"),
    "times with and without a zone": (MINUTES + "2020-01-02 10:00Z,1,1,1,1,1\n2020-01-02 10:01,1,1,1,1,1\n", {}, "import_zones_mixed", "choices.zone"),
    "no row that is a bar": (MINUTES + "2020-01-02 10:00,0,0,0,0,1\n2020-01-02 10:01,,,,,1\n", {}, "import_no_rows", None),
    "a pair of nothing": (MINUTES + minute_rows(2), {"assetClass": "crypto", "currency": "USD", "symbol": "ABC"}, "import_layout_invalid", "choices.currency"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "choices", "code", "field"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_imported_is_said(
    tmp_path: Path, text: str | bytes | None, choices: dict[str, Any], code: str, field: str | None
) -> None:
    path = tmp_path / "ABC.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(TinoError) as error:
        Import(tmp_path).run(request(path, **choices))
    assert (error.value.code, error.value.body.field) == (code, field)
    assert list((tmp_path / "catalog").rglob("*.parquet")) == []


@pytest.mark.parametrize("name", ["x.csv.gz", "x.zip", "x.parquet"])
def test_a_broken_archive_is_said(tmp_path: Path, name: str) -> None:
    broken = gzip.compress(minute_rows(100).encode())[:50] if name.endswith("gz") else b"PK\x03\x04broken"
    with pytest.raises(TinoError) as error:
        Import(tmp_path).run(request(write(tmp_path / name, broken)))
    assert error.value.code == "import_file_unreadable"


# -- rows --------------------------------------------------------------------------------------------------------------

BAD = (
    MINUTES
    + """2020-01-02 09:30,10,11,9,10.5,100
2020-01-02 09:31,10,11,9,x,100
2020-01-02 09:32,10,8,9,10.5,100
2020-01-02 09:33,-10,11,9,10.5,100
2020-01-02 09:34,10,11,9,10.5

2020-01-02 09:31,10,11,9,NaN,100
2020-13-02 09:35,10,11,9,10.5,100
2020-01-02 09:36,10,11,9,10.5,100
2020-01-02 09:35,10,11,9,10.5,100
2020-01-02 09:35,10,11,9,10.5,100
2020-01-02 09:35,10,12,9,10.5,100
2020-01-02 09:37,10,11,9,10.5,-1
1969-01-02 09:38,10,11,9,10.5,1
2020-01-02 09:39,10,11,9,10.5551,
2020-03-08 02:30,10,11,9,10.5,1
2020-11-01 01:30,10,11,9,10.5,1
"""
)


def test_bad_rows_are_reported_with_their_lines_and_the_others_kept(tmp_path: Path) -> None:
    target = Import(tmp_path)
    result = target.run(request(write(tmp_path / "TST.csv", BAD), pricePrecision=3))
    found = {
        item["kind"]: (item["count"], [example["line"] for example in item["examples"]]) for item in result["problems"]
    }
    assert found == {
        "fields": (1, [6]),
        "number": (1, [3]),
        "time": (2, [9, 17]),
        "missing": (1, [8]),
        "price": (1, [5]),
        "volume": (1, [14]),
        "early": (1, [15]),
        "highLow": (1, [4]),
        "decimals": (1, [16]),
        "unsorted": (3, [11, 12, 13]),
        "repeated": (1, [12]),
        "conflict": (1, [12]),
        "clockChange": (1, [18]),
    }
    assert (
        next(item for item in result["problems"] if item["kind"] == "number")["examples"][0]["text"]
        == "2020-01-02 09:31,10,11,9,x,100"
    )
    zone = ZoneInfo("America/New_York")

    def ns(*when: int) -> int:
        return int(datetime(*when, tzinfo=zone).timestamp()) * 10**9  # type: ignore[arg-type]

    assert target.bars("TST.SIM-1-MINUTE-LAST-EXTERNAL") == [
        (ns(2020, 1, 2, 9, 31), 10, 11, 9, 10.5, 100),
        (ns(2020, 1, 2, 9, 33), 10, 10.5, 8, 10.5, 100),
        (ns(2020, 1, 2, 9, 36), 10, 12, 9, 10.5, 100),
        (ns(2020, 1, 2, 9, 37), 10, 11, 9, 10.5, 100),
        (ns(2020, 1, 2, 9, 40), 10, 11, 9, 10.555, 0),
        (ns(2020, 11, 1, 1, 31), 10, 11, 9, 10.5, 1),
    ]


def test_a_bad_row_stops_an_import_that_is_to_stop(tmp_path: Path) -> None:
    with pytest.raises(TinoError) as error:
        Import(tmp_path).run(request(write(tmp_path / "TST.csv", BAD), bad_rows="stop"))
    assert error.value.code == "import_row_invalid"
    assert ", line 6:" in error.value.body.message
    assert list((tmp_path / "catalog").rglob("*.parquet")) == []


@pytest.mark.parametrize("kind", ["csv", "gz", "zip", "folder", "parquet"])
def test_every_kind_of_file_gives_exactly_the_rows_of_the_source(tmp_path: Path, kind: str) -> None:
    text = MINUTES + minute_rows(3_000)
    source = list(csv.DictReader(text.splitlines()))
    match kind:
        case "csv":
            path = write(tmp_path / "in" / "T.csv", text)
        case "gz":
            path = write(tmp_path / "in" / "T.csv.gz", gzip.compress(text.encode()))
        case "zip":
            path = write(tmp_path / "in" / "T.zip", b"")
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a/T.csv", text)
        case "folder":
            path = tmp_path / "in"
            write(path / "T-2.csv", MINUTES + minute_rows(1_000, start=2_000))
            write(path / "deep" / "T-1.csv", MINUTES + minute_rows(2_000))
            write(path / "notes.md", "no data")
        case _:
            path = tmp_path / "T.parquet"
            frame = pd.DataFrame(
                {key: [float(row[key]) for row in source] for key in ("open", "high", "low", "close", "volume")}
            )
            frame.index = pd.DatetimeIndex([row["timestamp"] for row in source], name="timestamp")
            frame.to_parquet(path)
    target = Import(tmp_path)
    result = target.run(request(path, symbol="T.SIM"))
    bar_type = "T.SIM-1-MINUTE-LAST-EXTERNAL"
    assert result["problems"] == []
    assert [(item["outcome"], item["bars"], item["added"]) for item in result["series"]] == [("new", 3_000, 3_000)]
    minute = 60 * 10**9
    assert target.bars(bar_type) == [
        (
            int(datetime.fromisoformat(row["timestamp"]).timestamp()) * 10**9 + minute,
            *(float(row[key]) for key in ("open", "high", "low", "close", "volume")),
        )
        for row in source
    ]


def test_a_file_of_many_symbols_is_many_series(tmp_path: Path) -> None:
    rows = "".join(
        f"{symbol},2020-01-{day:02},{price},{price},{price},{price},1\n"
        for day in (2, 3)
        for symbol, price in (("AAA", 5), ("BBB", 7))
    )
    target = Import(tmp_path)
    result = target.run(
        request(write(tmp_path / "all.csv", "ticker,date,open,high,low,close,volume\n" + rows), venue="XNAS")
    )
    assert [(item["barType"], item["bars"]) for item in result["series"]] == [
        ("AAA.XNAS-1-DAY-LAST-EXTERNAL", 2),
        ("BBB.XNAS-1-DAY-LAST-EXTERNAL", 2),
    ]


# -- again -------------------------------------------------------------------------------------------------------------


def test_importing_again_changes_nothing_and_more_is_merged(tmp_path: Path) -> None:
    bar_type = "T.SIM-1-MINUTE-LAST-EXTERNAL"
    target = Import(tmp_path)
    first = write(tmp_path / "T-1.csv", MINUTES + minute_rows(300))
    target.run(request(first))
    before = target.stored[bar_type]
    again = target.run(request(first))
    assert [(item["outcome"], item["added"], item["replaced"]) for item in again["series"]] == [("unchanged", 0, 0)]
    assert target.stored[bar_type] == before

    # The second overlaps by a hundred bars, of which one is corrected.
    lines = minute_rows(300, start=200).splitlines(keepends=True)
    lines[50] = lines[50].rpartition(",")[0] + ",99999\n"
    second = target.run(request(write(tmp_path / "T-2.csv", MINUTES + "".join(lines))))
    assert [(item["outcome"], item["bars"], item["added"], item["replaced"]) for item in second["series"]] == [
        ("changed", 500, 200, 1)
    ]
    bars = target.bars(bar_type)
    assert (len(bars), bars[250][5], bars[249][5]) == (500, 99999, 349)
    # What was stored stays beside it until the engine says otherwise.
    assert all(file.is_file() for file in before.files)

    replaced = target.run(request(first, mode="replace"))
    assert [(item["outcome"], item["bars"]) for item in replaced["series"]] == [("changed", 300)]
    assert target.stored[bar_type].hash == before.hash


def test_rows_in_any_order_give_the_same_series(tmp_path: Path) -> None:
    lines = minute_rows(2_000).splitlines(keepends=True)
    straight, mixed = Import(tmp_path / "a"), Import(tmp_path / "b")
    straight.run(request(write(tmp_path / "a" / "T.csv", MINUTES + "".join(lines))))
    np.random.default_rng(1).shuffle(lines)
    result = mixed.run(request(write(tmp_path / "b" / "T.csv", MINUTES + "".join(lines))))
    assert [item.hash for item in straight.stored.values()] == [item.hash for item in mixed.stored.values()]
    assert [item["kind"] for item in result["problems"]] == ["unsorted"]


def test_more_decimals_widen_the_series_unless_others_depend_on_them(tmp_path: Path) -> None:
    target = Import(tmp_path)

    def bring(text: str) -> None:
        target.run(request(write(tmp_path / "T.csv", text)))

    bring(MINUTES + minute_rows(5))
    bring(MINUTES + minute_rows(5).replace("100.07", "100.0701"))
    assert target.known["T.SIM"].price_precision == 4
    bring("Date,Close\n2020-01-02,5\n2020-01-03,6\n")
    with pytest.raises(TinoError) as error:
        bring(MINUTES + minute_rows(5).replace("100.07", "100.070001"))
    assert error.value.code == "import_precision"


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bar_import.os, "posix_fallocate", full)
    with pytest.raises(TinoError) as error:
        Import(tmp_path).run(request(write(tmp_path / "T.csv", MINUTES + minute_rows(5))))
    assert error.value.code == "disk_full"
    assert [path for path in (tmp_path / "catalog").rglob("*") if path.is_file()] == []


# -- in the engine -----------------------------------------------------------------------------------------------------


async def test_the_engine_imports_records_and_removes(tmp_path: Path) -> None:
    text = MINUTES + minute_rows(50)
    async with rig(tmp_path) as r:
        wanted = request(write(tmp_path / "T.csv", text))
        assert (await r.imports.preview(wanted)).bar_types == ["T.SIM-1-MINUTE-LAST-EXTERNAL"]
        assert (await r.catalog.symbols()).symbols == []
        jobs = [await r.imports.start(wanted), await r.imports.start(wanted)]
        first, again = [await r.ended(job) for job in jobs]
        assert [job.series[0].outcome for job in (first, again)] == ["new", "unchanged"]
        assert r.changes == [["T.SIM-1-MINUTE-LAST-EXTERNAL"]]
        (entry,) = (await r.open().symbols()).symbols
        assert (entry.instrument.id, entry.coverage[0].bars, entry.coverage[0].source) == ("T.SIM", 50, "T.csv")
        # A correction replaces the file; the one that nothing refers to any more goes.
        more = await r.ended(
            await r.imports.start(request(write(tmp_path / "T.csv", text.replace(",100\n", ",101\n"))))
        )
        assert (more.series[0].outcome, more.series[0].replaced) == ("changed", 1)
        assert len(list((r.folder / "catalog" / "data" / "bars").rglob("*.parquet"))) == 1

        with pytest.raises(TinoError) as error:
            await r.imports.start(request(tmp_path / "nothing.csv"))
        assert error.value.code == "import_file_not_found"
        failed = await r.ended(await r.imports.start(request(write(tmp_path / "E.csv", ""))))
        assert (failed.status, failed.error.code if failed.error else None) == ("failed", "import_no_rows")

        left = await r.catalog.remove(["T.SIM-1-MINUTE-LAST-EXTERNAL"])
        assert left.symbols == []
        assert list((r.folder / "catalog" / "data" / "bars").rglob("*.parquet")) == []
        assert [event.type for event in await r.rows("events")] == ["data.imported", "data.imported", "data.removed"]


@pytest.mark.parametrize("way", ["cancelled", "killed"])
@pytest.mark.parametrize("phase", ["reading", "writing"])
async def test_an_import_that_is_ended_has_not_happened(tmp_path: Path, way: str, phase: str) -> None:
    async with rig(tmp_path) as r:
        kept = await r.ended(await r.imports.start(request(write(tmp_path / "T.csv", MINUTES + minute_rows(50)))))
        before = await r.catalog.symbols()
        reached = asyncio.Event()

        def on_import(job: DataImport) -> None:
            if job.status == "running" and job.progress.phase == phase and job.id != kept.id and not reached.is_set():
                reached.set()
                if way == "killed":
                    os.kill(r.imports.children[job.id].pid, signal.SIGKILL)

        r.on_import = on_import
        job = await r.imports.start(request(write(tmp_path / "T.csv", MINUTES + minute_rows(200_000, start=10))))
        await reached.wait()
        if way == "cancelled":
            await r.imports.cancel(job.id)
        over = await r.ended(job)
        if over.status == "finished":  # It had answered before the signal came.
            assert over.series[0].added == 199_960
            return
        assert (over.status, over.error.code if over.error else None) == {
            "cancelled": ("cancelled", "import_cancelled"),
            "killed": ("failed", "import_interrupted"),
        }[way]
        assert (await r.open().symbols()) == before
        # The next start of an engine clears what it left; the series is as it was.
        reopened = r.open()
        await reopened.recover()
        assert [
            path for path in (r.folder / "catalog").rglob("*") if path.is_file() and ".incoming" in path.parts
        ] == []
        (file,) = (r.folder / "catalog" / "data" / "bars").rglob("*.parquet")
        series = await reopened.find_series("T.SIM-1-MINUTE-LAST-EXTERNAL")
        assert series is not None
        assert series.files == (file,)
        assert len(prices.read(series.files)["ts"]) == 50


async def test_a_database_that_knows_of_nothing_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with rig(tmp_path / "one") as r:
        await r.ended(await r.imports.start(request(write(tmp_path / "T.csv", MINUTES + minute_rows(5)))))
    async with rig(tmp_path / "two") as r:
        (tmp_path / "one" / "data").rename(r.folder)
        await r.catalog.recover()
        assert len(list(r.folder.rglob("data/bars/*/*.parquet"))) == 1
