"""Many small runs of one strategy over the same data, in one process: what a worker does for a search.

A setup (the parameters of the call `run` without those of one run) is prepared once: bars are read into memory, prices into arrays. Each
point then gets a new engine, new modules and a new class, so that what a strategy leaves in module or class variables does not
reach the next point; and it is what a run of its own would be, but for what nobody looks at: nothing is drawn and no table is written.
Its figures are those of a run, to the last digit.

    point   {parameters, fromNs?, toNs?, collect?, checks?, metrics?, redraw?, withholdNs?}
    → {metrics, sparkline, days, bars, orders, firstBarAt, lastBarAt, currency, periodsPerYear, elapsedMs, pruned, …collected}
      and bytes: `days` numbers of days since the epoch (int64), then as many daily returns (float64, NaN where none is defined)

`fromNs` and `toNs` narrow the time. `collect` may name `decisions`, rows as `decisions.py` gives them, `files`, what the strategy read as
`withholding.py` tells it, by path, and `trades`, columns of what closed trades brought. `redraw` {seed, number, block} puts the bars
together anew from blocks, see `data/bootstrap.py`; series with the same times are drawn together. `withholdNs` is the time after which
rows of text tables are withheld.

`checks` are how many parts the time is divided into: at each inner border the event `check {step, values}` says what `metrics` are of
what has been so far, and a notice `prune` that answers it ends the point, with `pruned`.

The code that runs is the code that was asked for: when a file of it has changed since, the point ends with `sweep_code_changed`.
"""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from nautilus_trader.trading import Strategy

from tino_engine.backtest.drawings import Drawings
from tino_engine.backtest.garbage import Garbage
from tino_engine.backtest.market import Market, Track
from tino_engine.backtest.recorder import Recorder
from tino_engine.backtest.report import Books, Report, compute_equity
from tino_engine.backtest.user_code import UserCode, describe
from tino_engine.contracts import Parameter, VenueModel
from tino_engine.data.bootstrap import draw_blocks, redraw_bars
from tino_engine.data.days import MAX_NS, MIN_NS, day_of
from tino_engine.data.instruments import write_instrument
from tino_engine.data.prices import Series, prepare, read, to_columns
from tino_engine.data.store import Bars, write_bars, writing
from tino_engine.errors import TinoError
from tino_engine.nautilus.backtest import BARS_A_PULSE
from tino_engine.nautilus.decisions import Decisions
from tino_engine.nautilus.harvest import harvest_account, harvest_orders, harvest_positions
from tino_engine.nautilus.replay import Reel, Replay
from tino_engine.nautilus.simulation import CLOCK, Feed
from tino_engine.nautilus.strategy import StrategyRequest, importing, instantiate, load_class
from tino_engine.nautilus.withholding import Withheld
from tino_engine.strategies import code_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tino_engine.backtest.records import Fills, Orders
    from tino_engine.backtest.user_code import Place
    from tino_engine.contracts import Instrument
    from tino_engine.data.decimate import Columns

    type Tell = Callable[[str, dict[str, Any]], None]

_SPANS = 4
"""Stretches of time whose bars are kept: a walk-forward goes to and fro between a few."""

_SYSTEM = tuple(dict.fromkeys((sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/etc", "/usr")))
"""Folders with nothing of the user's data."""


class _Nothing(Drawings):
    """Draws nothing."""

    def subscribe(self, bar_type: Any) -> None:
        """Ignore it."""

    def register(self, bar_type: Any, indicator: Any) -> None:
        """Ignore it."""

    def plot(self, ts: int, name: str, value: float | None, pane: str) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The data of one stretch of time."""

    market: Market
    reel: Reel


class Setup:
    """What many points have in common. Raises what is wrong with the data."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.path = Path(params["path"])
        self.roots = [Path(root) for root in params["roots"]]
        self.schema = [Parameter.model_validate(parameter) for parameter in params["schema"]]
        self.venue = VenueModel.model_validate(params["venue"])
        self.code = UserCode(self.roots, self.path)
        self.garbage = Garbage()
        self._spans: OrderedDict[tuple[Any, Any], _Span] = OrderedDict()
        self._seen: list[tuple[int, int]] | None = None

    def span(self, from_ns: int | None, to_ns: int | None) -> _Span:
        """Give the data between two instants, or all there is."""
        key = (from_ns, to_ns)
        if key not in self._spans:
            self._spans[key] = self._load(from_ns, to_ns)
            if len(self._spans) > _SPANS:
                self._spans.popitem(last=False)
        self._spans.move_to_end(key)
        return self._spans[key]

    @contextmanager
    def redrawn(self, span: _Span, redraw: dict[str, Any]) -> Iterator[_Span]:
        """Lend a span whose bars are put together anew, from a catalog that is gone afterwards. Raises `disk_full`."""
        folder = Path(self.params["cache"]) / f".redrawn-{uuid.uuid4().hex}"
        with writing(folder):
            folder.mkdir(parents=True)
        try:
            with writing(folder):
                yield self._redraw(span, redraw, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _redraw(self, span: _Span, redraw: dict[str, Any], folder: Path) -> _Span:
        tracks, feeds = [], []
        drawn: dict[bytes, np.ndarray] = {}
        for track, feed in zip(span.market.tracks, span.reel.feeds, strict=True):
            times = track.ts.tobytes()
            if times not in drawn:
                random = np.random.default_rng([redraw["seed"], redraw["number"], len(drawn)])
                drawn[times] = draw_blocks(len(track.ts) - 1, redraw["block"], random)
            bars = _to_exact(redraw_bars(track.bars, drawn[times]), track.instrument)
            write_bars(folder, track.bar_type, track.instrument, bars)
            write_instrument(folder, track.instrument)
            tracks.append(_track(track.bar_type, track.instrument, to_columns(bars), track.source))
            feeds.append(replace(feed, catalog=folder))
        return _Span(Market(tracks), Reel(feeds))

    def check_code(self) -> None:
        """Raise `sweep_code_changed` when the strategy is no longer what it was."""
        seen = [(status.st_mtime_ns, status.st_size) for status in map(Path.stat, self._files())]
        if seen == self._seen:
            return
        if code_hash(self.path, [str(root) for root in self.roots]).code != self.params["code"]:
            raise TinoError("sweep_code_changed", path=self.path)
        self._seen = seen

    def _files(self) -> list[Path]:
        files = [self.path.parent / name for name in self.params["files"]]
        if all(file.is_file() for file in files):
            return files
        raise TinoError("sweep_code_changed", path=self.path)

    def _load(self, from_ns: int | None, to_ns: int | None) -> _Span:
        tracks, feeds = [], []
        for item in self.params["data"]:
            prepared = prepare(Series.from_params(item), self.params["adjustment"], Path(self.params["cache"]))
            start = max(bound for bound in (MIN_NS, item["fromNs"], from_ns) if bound is not None)
            end = min(bound for bound in (MAX_NS, item["toNs"], to_ns) if bound is not None)
            bars = read(prepared, start, end)
            if not len(bars["ts"]):
                asked: dict[str, Any] = {
                    "from": day_of(prepared.instrument, start),
                    "to": day_of(prepared.instrument, end),
                }
                raise TinoError("data_missing", barType=prepared.bar_type, coverage="no bars then", **asked)
            tracks.append(_track(prepared.bar_type, prepared.instrument, bars, item["source"]))
            feeds.append(Feed(prepared.catalog, prepared.bar_type, prepared.instrument, start, end))
        market = Market(tracks)
        return _Span(market, Reel(feeds))


class Point:
    """One run of a setup. Build it, `execute` it once; from any thread it may be cancelled or pruned meanwhile."""

    def __init__(self, setup: Setup, point: dict[str, Any], tell: Tell) -> None:
        self._setup = setup
        self._point = point
        self._tell = tell
        self._request = StrategyRequest(
            path=setup.path,
            name=setup.params["name"],
            config_name=setup.params["configName"],
            parameters=point["parameters"],
            schema=setup.schema,
            bar_types=[item["barType"] for item in setup.params["data"]],
        )
        self._recorder = Recorder(setup.code, lambda _ts: None)
        self._recorder.drawings = _Nothing()
        self._pruned = False
        self._decisions = Decisions(setup.code)
        self._withheld = Withheld(point.get("withholdNs"), _SYSTEM)
        self._borders: list[int] = []

    def cancel(self) -> None:
        """End it as soon as it can be; from any thread."""
        self._recorder.cancel()

    def prune(self) -> None:
        """End it because it is not worth going on; from any thread."""
        self._pruned = True
        self._recorder.cancel()

    def find_place(self, frame: FrameType) -> Place | None:
        """Tell where in the user's code a thread is, from its frame; from any thread."""
        return self._setup.code.find_caller(frame)

    def execute(self) -> tuple[dict[str, Any], bytes]:
        """Run it; see the head of this file. Raises what is wrong with the strategy, its parameters or its data, `run_cancelled`."""
        started = time.perf_counter()
        setup = self._setup
        setup.check_code()
        span = setup.span(self._point.get("fromNs"), self._point.get("toNs"))
        redraw = self._point.get("redraw")
        with setup.redrawn(span, redraw) if redraw else nullcontext(span) as lent:
            reply, body = self._run(lent)
        setup.garbage.look()
        return {**reply, "elapsedMs": round((time.perf_counter() - started) * 1000)}, body

    def _run(self, span: _Span) -> tuple[dict[str, Any], bytes]:
        setup, recorder, market = self._setup, self._recorder, span.market
        collect = self._point.get("collect", ())
        watching = self._withheld.watching() if "files" in collect else nullcontext()
        with (
            setup.garbage.collecting(),
            importing(setup.path, setup.roots, setup.code),
            recorder.log.capture_output(),
            watching,
        ):
            strategy_class = load_class(self._request, setup.code)
            if "decisions" in collect:
                self._decisions.install(strategy_class)
            recorder.install(strategy_class, Strategy, int(market.axis[0]))
            strategy = instantiate(self._request, strategy_class, setup.code)
            self._check()
            replay = Replay(span.reel, setup.venue, market.currency)
            self._borders = self._make_borders(market)
            step = int(market.axis[-1] - market.axis[0])
            replay.add(
                strategy,
                max(1, step * BARS_A_PULSE // market.bars),
                lambda ts: self._pulse(ts, strategy, replay, market),
            )
            with recorder.recording(strategy, CLOCK):
                replay.run()
            if not self._pruned:
                self._check()
                reply, body = self._sum_up(replay, market)
            else:
                reply, body = {"pruned": True}, b""
            replay.close()
        return reply, body

    # -- figures ---------------------------------------------------------------------------------------------------

    def _sum_up(self, replay: Replay, market: Market) -> tuple[dict[str, Any], bytes]:
        traded = harvest_orders(replay.cache)
        report = self._report(replay, replay.cache, replay.accounts(), market, traded)
        figures = report.figures()
        days = figures.days
        returns = figures.returns if len(figures.returns) == len(days) else np.full(len(days), np.nan)
        reply: dict[str, Any] = {
            "pruned": False,
            "metrics": figures.metrics.model_dump(mode="json"),
            "sparkline": figures.sparkline,
            "days": len(days),
            "bars": market.bars,
            "orders": len(traded[0].ts),
            "firstBarAt": int(market.axis[0]) // 1_000_000,
            "lastBarAt": int(market.axis[-1]) // 1_000_000,
            "currency": market.currency,
            "periodsPerYear": market.home.periods_per_year,
        }
        collect = self._point.get("collect", ())
        if "decisions" in collect:
            reply["decisions"] = self._decisions.rows
        if "files" in collect:
            reply["files"] = self._withheld.files
        if "trades" in collect:
            reply["trades"] = report.trades()
        return reply, days.astype("<i8").tobytes() + returns.astype("<f8").tobytes()

    def _report(
        self,
        replay: Replay,
        cache: Any,
        accounts: list[tuple[Any, float]],
        market: Market,
        traded: tuple[Orders, Fills],
    ) -> Report:
        books = Books(
            positions=harvest_positions(cache),
            accounts=[harvest_account(*account) for account in accounts],
            venues=replay.venues,
            decimals=replay.decimals,
        )
        curve = compute_equity(market, books, self._setup.venue)
        return Report(market, books, traded, self._recorder, self._setup.venue, [], lambda: curve)

    # -- under way -------------------------------------------------------------------------------------------------

    def _make_borders(self, market: Market) -> list[int]:
        parts = self._point.get("checks") or 1
        return [int(market.axis[len(market.axis) * part // parts - 1]) for part in range(1, parts)]

    def _pulse(self, ts: int, strategy: Any, replay: Replay, market: Market) -> None:
        self._recorder.tick(ts)
        if not self._borders or ts <= self._borders[0] or self._recorder.cancelled:
            return
        # Bars at the time itself may not have been seen by the strategy yet: the border is a whole pulse behind.
        border = self._borders.pop(0)
        until = _cut(market, border)
        figures = self._report(
            replay, strategy.cache, replay.accounts(strategy.portfolio), until, harvest_orders(strategy.cache)
        ).figures()
        metrics = figures.metrics.model_dump(mode="json")
        values = [metrics[name] for name in self._point["metrics"]]
        step = self._point["checks"] - 1 - len(self._borders)
        self._tell("check", {"step": step, "values": values})

    def _check(self) -> None:
        """Raise why the point is over, if it is."""
        failure = self._recorder.failure
        if failure is not None:
            location, frames = self._setup.code.trace(failure.error)
            raise TinoError(
                "strategy_failed",
                name=self._request.name,
                callback=failure.callback,
                reason=describe(failure.error),
                location=location,
                traceback=frames,
            ) from failure.error
        if self._recorder.cancelled:
            raise TinoError("run_cancelled")


def _track(bar_type: str, instrument: Instrument, bars: Columns, source: str) -> Track:
    read_: Future[Columns] = Future()
    read_.set_result(bars)
    return Track(bar_type, instrument, bars["ts"], source, read_)


def _cut(market: Market, until: int) -> Market:
    """Give the market as it was known at a time: at least one bar of each series."""
    tracks = []
    for track in market.tracks:
        rows = max(1, int(np.searchsorted(track.ts, until, side="right")))
        bars = {name: values[:rows] for name, values in track.bars.items()}
        tracks.append(_track(track.bar_type, track.instrument, bars, track.source))
    return Market(tracks)


def _to_exact(bars: Columns, instrument: Instrument) -> Bars:
    """Round bars to the instrument's price increments; no price falls below one of them."""
    prices, sizes = 10**instrument.price_precision, 10**instrument.size_precision
    unit = max(1, round(float(instrument.price_increment) * prices))
    columns = {
        name: np.maximum(np.rint(bars[name] * (prices / unit)).astype(np.int64), 1) * unit
        for name in ("open", "high", "low", "close")
    }
    return Bars(
        bars["ts"],
        **columns,
        volume=np.rint(bars["volume"] * sizes).astype(np.int64),
        price_precision=instrument.price_precision,
        size_precision=instrument.size_precision,
    )
