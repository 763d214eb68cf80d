"""What the catalog knows besides bars: corporate actions, watchlists, fundamentals, uploads, the second sample."""

from __future__ import annotations

import base64
import csv
import gzip
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.rig import Rig, rig
from tino_engine.contracts import (
    ActionsImportRequest,
    ActionsRequest,
    BarsQuery,
    FundamentalsImportRequest,
    FundamentalsQuery,
    UploadRequest,
)
from tino_engine.data import Fundamentals, Uploads, sample
from tino_engine.errors import TinoError
from tino_engine.workers.child import Child

if TYPE_CHECKING:
    from pathlib import Path


def refusal(error: pytest.ExceptionInfo[TinoError]) -> tuple[str, str | None]:
    return error.value.code, error.value.body.field


# -- splits and dividends --------------------------------------------------------------------------------------------

ACTION_FILES = {
    "a row for each": (
        "symbol,ex_day,kind,value\nAAPL.XNAS,2012-05-01,split,3:2\nfb,2012-11-01,Cash dividend,0.25\n",
        [("AAPL.XNAS", "split", "2012-05-01", 1.5), ("FB.XNAS", "dividend", "2012-11-01", 0.25)],
    ),
    "columns for both, as Yahoo has them": (
        "Date;Ticker;Dividends;Stock Splits\n2012-05-01 00:00:00-04:00;AAPL;0.0;2.0\n2012-11-01;AAPL;0.5;0\n",
        [("AAPL.XNAS", "split", "2012-05-01", 2.0), ("AAPL.XNAS", "dividend", "2012-11-01", 0.5)],
    ),
}


@pytest.mark.parametrize("name", ACTION_FILES)
async def test_actions_come_from_files(tmp_path: Path, name: str) -> None:
    text, wanted = ACTION_FILES[name]
    file = tmp_path / "actions.csv"
    file.write_text(text)
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        r.changes.clear()
        request = ActionsImportRequest(paths=[str(file)])
        reply = await r.catalog.import_actions(request)
        assert (reply.rows, reply.changed) == (2, 2)
        assert (await r.catalog.import_actions(request)).changed == 0
        held = {(e.instrument.id, a.kind, a.ex_day, a.value) for e in reply.symbols for a in e.actions}
        assert set(wanted) <= held
        assert len(r.changes) == 2
        # Importing the sample anew leaves what somebody brought.
        await r.catalog.import_sample()
        entries = {entry.instrument.id: entry for entry in (await r.open().symbols()).symbols}
        assert all(any((a.kind, a.ex_day, a.value) == tuple(it[1:]) for a in entries[it[0]].actions) for it in wanted)


BAD_ACTIONS = [
    ("symbol,date,kind,value\nAAPL,2012-13-01,split,2\n", None, "import_row_invalid"),
    ("symbol,date,kind,value\nAAPL,2012-01-01,merger,2\n", None, "import_row_invalid"),
    ("symbol,date,kind,value\nAAPL,2012-01-01,split,-2\n", None, "import_row_invalid"),
    ("symbol,date,kind,value\nAAPL,2012-01-01,dividend,none\n", None, "import_row_invalid"),
    ("date,split\n2012-01-01,2\n", None, "import_symbol_unknown"),
    ("date,split\n2012-01-01,2\n", "XYZ", "symbol_unknown"),
    ("symbol,day\nAAPL,2012-01-01\n", None, "import_column_unknown"),
    ("", "AAPL", "import_column_unknown"),
]


async def test_a_bad_file_of_actions_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        before = await r.rows("corporate_actions")
        for text, symbol, code in BAD_ACTIONS:
            file.write_text(text)
            with pytest.raises(TinoError) as error:
                await r.catalog.import_actions(ActionsImportRequest(paths=[str(file)], symbol=symbol))
            assert refusal(error)[0] == code, text
        assert await r.rows("corporate_actions") == before


async def test_actions_are_set_and_removed_and_prices_follow(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()

        async def change(**request: Any) -> list[tuple[str, str, float]]:
            reply = await r.catalog.change_actions(
                ActionsRequest.model_validate({"instrumentId": "FB.XNAS", **request})
            )
            return [(action.ex_day, action.kind, action.value) for action in reply.actions]

        async def first_close() -> float:
            query = BarsQuery.model_validate({"barType": "FB.XNAS-1-DAY-LAST-EXTERNAL", "adjustment": "splits"})
            return pa.ipc.open_stream(await r.catalog.bars(query)).read_all()["close"][0].as_py()

        traded = await first_close()
        split = {"exDay": "2012-11-01", "kind": "split", "value": 2}
        assert await change(put=[split]) == [("2012-11-01", "split", 2.0)]
        assert await first_close() == pytest.approx(traded / 2, abs=1e-4)
        assert await change(put=[{**split, "value": 4}]) == [("2012-11-01", "split", 4.0)]
        assert await change(remove=[{"exDay": "2012-11-01", "kind": "split"}]) == []
        assert await first_close() == traded
        for wrong in ({**split, "value": 0}, {**split, "value": 1}, {**split, "exDay": "2012-02-30"}):
            with pytest.raises(TinoError) as error:
                await change(put=[wrong])
            assert refusal(error)[0] == "request_invalid"


# -- watchlists ------------------------------------------------------------------------------------------------------


async def test_a_watchlist_stands_for_its_symbols(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        made = await r.catalog.put_watchlist("tech", ["msft", "AAPL.XNAS", "MSFT.XNAS"])
        assert [(it.name, it.symbols) for it in made.watchlists] == [("tech", ["MSFT.XNAS", "AAPL.XNAS"])]
        resolved = await r.catalog.resolve(["@tech", "IBM", "aapl"], [])
        assert [series.instrument.symbol for series in resolved] == ["MSFT", "AAPL", "IBM"]
        # A list may hold a list, and outlives what it names.
        await r.catalog.put_watchlist("all", ["@tech", "IBM"])
        await r.catalog.remove(["MSFT.XNAS-1-DAY-LAST-EXTERNAL"])
        assert [series.instrument.symbol for series in await r.open().series_of("@all")] == ["AAPL", "IBM"]
        await r.catalog.remove_watchlist("all")
        for wrong, code in (
            (r.catalog.resolve(["@teck"], []), "watchlist_unknown"),
            (r.catalog.remove_watchlist("all"), "watchlist_unknown"),
            (r.catalog.put_watchlist("a b", []), "request_invalid"),
            (r.catalog.put_watchlist("x", ["NONE"]), "symbol_unknown"),
        ):
            with pytest.raises(TinoError) as error:
                await wrong
            assert refusal(error)[0] == code


# -- fundamentals ----------------------------------------------------------------------------------------------------


def fundamentals_of(r: Rig) -> Fundamentals:
    return Fundamentals(r.catalog, r.database, r.writer, lambda: Child.spawn("data"))


async def test_figures_are_seen_as_they_were_known(tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    long.write_text(
        "symbol,period_end,known_on,field,value\n"
        "AAPL,2012-03-31,2012-04-24,eps,12.30\n"
        "AAPL,2012-03-31,2012-07-25,eps,12.10\n"  # Restated.
        "AAPL,2012-06-30,2012-07-25,eps,9.32\n"
        "AAPL,2012-06-30,2012-07-25,revenue,\n"
    )
    wide = tmp_path / "wide.parquet"
    days = pa.array(["2012-03-31"]).cast(pa.date32())
    pq.write_table(pa.table({"Ticker": ["MSFT"], "calendardate": days, "eps": [0.6], "shares": [8_400_000_000]}), wide)
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        figures = fundamentals_of(r)
        request = FundamentalsImportRequest(paths=[str(long)])
        reply = await figures.import_files(request)
        assert (reply.rows, reply.changed, reply.instruments, reply.fields) == (3, 3, ["AAPL.XNAS"], ["eps"])
        assert (await figures.import_files(request)).changed == 0

        async def known(symbol: str, day: str | None) -> list[tuple[str, str, float]]:
            rows = (await figures.get(FundamentalsQuery.model_validate({"symbol": symbol, "asOf": day}))).rows
            return [(row.field, row.period_end, row.value) for row in rows]

        assert await known("AAPL", "2012-04-23") == []
        assert await known("AAPL", "2012-04-24") == [("eps", "2012-03-31", 12.3)]
        assert await known("AAPL", "2012-07-25") == [("eps", "2012-03-31", 12.1), ("eps", "2012-06-30", 9.32)]
        assert len(await known("AAPL", None)) == 3

        # A file that does not say when its figures were known would let a strategy see the future.
        with pytest.raises(TinoError) as error:
            await figures.import_files(FundamentalsImportRequest(paths=[str(wide)]))
        assert refusal(error) == ("import_known_missing", "lagDays")
        await figures.import_files(FundamentalsImportRequest(paths=[str(wide)], lag_days=45))
        assert await known("MSFT", "2012-05-14") == []
        assert await known("MSFT", "2012-05-15") == [("eps", "2012-03-31", 0.6), ("shares", "2012-03-31", 8.4e9)]

        bad = tmp_path / "bad.csv"
        for text, code in (
            ("symbol,period,known,eps\nAAPL,2012-03-31,2012-03-01,1\n", "import_row_invalid"),
            ("symbol,period,known,eps\nAAPL,2012-03-31,2012-05-01,much\n", "import_row_invalid"),
            ("symbol,period,known,eps\nAAPL,spring,2012-05-01,1\n", "import_row_invalid"),
            ("symbol,known,eps\nAAPL,2012-05-01,1\n", "import_column_unknown"),
            ("period,known,eps\n2012-03-31,2012-05-01,1\n", "import_symbol_unknown"),
            ("symbol,period,known,eps\nNONE,2012-03-31,2012-05-01,1\n", "symbol_unknown"),
            ("", "import_file_unreadable"),
        ):
            bad.write_text(text)
            with pytest.raises(TinoError) as error:
                await figures.import_files(FundamentalsImportRequest(paths=[str(bad)]))
            assert refusal(error)[0] == code, text


# -- uploads ---------------------------------------------------------------------------------------------------------


def test_a_file_is_put_together_from_its_pieces(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads")

    def piece(data: bytes, offset: int, upload: str | None, name: str = "../../prices.csv") -> Any:
        text = base64.b64encode(data).decode()
        return uploads.take(UploadRequest(upload=upload, name=name, offset=offset, data=text))

    begun = piece(b"date,close\n", 0, None)
    ended = piece(b"2020-01-02,1\n", begun.bytes, begun.upload)
    assert (tmp_path / "uploads" / begun.upload / "prices.csv").read_bytes() == b"date,close\n2020-01-02,1\n"
    assert uploads.holds(ended.path)
    assert not uploads.holds(str(tmp_path / "uploads" / ".." / "secret"))
    for offset, upload in ((3, begun.upload), (5, None), (0, "upl_" + "0" * 26)):
        with pytest.raises(TinoError) as error:
            piece(b"x", offset, upload)
        assert refusal(error)[0] == "upload_unknown"
    with pytest.raises(TinoError) as error:
        uploads.take(UploadRequest(upload=None, name="x", offset=0, data="not base64!"))
    assert refusal(error)[0] == "request_invalid"
    uploads.clear()
    assert not (tmp_path / "uploads").exists()


# -- the second sample -----------------------------------------------------------------------------------------------


async def test_the_closes_of_the_sp500_come_in_as_they_are(tmp_path: Path) -> None:
    with gzip.open(sample.find_sp500(), "rt") as file:
        rows = list(csv.DictReader(file))
    async with rig(tmp_path) as r:
        first = await r.catalog.import_sample("sp500")
        assert len(first.imported) == len(first.symbols) == 20
        assert (await r.catalog.import_sample("sp500")).imported == []
        assert {entry.coverage[0].bars for entry in first.symbols} == {len(rows)}
        query = BarsQuery.model_validate({"barType": "KO.SP500-1-DAY-LAST-EXTERNAL"})
        bars = pa.ipc.open_stream(await r.catalog.bars(query)).read_all()
        assert bars["close"].to_pylist() == [float(Decimal(row["KO"])) for row in rows]
        assert bars["open"].equals(bars["high"])
        # The other sample has its own AAPL beside it.
        await r.catalog.import_sample()
        with pytest.raises(TinoError) as error:
            await r.catalog.resolve(["AAPL"], [])
        assert error.value.code == "symbol_unknown"
