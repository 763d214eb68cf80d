"""Providers against local servers that speak their protocols: what they give, and what becomes of every way to fail."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from nautilus_trader.model import BarType
from nautilus_trader.persistence import ParquetDataCatalog

from data.rig import Rig, rig
from tino_engine.contracts import Download, DownloadRequest
from tino_engine.data import Downloads
from tino_engine.data.download import divide
from tino_engine.data.limiter import Limiter
from tino_engine.data.providers import Access, Span, registry
from tino_engine.data.providers.access import PATIENCE
from tino_engine.errors import TinoError
from tino_engine.nautilus.decoding import Decoding
from tino_engine.secrets import Keys, MemoryKeychain
from tino_engine.workers.child import Child
from venues_server import venues as venues_module

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


KEY: str = venues_module.KEY
LISTED: int = venues_module.LISTED


@pytest.fixture
def venues() -> Iterator[Any]:
    with venues_module.Venues() as running:
        yield running


class Time:
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


def access(venues: Any, name: str, folder: Path, time: Time, key: str | None = None) -> Access:
    return Access(
        name,
        key=key,
        mirror=venues.mirror,
        requests_a_second=5,
        sleep=time.sleep,
        clock=time.clock,
        scratch=folder,
        decode=Decoding(),
    )


def day(text: str) -> Span:
    return Span(date.fromisoformat(text), date.fromisoformat(text))


CASES: dict[str, dict[str, Any]] = {
    "binance": {"symbol": "btc/usdt", "kind": "bars", "span": day("2024-01-01"), "path": "klines", "rows": 720},
    "yahoo": {
        "symbol": "AAPL",
        "kind": "bars",
        "span": Span(date(2020, 8, 1), date(2020, 9, 1)),
        "path": "chart",
        "rows": 4,
    },
    "tardis": {"symbol": "binance:BTCUSDT", "kind": "trades", "span": day("2020-01-01"), "path": "csv.gz", "rows": 3},
    "databento": {
        "symbol": "GLBX.MDP3:ESH4",
        "kind": "bars",
        "span": day("2024-01-02"),
        "path": "get_range",
        "rows": 3,
    },
}
"""A download of each provider: what is fetched, which request may fail, and how many rows come of it."""


def fetch(provider: Any, case: dict[str, Any]) -> list[dict[str, Any]]:
    step = "1-DAY" if provider.access.name == "yahoo" else "1-MINUTE"
    tables = provider.fetch(case["symbol"], case["kind"], step, case["span"])
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("name", CASES)
def test_what_may_pass_is_tried_again_and_the_rows_are_the_same(name: str, venues: Any, tmp_path: Path) -> None:
    case, key = CASES[name], KEY if name == "databento" else None
    good = fetch(registry.build(access(venues, name, tmp_path, Time(), key)), case)
    assert len(good) == case["rows"]
    faults = [("status", 503), ("throttle", 7), ("truncate", None), ("drop", None)]
    faults += [("garbage", None)] if name != "databento" else []
    for fault, value in faults:
        time = Time()
        provider = registry.build(access(venues, name, tmp_path, time, key))
        venues.faults.append((case["path"], fault, value))
        assert fetch(provider, case) == good, fault
        assert venues.faults == [], "the fault was met"
        # A connection that was used before and is gone is opened again by curl itself.
        assert time.waited or (name, fault) == ("yahoo", "drop"), fault
        if fault == "throttle":
            assert time.waited == [7.0], "for as long as it was told"


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_pass_ends_in_words(name: str, venues: Any, tmp_path: Path) -> None:
    case, key = CASES[name], KEY if name == "databento" else None
    endings = [
        (("status", 500), "provider_down"),
        (("truncate", None), "provider_answer_truncated"),
        (("throttle", 60), "provider_rate_limited"),
    ]
    for (fault, value), code in endings:
        time = Time()
        provider = registry.build(access(venues, name, tmp_path, time, key))
        venues.faults[:] = [(case["path"], fault, value)] * 200
        with pytest.raises(TinoError) as caught:
            fetch(provider, case)
        venues.faults.clear()
        assert caught.value.code == code, caught.value.body
        assert caught.value.parameters["provider"] == name
        assert time.now <= PATIENCE + 60
        if code == "provider_down":
            assert time.waited == sorted(time.waited), "each pause is longer than the one before"
    provider = registry.build(access(venues, name, tmp_path, Time(), key))
    unknown = {"binance": "NOPE/USDT", "yahoo": "NOPE", "tardis": "binance:NOPE", "databento": "GLBX.MDP3:NOPE"}[name]
    with pytest.raises(TinoError) as caught:
        provider.instrument(unknown)
    assert caught.value.code == "provider_symbol_unknown"


def test_keys_that_are_missing_or_wrong_are_told_apart(venues: Any, tmp_path: Path) -> None:
    for name, key, code in (
        ("databento", None, "provider_key_missing"),
        ("databento", "wrong", "provider_key_refused"),
        ("tardis", None, "provider_key_missing"),
        ("tardis", "wrong", "provider_key_refused"),
    ):
        case = CASES[name] | ({"span": day("2020-01-02")} if name == "tardis" else {})
        with pytest.raises(TinoError) as caught:
            fetch(registry.build(access(venues, name, tmp_path, Time(), key)), case)
        assert caught.value.code == code, (name, key)


def test_prices_are_stored_as_they_were_traded(venues: Any, tmp_path: Path) -> None:
    """AAPL split four for one on 2020-08-31; it closed at 499.23 before, and Yahoo tells a quarter of that. By hand: 124.75 · 4."""
    yahoo = registry.build(access(venues, "yahoo", tmp_path, Time()))
    rows = fetch(yahoo, CASES["yahoo"])
    assert [(row["close"], row["volume"]) for row in rows] == [
        (500.0, 38_888_100),
        (499.0, 46_907_500),
        (129.0, 225_702_700),
        (134.25, 151_948_100),
    ]
    told = [(action.ex_day, action.kind, action.value) for action in yahoo.actions("AAPL")]
    assert told == [("2020-08-28", "dividend", 0.82), ("2020-08-31", "split", 4.0)]


def test_pages_overlap_and_nothing_comes_twice(venues: Any, tmp_path: Path) -> None:
    """Trades of one millisecond lie on two pages of ten: each of the 33 once."""
    case = {"symbol": "BTC/USDT", "kind": "trades", "span": day("2024-01-01")}
    rows = fetch(registry.build(access(venues, "binance", tmp_path, Time())), case)
    assert [row["trade_id"] for row in rows] == [str(number) for number in range(33)]
    assert [row["aggressor_side"] for row in rows[:2]] == ["SELL", "BUY"]


def test_parts_are_cut_at_the_same_days_whatever_is_asked_for() -> None:
    whole = divide([Span(date(2024, 1, 1), date(2024, 3, 31))], 30)
    later = divide([Span(date(2024, 2, 10), date(2024, 3, 31))], 30)
    assert whole[-2:] == later[-2:]
    days = [day for part in whole for day in part.days]
    assert (days[0], days[-1], len(days)) == (date(2024, 1, 1), date(2024, 3, 31), 91)


async def test_one_limit_holds_for_everybody() -> None:
    now, order = 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    limiter = Limiter(clock=lambda: now, sleep=sleep)

    async def ask(name: str) -> None:
        await limiter.permit(2)
        order.append((name, now))

    await asyncio.gather(ask("a"), ask("b"))
    limiter.hold(30)
    await asyncio.gather(ask("c"), ask("a"))
    assert order == [("a", 0), ("b", 2), ("c", 32), ("a", 34)]


# -- downloads, by the engine's own way --------------------------------------------------------------------------------

NOW_MS = int(datetime(2024, 2, 1, 12, tzinfo=UTC).timestamp() * 1000)


class Desk:
    """Downloads on a home of their own."""

    def __init__(self, rig: Rig, home: Path) -> None:
        self.rig = rig
        self.home = home
        self.heard = asyncio.Event()
        self.told: list[Download] = []
        self.keys = Keys(rig.database, rig.writer, lambda: NOW_MS, MemoryKeychain)
        self.downloads = self.open()

    def open(self) -> Downloads:
        return Downloads(
            self.rig.catalog,
            self.rig.database,
            self.keys,
            lambda: Child.spawn("provide"),
            lambda: NOW_MS,
            self._hear,
            self.home / "data",
            self.home / "providers",
            self.home / "engine.log",
        )

    def _hear(self, job: Download) -> None:
        self.told.append(job)
        self.heard.set()

    async def until(self, job: Download, met: Any) -> Download:
        while not met(self.downloads.get(job.id)):
            self.heard.clear()
            await self.heard.wait()
        return self.downloads.get(job.id)

    async def run(self, **request: Any) -> Download:
        job = await self.downloads.start(DownloadRequest.model_validate(request))
        return await self.until(job, lambda now: now.ended_at is not None)


@asynccontextmanager
async def desk(home: Path, venues: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    names = ("binance", "yahoo", "tardis", "databento")
    monkeypatch.setenv("TINO_PROVIDER_MIRRORS", json.dumps(dict.fromkeys(names, venues.mirror)))
    async with rig(home) as opened:
        made = Desk(opened, home)
        try:
            yield made
        finally:
            await made.downloads.close()


BARS = {"provider": "binance", "symbols": ["BTC/USDT"], "step": "1-MINUTE", "from": "2023-12-30", "to": "2024-01-14"}


async def test_a_download_goes_on_where_it_stopped_and_fetches_nothing_twice(
    venues: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, venues, monkeypatch) as made:
        # The second part of two begins at this instant; its first request is told to wait, which gives the time to cancel.
        second = int(datetime(2024, 1, 12, tzinfo=UTC).timestamp() * 1000)
        venues.faults.append((f"startTime={second}", "throttle", 600))
        job = await made.downloads.start(DownloadRequest.model_validate(BARS))
        going = await made.until(job, lambda now: now.progress.phase == "waiting" or now.ended_at is not None)
        assert going.error is None, going.error
        assert (going.progress.parts_done, going.progress.parts_total) == (1, 2)
        assert going.progress.reason == "binance asks to wait 600 s"
        assert made.downloads.running == 1
        ended = await made.downloads.cancel(job.id)
        assert ended.status == "cancelled"
        assert ended.error is not None
        assert ended.error.code == "download_cancelled"
        parts = list((tmp_path / "data" / "downloads").rglob("*.parquet"))
        assert [part.stem for part in parts] == ["2023-12-30_2024-01-11"]
        assert (await made.rig.catalog.symbols()).symbols == [], "nothing half"

        asked = len(venues.requests("klines"))
        made.downloads = made.open()  # Another engine knows of nothing but the files.
        job = await made.run(**BARS)
        assert job.error is None, job.error
        assert (job.progress.parts_kept, job.progress.parts_done) == (1, 2)
        again = venues.requests("klines")[asked:]
        since = [int(path.partition("startTime=")[2].partition("&")[0]) for path in again]
        assert min(since) == second, "no day of a finished part is asked for again"

        series = job.series[0]
        bar_type = series.bar_type
        assert bar_type is not None
        count = (14 * 24 - 12) * 60
        assert (series.outcome, series.rows, series.notes) == ("new", count, [])
        assert (series.from_, series.to) == (LISTED + 60_000, int(datetime(2024, 1, 15, tzinfo=UTC).timestamp() * 1000))
        bars = ParquetDataCatalog(str(tmp_path / "data" / "catalog")).query_bars([bar_type])
        assert len(bars) == count
        assert len({bar.ts_event for bar in bars}) == count
        opening = venues_module.kline(LISTED)
        first = bars[0]
        assert [str(part) for part in (first.open, first.high, first.low, first.close, first.volume)] == opening[1:6]
        assert str(first.bar_type) == str(BarType.from_str(bar_type))
        assert list((tmp_path / "data" / "downloads").rglob("*.parquet")) == []

        asked = len(venues.asked)
        job = await made.run(**BARS)
        assert (job.series[0].outcome, job.series[0].rows) == ("unchanged", count)
        assert [path for _, path in venues.asked[asked:] if "klines" in path] == []
        job = await made.run(**BARS, refresh=True)
        assert (job.series[0].outcome, job.series[0].rows) == ("unchanged", count)
        assert [path for _, path in venues.asked[asked:] if "klines" in path]

        await made.rig.catalog.remove([bar_type])
        assert await made.rig.rows("download_spans") == []


async def test_ticks_actions_and_refusals_reach_the_catalog_or_the_user(
    venues: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, venues, monkeypatch) as made:
        job = await made.run(provider="yahoo", symbols=["AAPL"], **{"from": "2020-08-01", "to": "2020-09-30"})
        assert job.error is None, job.error
        entry = (await made.rig.catalog.symbols()).symbols[0]
        assert (entry.instrument.id, entry.coverage[0].bars, entry.coverage[0].source) == (
            "AAPL.XNAS",
            4,
            "Yahoo Finance",
        )
        assert [(action.kind, action.value) for action in entry.actions] == [("dividend", 0.82), ("split", 4.0)]
        # 16:00 in New York is 20:00 in UTC in summer.
        assert entry.coverage[0].to == int(datetime(2020, 9, 1, 20, tzinfo=UTC).timestamp() * 1000)

        tardis = {"provider": "tardis", "symbols": ["binance:BTCUSDT"], "from": "2020-01-01"}
        for kind, rows in (("trades", 2), ("quotes", 1), ("deltas", 4)):
            job = await made.run(**tardis, kind=kind, to="2020-01-01")
            assert job.error is None, job.error
            assert (job.series[0].rows, job.series[0].outcome) == (rows, "new")
        job = await made.run(**tardis, kind="trades", to="2020-01-02")
        assert job.error is not None
        assert job.error.code == "provider_key_missing"
        await made.keys.set("tardis", KEY)
        job = await made.run(**tardis, kind="trades", to="2020-01-02")
        assert job.error is None, job.error
        assert job.series[0].rows == 4
        assert len(venues.requests("/trades/2020/01/01")) == 1, "the first day was there"
        files = await made.rig.catalog.find_ticks("BTCUSDT.BINANCE", "trades")
        assert [pq.read_metadata(file).num_rows for file in files] == [2, 2]
        entry = (await made.rig.catalog.symbols()).symbols[1]
        assert [(ticks.kind, ticks.rows) for ticks in entry.ticks] == [("deltas", 4), ("quotes", 1), ("trades", 4)]
        await made.rig.catalog.remove(["BTCUSDT.BINANCE quotes"])
        assert list((tmp_path / "data" / "catalog" / "data").glob("quotes/*/*")) == []

        await made.keys.set("databento", "wrong")
        future = {
            "provider": "databento",
            "symbols": ["GLBX.MDP3:ESH4"],
            "step": "1-MINUTE",
            "from": "2024-01-02",
            "to": "2024-01-02",
        }
        job = await made.run(**future)
        assert job.error is not None
        assert job.error.code == "provider_key_refused"
        await made.keys.set("databento", KEY)
        job = await made.run(**future)
        assert job.error is None, job.error
        assert job.series[0].rows == 3
        assert {key.name for key in (await made.keys.list()).keys} == {"databento", "tardis"}
        assert "wrong" not in str(await made.rig.rows("keys"))

        job = await made.run(**(BARS | {"symbols": ["NEW/USDT"], "step": "1-DAY"}))
        assert job.error is not None
        assert job.error.code == "provider_range_empty"


PACKAGE = """
from datetime import timedelta
from tino_engine.contracts import Instrument, ProviderSymbol
from tino_engine.data.providers import Capabilities, Provider, make_bars

class Mine(Provider):
    capabilities = Capabilities(name="mine", title="My prices", steps=("1-DAY",), example="X")

    def instrument(self, symbol):
        return Instrument(id="X.MINE", symbol="X", venue="MINE", asset_class="equity", name=None, currency="EUR", price_precision=2,
            price_increment="0.01", size_precision=0, lot_size="1", multiplier="1", time_zone="Europe/Berlin", periods_per_year=252)

    def search(self, text, limit):
        return [ProviderSymbol(symbol="X", name="The one", asset_class="equity", venue="MINE")]

    def fetch(self, symbol, kind, step, span):
        self.access.permit(0.01)
        times = [int(span.start.timestamp() + 86400 * n) * 10**9 for n in range((span.to_day - span.from_day).days + 1)]
        ones = [1.25] * len(times)
        yield make_bars(times, ones, ones, ones, ones, ones)
"""


async def test_a_package_of_the_user_is_a_provider_like_the_others(
    venues: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "providers"
    info = folder / "mine-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "mine_prices.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    points = "[tino.providers]\nmine = mine_prices:Mine\nbroken = mine_gone:Gone\nyahoo = mine_prices:Mine\n"
    (info / "entry_points.txt").write_text(points)
    async with desk(tmp_path, venues, monkeypatch) as made:
        listed = await made.downloads.providers()
        by_name = {provider.name: provider for provider in listed.providers}
        assert (by_name["mine"].from_, by_name["yahoo"].from_, by_name["kraken"].from_) == ("package", "tino", "ccxt")
        assert by_name["databento"].key == "required"
        assert [(problem.name, "mine_gone" in problem.reason) for problem in listed.problems] == [("broken", True)]
        assert [found.symbol for found in (await made.downloads.search("mine", "one", 5)).symbols] == ["X"]
        job = await made.run(provider="mine", symbols=["X"], **{"from": "2024-01-01", "to": "2024-01-10"})
        assert job.error is None, job.error
        assert (job.series[0].bar_type, job.series[0].rows) == ("X.MINE-1-DAY-LAST-EXTERNAL", 10)
