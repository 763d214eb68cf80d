"""Faults of series are found, and nothing else: on the real samples, and on series with one fault each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from data.rig import imported_series, rig, store_series
from tino_engine.contracts import ActionsRequest, CorporateAction, DataCheckRequest, ImportRequest
from tino_engine.data import Quality, sample
from tino_engine.data.inspection import inspect
from tino_engine.data.store import Bars
from tino_engine.errors import TinoError
from tino_engine.workers.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from data.rig import Rig
    from tino_engine.contracts import Instrument, SeriesQuality

NEW_YORK = ZoneInfo("America/New_York")
STOCK = sample.INSTRUMENTS[0]
COIN = STOCK.model_copy(
    update={
        "id": "BTCUSDT.SIM",
        "symbol": "BTCUSDT",
        "venue": "SIM",
        "asset_class": "crypto",
        "currency": "USDT",
        "time_zone": "UTC",
    }
)
HOLIDAYS = {date(2019, 1, 1), date(2019, 1, 21), date(2019, 2, 18), date(2019, 4, 19), date(2019, 5, 27)}
"""Days on which the New York Stock Exchange was closed, as it announced them."""


def ns(day: date, at: time, zone: ZoneInfo | None = NEW_YORK) -> int:
    return int(datetime.combine(day, at, zone or UTC).timestamp()) * 10**9


def sessions(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=step) for step in range(count * 2))
    return [day for day in days if day.weekday() < 5 and day not in HOLIDAYS][:count]


def daily(count: int = 100) -> Bars:
    days = sessions(date(2019, 1, 2), count)
    return walk(np.array([ns(day, time(16)) for day in days], np.int64))


def minutes(days: int = 4, *, zone: ZoneInfo | None = NEW_YORK) -> Bars:
    """Bars of five minutes of whole sessions of New York, or round the clock."""
    if zone is None:
        return walk(ns(date(2019, 1, 2), time(), None) + np.arange(1, days * 288 + 1, dtype=np.int64) * 300 * 10**9)
    opens = [ns(day, time(9, 30)) for day in sessions(date(2019, 1, 2), days)]
    return walk(np.concatenate([begin + np.arange(1, 79, dtype=np.int64) * 300 * 10**9 for begin in opens]))


def walk(ts: np.ndarray) -> Bars:
    random = np.random.default_rng(3)
    close = np.rint(1_000_000 * np.exp(np.cumsum(random.normal(0, 0.01, len(ts))))).astype(np.int64)
    open_ = np.append(close[0], close[:-1])
    high, low = np.maximum(open_, close) + 500, np.minimum(open_, close) - 500
    return Bars(ts, open_, high, low, close, random.integers(900, 1_100, len(ts)), 4, 0)


def scaled(bars: Bars, first: int, stop: int, factor: float) -> Bars:
    columns = {name: bars.column(name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[first:stop] = np.rint(column[first:stop] * factor)
    return replace(bars, **columns)


def split(bars: Bars, ratio: float) -> Bars:
    volume = bars.volume.copy()
    volume[50:] = np.rint(volume[50:] * ratio)
    return replace(scaled(bars, 50, 100, 1 / ratio), volume=volume)


def without(bars: Bars, *rows: slice) -> Bars:
    kept = np.ones(len(bars), bool)
    for part in rows:
        kept[part] = False
    names = ("ts", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: bars.column(name)[kept] for name in names})


def on_a_sunday(bars: Bars) -> Bars:
    changed = bars.ts.copy()
    changed[3] = ns(date(2019, 1, 6), time(16))
    return replace(bars, ts=changed)


def frozen(bars: Bars) -> Bars:
    columns = {name: bars.column(name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[40:55] = bars.close[40]
    return replace(bars, **columns)


def silent(bars: Bars) -> Bars:
    volume = bars.volume.copy()
    volume[10:20] = 0
    return replace(bars, volume=volume)


def closes(bars: Bars) -> Bars:
    return replace(bars, open=bars.close, high=bars.close, low=bars.close, volume=bars.volume * 0)


def found(report: SeriesQuality) -> set[tuple[str, str, int]]:
    return {(item.kind, item.severity, item.count) for item in report.findings}


FAULTS: list[tuple[str, Instrument, str, Callable[[], Bars], set[tuple[str, str, int]], int]] = [
    ("a faultless series of days", STOCK, "1-DAY", daily, set(), 0),
    ("a faultless series of minutes", STOCK, "5-MINUTE", minutes, set(), 0),
    ("a faultless series round the clock", COIN, "5-MINUTE", lambda: minutes(zone=None), set(), 0),
    ("a missing day", STOCK, "1-DAY", lambda: without(daily(), slice(7, 8)), {("gap", "info", 1)}, 1),
    ("a missing week", STOCK, "1-DAY", lambda: without(daily(), slice(7, 12)), {("gap", "warning", 5)}, 5),
    ("a missing month", STOCK, "1-DAY", lambda: without(daily(), slice(7, 27)), {("gap", "severe", 20)}, 20),
    ("a bar on a Sunday", STOCK, "1-DAY", lambda: on_a_sunday(daily()), {("extra", "info", 1), ("gap", "info", 1)}, 1),
    ("a missing hour", STOCK, "5-MINUTE", lambda: without(minutes(), slice(90, 102)), {("gap", "info", 12)}, 12),
    ("the end of a session", STOCK, "5-MINUTE", lambda: without(minutes(), slice(66, 78)), {("gap", "info", 12)}, 12),
    ("its beginning", STOCK, "5-MINUTE", lambda: without(minutes(), slice(78, 90)), {("gap", "info", 12)}, 12),
    ("a whole session", STOCK, "5-MINUTE", lambda: without(minutes(), slice(78, 156)), {("gap", "info", 78)}, 78),
    ("a short hole", STOCK, "5-MINUTE", lambda: without(minutes(), slice(90, 93)), set(), 3),
    (
        "one round the clock",
        COIN,
        "5-MINUTE",
        lambda: without(minutes(zone=None), slice(90, 93)),
        {("gap", "info", 3)},
        3,
    ),
    ("a spike", STOCK, "1-DAY", lambda: scaled(daily(), 50, 51, 1.4), {("spike", "warning", 1)}, 0),
    ("a fall that stays", STOCK, "1-DAY", lambda: scaled(daily(), 50, 100, 0.72), {("jump", "info", 1)}, 0),
    ("a split of 3 for 1", STOCK, "1-DAY", lambda: split(daily(), 3), {("split", "severe", 1)}, 0),
    ("a reverse split", STOCK, "1-DAY", lambda: split(daily(), 0.1), {("split", "severe", 1)}, 0),
    ("prices that stand still", STOCK, "1-DAY", lambda: frozen(daily()), {("frozen", "warning", 15)}, 0),
    ("days without volume", STOCK, "1-DAY", lambda: silent(daily()), {("volume", "warning", 10)}, 0),
    (
        "closes alone",
        STOCK,
        "1-DAY",
        lambda: closes(daily()),
        {("volume", "info", 100), ("closeOnly", "info", 100)},
        0,
    ),
]


@pytest.mark.parametrize(
    ("what", "instrument", "step", "make", "wanted", "missing"), FAULTS, ids=[it[0] for it in FAULTS]
)
def test_each_fault_is_found_and_no_other(
    tmp_path: Path,
    what: str,
    instrument: Instrument,
    step: str,
    make: Callable[[], Bars],
    wanted: set[tuple[str, str, int]],
    missing: int,
) -> None:
    report = inspect(store_series(tmp_path, make(), instrument, step))
    assert (what, found(report), report.missing) == (what, wanted, missing)
    assert report.expected - report.missing == report.bars - sum(
        it.count for it in report.findings if it.kind == "extra"
    )
    assert all(0 <= share <= 1 for share in report.strip)
    assert (min(report.strip) < 1) == (missing > 0)
    assert report.calendar == ("24/7" if instrument is COIN else "XNYS")


def test_the_samples_splits_are_found_and_nothing_else_is_wrong(tmp_path: Path) -> None:
    series = imported_series(tmp_path)
    splits = [
        (symbol, item.ex_day, item.split_ratio)
        for symbol, one in series.items()
        for item in inspect(replace(one, actions=())).findings
        if item.severity != "info"
    ]
    assert splits == [("AAPL", "2000-06-21", 2.0), ("AAPL", "2005-02-28", 2.0), ("MSFT", "2003-02-18", 2.0)]
    reports = {symbol: inspect(one) for symbol, one in series.items()}
    assert {
        symbol: report.severity for symbol, report in reports.items() if report.severity not in (None, "info")
    } == {}
    assert [report.missing for report in reports.values()] == [0] * 5
    # Half of its worth in a day, and no split: what Apple said on the evening before.
    assert [(it.kind, it.message[:24]) for it in reports["AAPL"].findings] == [("jump", "-51.9% on 2000-09-29, 14")]

    listed = CorporateAction(ex_day="2008-06-02", kind="split", value=2)
    (finding,) = [it for it in inspect(replace(series["IBM"], actions=(listed,))).findings if it.severity == "severe"]
    assert (finding.kind, finding.ex_day) == ("actionWithoutMove", "2008-06-02")


def test_damage_is_a_finding(tmp_path: Path) -> None:
    series = store_series(tmp_path, daily(), STOCK, "1-DAY")
    data = bytearray(series.files[0].read_bytes())
    data[200] ^= 1
    series.files[0].write_bytes(bytes(data))
    report = inspect(series)
    assert [(it.kind, it.severity) for it in report.findings] == [("unreadable", "severe")]


def quality_of(r: Rig) -> tuple[Quality, list[int]]:
    """Give reports on a catalog, and how often a child was started for them."""
    started: list[int] = []

    async def spawn() -> Child:
        child = await Child.spawn("data")
        started.append(child.pid)
        return child

    return Quality(r.catalog, r.database, r.writer, spawn), started


async def test_a_run_is_warned_of_what_its_own_choices_leave(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        quality, started = quality_of(r)

        async def check(**request: object) -> list[tuple[str, str, str | None]]:
            reply = await quality.check(DataCheckRequest.model_validate(request))
            return [
                (it.finding.kind, it.finding.severity, it.fix.kind if it.fix else None)  # type: ignore[union-attr]
                for it in reply.warnings
            ]

        assert len((await quality.report()).series) == 5
        assert await check(symbols=["AAPL", "MSFT"]) == []
        leap = ("split", "severe", "adjust")
        assert await check(symbols=["AAPL", "MSFT"], adjustment="none") == [leap] * 3
        assert await check(symbols=["AAPL"], adjustment="none", **{"from": "2001-01-01"}) == [leap]
        assert await check(symbols=["AAPL"], adjustment="none", **{"from": "2006-01-01"}) == []
        assert len(started) == 1, "reports are kept"

        forgotten = ActionsRequest.model_validate(
            {"instrumentId": "MSFT.XNAS", "remove": [{"exDay": "2003-02-18", "kind": "split"}]}
        )
        await r.catalog.change_actions(forgotten)
        assert await check(symbols=["MSFT"]) == [("split", "severe", "addSplit")]
        assert len(started) == 2, "until something they rest on changes"
        with pytest.raises(TinoError) as error:
            await check(symbols=["MSFT"], **{"from": "2014-01-01"})
        assert error.value.code == "data_missing"


async def test_a_series_that_ends_before_the_others_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        csv = tmp_path / "prices"
        csv.mkdir()
        for symbol, count in (("AAA", 60), ("BBB", 50)):
            days = sessions(date(2019, 1, 2), count)
            lines = [f"{day},{10 + row % 7},{20},{9},{11 + row % 5},1000" for row, day in enumerate(days)]
            (csv / f"{symbol}.csv").write_text("\n".join(["date,open,high,low,close,volume", *lines]))
        request = ImportRequest.model_validate({"paths": [str(csv)], "choices": {"venue": "XNYS"}})
        job = await r.ended(await r.imports.start(request))
        assert job.status == "finished"
        reports = {report.instrument_id: report for report in (await quality_of(r)[0].report()).series}
        ends = {name: [it.kind for it in report.findings if it.kind == "ends"] for name, report in reports.items()}
        assert ends == {"AAA.XNYS": [], "BBB.XNYS": ["ends"]}
