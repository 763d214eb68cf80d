"""The catalog as the engine uses it, with a real data child."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from data.rig import Rig, rig, run_python, source_rows
from tino_engine.contracts import BarsQuery
from tino_engine.data import Catalog, sample
from tino_engine.errors import TinoError
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.data import ResolvedSeries
    from tino_engine.workers.child import Child

DAILY = "{}-1-DAY-LAST-EXTERNAL"
IDS = ["AAPL.XNAS", "FB.XNAS", "GOOG.XNAS", "IBM.XNYS", "MSFT.XNAS"]
AAPL = DAILY.format("AAPL.XNAS")


def code(error: pytest.ExceptionInfo[TinoError]) -> tuple[str, str | None]:
    return error.value.code, error.value.body.field


# -- importing -------------------------------------------------------------------------------------------------------


async def test_the_sample_comes_in_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        assert (await r.catalog.symbols()).symbols == []
        first = await r.catalog.import_sample()
        again = await r.catalog.import_sample()
        assert first.imported == [DAILY.format(name) for name in IDS]
        assert again.imported == []
        assert first.symbols == again.symbols == (await r.catalog.symbols()).symbols
        assert r.changes == [first.imported]

        assert [entry.instrument for entry in first.symbols] == list(sample.INSTRUMENTS)
        counts = {entry.instrument.symbol: entry.coverage[0].bars for entry in first.symbols}
        assert counts == {ticker: len(rows) for ticker, rows in source_rows().items()}
        assert [len(entry.actions) for entry in first.symbols] == [5, 0, 0, 52, 38]
        # What one engine recorded the next one reads.
        assert (await r.open().symbols()).symbols == first.symbols

        (event,) = await r.rows("events")
        assert (event.type, event.payload["source"], len(event.payload["coverage"])) == ("data.imported", "sample", 5)
        assert {row.value for row in await r.rows("corporate_actions") if row.ex_day == "2004-11-15"} == {"3.08"}


async def test_imports_at_once_are_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        replies = await asyncio.gather(*(r.catalog.import_sample() for _ in range(3)))
        assert sorted(len(reply.imported) for reply in replies) == [0, 0, 5]
        assert len(r.changes) == len(await r.rows("events")) == 1


async def test_what_somebody_entered_stays_and_what_is_missing_comes_back(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        held = tables.corporate_actions
        own = {"kind": "dividend", "source": "by hand"}

        def change(connection: Any) -> None:
            connection.execute(held.insert().values(instrument_id="FB.XNAS", ex_day="2013-01-02", value="0.5", **own))
            special = held.c.ex_day == "2004-11-15"
            connection.execute(held.update().where(special).values(value="3", source="by hand"))
            connection.execute(held.delete().where(held.c.kind == "split", held.c.instrument_id == "AAPL.XNAS"))

        await r.writer.write(change, "test")
        reply = await r.open().import_sample()
        assert reply.imported == []
        assert [len(entry.actions) for entry in reply.symbols] == [5, 1, 0, 52, 38]
        assert [a.value for a in reply.symbols[4].actions if a.ex_day == "2004-11-15"] == [3.0]
        assert r.changes[1:] == [[AAPL]]


@pytest.mark.parametrize("table", ["coverage", "instruments"])
async def test_what_differs_is_recorded_again(tmp_path: Path, table: str) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        wrong = {
            "coverage": tables.coverage.update().where(tables.coverage.c.bar_type == AAPL).values(hash="other"),
            "instruments": tables.instruments.update()
            .where(tables.instruments.c.id == "AAPL.XNAS")
            .values(definition=sample.INSTRUMENTS[0].model_copy(update={"name": "Other"}).model_dump(mode="json")),
        }[table]
        await r.writer.write(lambda connection: connection.execute(wrong), "test")
        catalog = r.open()
        assert (await catalog.import_sample()).symbols == (await r.catalog.import_sample()).symbols
        assert r.changes[1:] == [[AAPL]]


@pytest.mark.parametrize("after", [1, 3, 5])
async def test_an_import_whose_child_is_killed_happened_wholly_or_not_at_all(tmp_path: Path, after: int) -> None:
    async with rig(tmp_path) as r:
        child = await r.child.get()

        async def call(name: str, params: dict[str, Any]) -> Any:
            def on_event(_event: str, progress: dict[str, Any], _body: bytes) -> None:
                if progress["done"] == after:
                    os.kill(child.pid, signal.SIGKILL)

            return await child.call(name, params, on_event=on_event)

        async def killed() -> Any:
            return type("Killed", (), {"call": staticmethod(call)})()

        catalog = Catalog(r.database, r.writer, killed, r.folder, r.changes.append)
        (outcome,) = await asyncio.gather(catalog.import_sample(), return_exceptions=True)
        held = [len(await r.rows(name)) for name in ("instruments", "coverage", "corporate_actions", "events")]
        listed = len((await catalog.symbols()).symbols)
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, TinoError)
            assert outcome.code == "worker_died"
            assert (held, listed, r.changes) == ([0, 0, 0, 0], 0, [])
        else:  # It had answered before the signal came.
            assert (held, listed, len(r.changes)) == ([5, 5, 95, 1], 5, 1)
        reply = await r.catalog.import_sample()
        assert [entry.instrument.id for entry in reply.symbols] == IDS
        assert list((r.folder / "catalog" / ".incoming").glob("*")) == []


# -- finding ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample, and with more than one series of some instruments."""
    home = tmp_path_factory.mktemp("home")

    async def fill() -> None:
        async with rig(home) as r:
            await r.catalog.import_sample()
            (row,) = [row for row in await r.rows("coverage") if row.bar_type == AAPL]
            ibm = (await r.rows("instruments"))[3]
            assert ibm.id == "IBM.XNYS"

            def more(connection: Any) -> None:
                for step in ("1-HOUR-LAST", "5-MINUTE-BID", "5-MINUTE-LAST", "100-TICK-LAST"):
                    values = {**row._mapping, "bar_type": f"AAPL.XNAS-{step}-EXTERNAL"}
                    connection.execute(tables.coverage.insert().values(values))
                for name in ("IBM.XLON", "EMPTY.XNAS"):
                    definition = {**ibm.definition, "id": name, "symbol": name.partition(".")[0]}
                    connection.execute(tables.instruments.insert().values(id=name, definition=definition, updated_at=1))

            await r.writer.write(more, "test")

    asyncio.run(fill())
    return home


@pytest.mark.parametrize(
    ("symbols", "bar_types", "found"),
    [
        (["MSFT.XNAS"], [], [DAILY.format("MSFT.XNAS")]),
        (["MSFT"], [], [DAILY.format("MSFT.XNAS")]),
        (["msft", "goog.xnas"], [], [DAILY.format("MSFT.XNAS"), DAILY.format("GOOG.XNAS")]),
        (["MSFT", "MSFT.XNAS"], [], [DAILY.format("MSFT.XNAS")]),
        (["AAPL"], [], ["AAPL.XNAS-5-MINUTE-LAST-EXTERNAL"]),
        (["AAPL"], [AAPL], [AAPL]),
        (
            ["AAPL", "FB"],
            [AAPL, "AAPL.XNAS-1-HOUR-LAST-EXTERNAL", AAPL],
            [AAPL, "AAPL.XNAS-1-HOUR-LAST-EXTERNAL", DAILY.format("FB.XNAS")],
        ),
        ([], [], []),
    ],
)
async def test_resolving(home: Path, symbols: list[str], bar_types: list[str], found: list[str]) -> None:
    async with rig(home) as r:
        assert [series.bar_type for series in await r.catalog.resolve(symbols, bar_types)] == found


@pytest.mark.parametrize(
    ("symbols", "bar_types", "expected", "message"),
    [
        (["APPL"], [], ("symbol_unknown", "symbols"), "The catalog holds no instrument APPL (similar: AAPL.XNAS)."),
        (
            ["AAPL.XNYS"],
            [],
            ("symbol_unknown", "symbols"),
            "The catalog holds no instrument AAPL.XNYS (similar: AAPL.XNAS",
        ),
        (
            ["IBM"],
            [],
            ("symbol_unknown", "symbols"),
            "The catalog holds no instrument IBM; name its venue: IBM.XLON, IBM.XNYS.",
        ),
        (["ZZZZZZ"], [], ("symbol_unknown", "symbols"), "The catalog holds no instrument ZZZZZZ."),
        (["EMPTY.XNAS"], [], ("bar_type_unknown", "symbols"), "The catalog holds no bars of EMPTY.XNAS."),
        ([], ["MSFT.XNAS-1-DAY-LAST"], ("bar_type_invalid", "barTypes"), "MSFT.XNAS-1-DAY-LAST is not a bar type."),
        (
            [],
            ["MSFT.XNAS-1-HOUR-LAST-EXTERNAL"],
            ("bar_type_unknown", "barTypes"),
            "The catalog holds no bars MSFT.XNAS-1-HOUR-LAST-EXTERNAL (similar: ",
        ),
    ],
)
async def test_what_cannot_be_resolved(
    home: Path, symbols: list[str], bar_types: list[str], expected: tuple[str, str], message: str
) -> None:
    async with rig(home) as r:
        with pytest.raises(TinoError) as caught:
            await r.catalog.resolve(symbols, bar_types)
        assert code(caught) == expected
        assert caught.value.body.message.startswith(message)
        assert "{" not in caught.value.body.message + caught.value.body.hint


async def test_a_series_has_all_that_a_run_needs(home: Path) -> None:
    async with rig(home) as r:
        series = await r.catalog.find_series(DAILY.format("MSFT.XNAS"))
        assert series is not None
        assert series.instrument == sample.INSTRUMENTS[4]
        assert (series.bars, series.source, len(series.actions), len(series.hash)) == (3270, sample.SOURCE, 38, 64)
        assert all(file.is_file() for file in series.files)
        assert [action.ex_day for action in series.actions] == sorted(action.ex_day for action in series.actions)
        assert await r.catalog.find_series("MSFT.XNAS-1-HOUR-LAST-EXTERNAL") is None


# -- ranges ----------------------------------------------------------------------------------------------------------


async def google(r: Rig) -> ResolvedSeries:
    series = await r.catalog.find_series(DAILY.format("GOOG.XNAS"))
    assert series is not None
    return series


@pytest.mark.parametrize(
    ("from_day", "to_day"),
    [
        (None, None),
        ("1990-01-01", "2004-08-19"),
        ("2013-03-01", None),
        ("2013-03-01", "2013-03-01"),
        (None, "2005-01-01"),
    ],
)
async def test_ranges_with_bars(home: Path, from_day: str | None, to_day: str | None) -> None:
    async with rig(home) as r:
        first, last = r.catalog.check_range(await google(r), from_day, to_day)
        assert 0 <= first < last < 2**63


@pytest.mark.parametrize(
    ("from_day", "to_day", "expected", "message"),
    [
        (
            "2005-01-02",
            "2005-01-01",
            ("range_invalid", "to"),
            "The range starts 2005-01-02 and ends 2005-01-01, before it starts.",
        ),
        (
            "1990-01-01",
            "2004-08-18",
            ("data_missing", "from"),
            "No data for GOOG.XNAS-1-DAY-LAST-EXTERNAL between 1990-01-01 and 2004-08-18.",
        ),
        (
            "2013-03-02",
            None,
            ("data_missing", "from"),
            "No data for GOOG.XNAS-1-DAY-LAST-EXTERNAL between 2013-03-02 and the end.",
        ),
        (
            None,
            "2001-01-01",
            ("data_missing", "to"),
            "No data for GOOG.XNAS-1-DAY-LAST-EXTERNAL between the start and 2001-01-01.",
        ),
    ],
)
async def test_ranges_without_bars_say_what_is_there(
    home: Path, from_day: str | None, to_day: str | None, expected: tuple[str, str], message: str
) -> None:
    async with rig(home) as r:
        with pytest.raises(TinoError) as caught:
            r.catalog.check_range(await google(r), from_day, to_day)
        assert code(caught) == expected
        assert caught.value.body.message == message
        if expected[0] == "data_missing":
            assert caught.value.body.hint.startswith("The catalog has 2,148 daily bars from 2004-08-19 to 2013-03-01.")


# -- bars ------------------------------------------------------------------------------------------------------------


async def bars(r: Rig, **query: Any) -> pa.Table:
    return pa.ipc.open_stream(await r.catalog.bars(BarsQuery.model_validate({"barType": AAPL, **query}))).read_all()


async def test_bars_over_the_pipe(home: Path) -> None:
    async with rig(home) as r:
        everything, splits, stored = [
            await bars(r, adjustment=adjustment) for adjustment in ("splitsAndDividends", "splits", "none")
        ]
        source = source_rows()["AAPL"]
        assert stored["close"].to_pylist() == [float(row.close) for row in source]
        assert splits["close"][0].as_py() == 32.5775
        assert everything["close"][0].as_py() < 32.5775
        assert everything["close"][-1] == splits["close"][-1] == stored["close"][-1]

        thin = await bars(r, points=100)
        assert (thin.num_rows, thin.schema.metadata) == (52, {b"level": b"3", b"rows": b"3270"})
        at = stored["ts"].cast(pa.int64()).to_pylist()
        assert (await bars(r, **{"from": at[10], "to": at[19]})).num_rows == 10
        assert (await bars(r, **{"from": at[-1] + 1})).num_rows == 0


async def test_wrong_questions_and_damaged_files(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        for query, expected in [
            ({"barType": "AAPL"}, ("bar_type_invalid", "barType")),
            ({"barType": "AAPL.XNAS-1-HOUR-LAST-EXTERNAL"}, ("bar_type_unknown", "barType")),
            ({"from": 2000, "to": 1000}, ("range_invalid", "to")),
        ]:
            with pytest.raises(TinoError) as caught:
                await bars(r, **query)
            assert code(caught) == expected
        assert caught.value.body.message.startswith(
            "The range starts 1970-01-01 00:00:02+00:00 and ends 1970-01-01 00:00:01"
        )
        series = await r.catalog.find_series(AAPL)
        assert series is not None
        whole = series.files[0].read_bytes()
        series.files[0].write_bytes(whole[: len(whole) // 2])
        with pytest.raises(TinoError) as caught:
            await bars(r)
        assert caught.value.code == "data_corrupt"
        # The child goes on, and what the hint says helps.
        assert (await r.catalog.import_sample()).imported == []
        assert (await bars(r)).num_rows == 3270


async def test_a_fault_of_ours_is_told_by_reference(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        child: Child = await r.child.get()
        for name, params in [("bars", {}), ("nothing", {})]:
            with pytest.raises(TinoError) as caught:
                await child.call(name, params)
            assert caught.value.code == "internal"
        assert (await r.catalog.import_sample()).imported != []


def test_the_engine_s_side_is_light() -> None:
    loaded = "import sys; from tino_engine.data import Catalog; print(*{'numpy', 'pyarrow', 'pandas', 'nautilus_trader'} & set(sys.modules))"
    ran = run_python(loaded)
    assert (ran.returncode, ran.stdout.strip()) == (0, "")
