"""One run, from the engine's request to a folder of columns and a `BacktestResult`.

A second thread reads and writes long arrays beside the first: the bars, which depend on nothing that the run does, while it runs; the
curves while the orders are gone through. It touches numpy, pyarrow and files, which let go of the interpreter, and nothing of
NautilusTrader's. The first thread starts with nothing but the times of the bars.
"""

from __future__ import annotations

import platform
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nautilus_trader.indicators  # noqa: F401 - nearly every strategy needs it
from nautilus_trader.trading import Strategy

import tino_engine
from tino_engine.backtest.columns import ResultFolder
from tino_engine.backtest.garbage import Garbage
from tino_engine.backtest.market import Market, Track
from tino_engine.backtest.progress import Progress
from tino_engine.backtest.recorder import Recorder
from tino_engine.backtest.report import Books, Report, write_lines
from tino_engine.backtest.user_code import UserCode, describe
from tino_engine.backtest.why import look_at_indicators
from tino_engine.contracts import Parameter, RunProgress, VenueModel
from tino_engine.data.days import MAX_NS, MIN_NS, day_of
from tino_engine.data.prices import Series, prepare, read, read_times
from tino_engine.errors import TinoError
from tino_engine.nautilus.harvest import harvest_account, harvest_orders, harvest_positions
from tino_engine.nautilus.simulation import CLOCK, SIZERS, Feed, Simulation, without_pandas
from tino_engine.nautilus.strategy import StrategyRequest, importing, instantiate, load_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from tino_engine.backtest.user_code import Place

BARS_A_PULSE = 2_000
"""Bars between two looks at whether the run is cancelled, for a strategy that takes no bars."""

_LOG_LINES_ON_FAILURE = 50

VERSIONS = {
    "tino": tino_engine.__version__,
    "python": platform.python_version(),
    **{name: version(name) for name in ("nautilus_trader", "numpy", "pyarrow")},
}


class Backtest:
    """A run that was asked for, with the parameters of the worker's call `run`."""

    def __init__(self, params: dict[str, Any], send: Callable[[RunProgress], None]) -> None:
        self._params = params
        self._roots = [Path(root) for root in params["roots"]]
        self._request = StrategyRequest(
            path=Path(params["path"]),
            name=params["name"],
            config_name=params["configName"],
            parameters=params["parameters"],
            schema=[Parameter.model_validate(parameter) for parameter in params["schema"]],
            bar_types=[item["barType"] for item in params["data"]],
        )
        self._venue = VenueModel.model_validate(params["venue"])
        self._code = UserCode(self._roots, self._request.path)
        self._progress = Progress(send)
        self._garbage = Garbage()
        self._recorder = Recorder(self._code, self._reach)

    def cancel(self) -> None:
        """End the run as soon as it can be; from any thread."""
        self._recorder.cancel()

    def find_place(self, frame: FrameType) -> Place | None:
        """Tell where in the user's code a thread is, from its frame; from any thread."""
        return self._code.find_caller(frame)

    def execute(self) -> dict[str, Any]:
        """Run it, once, on the main thread; give a `BacktestResult` as JSON, with a `sparkline`.

        Raises what is wrong with the strategy, its parameters or its data, `run_cancelled`, `disk_full`.
        """
        with self._garbage.collecting():
            return self._execute(time.perf_counter())

    def _execute(self, started: float) -> dict[str, Any]:
        self._progress.prepare()
        beside = ThreadPoolExecutor(1, "beside")
        try:
            with importing(self._request.path, self._roots, self._code), self._recorder.log.capture_output():
                strategy_class = load_class(self._request, self._code)
                self._check()
                feeds, market = self._load_market(beside)
                self._check()
                strategy, simulation = self._set_up(strategy_class, feeds, market)
                folder = ResultFolder(Path(self._params["folder"]), market.axis)
                bars = beside.submit(_write_bars, folder, market)
                self._simulate(strategy, simulation, market)
                books = self._take_books(simulation)
                drawn = self._recorder.drawings.lines(strategy, market.valued[market.home.id].bars["close"])
                curve = beside.submit(write_lines, folder, market, books, self._venue, drawn)
                traded = harvest_orders(simulation.cache)
                indicators = [look_at_indicators(seat) for seat in self._recorder.seats]
                simulation.close()
                self._check()
            with without_pandas():
                report = Report(market, books, traded, self._recorder, self._venue, indicators, curve.result)
                bars.result()
                result = report.write(folder, adjustment=self._params["adjustment"], versions=VERSIONS, started=started)
            self._check()
        except TinoError as error:
            self._tell(error)
            raise
        finally:
            beside.shutdown(wait=False, cancel_futures=True)
        return result

    def _set_up(
        self, strategy_class: type[Strategy], feeds: Sequence[Feed], market: Market
    ) -> tuple[Strategy, Simulation]:
        self._recorder.install(strategy_class, Strategy, int(market.axis[0]))
        strategy = instantiate(self._request, strategy_class, self._code)
        self._check()
        simulation = Simulation(feeds, self._venue, market.currency)
        span = int(market.axis[-1] - market.axis[0])
        simulation.add(strategy, max(1, span * BARS_A_PULSE // market.bars), self._recorder.tick)
        return strategy, simulation

    def _simulate(self, strategy: Strategy, simulation: Simulation, market: Market) -> None:
        with self._recorder.recording(strategy, CLOCK, instruments=SIZERS):
            self._progress.start(market.times)
            simulation.run()
        self._check()
        self._progress.write()

    def _take_books(self, simulation: Simulation) -> Books:
        return Books(
            positions=harvest_positions(simulation.cache),
            accounts=[harvest_account(*account) for account in simulation.accounts()],
            venues=simulation.venues,
            decimals=simulation.decimals,
        )

    def _load_market(self, beside: ThreadPoolExecutor) -> tuple[list[Feed], Market]:
        feeds, tracks = [], []
        for item in self._params["data"]:
            prepared = prepare(Series.from_params(item), self._params["adjustment"], Path(self._params["cache"]))
            start = MIN_NS if item["fromNs"] is None else item["fromNs"]
            end = MAX_NS if item["toNs"] is None else item["toNs"]
            times = read_times(prepared, start, end)
            if not len(times):
                everything = read_times(prepared)
                first, last = (day_of(prepared.instrument, int(everything[row])) for row in (0, -1))
                asked: dict[str, Any] = {
                    "from": day_of(prepared.instrument, start),
                    "to": day_of(prepared.instrument, end),
                }
                raise TinoError("data_missing", barType=prepared.bar_type, coverage=f"{first} to {last}", **asked)
            reading = beside.submit(read, prepared, start, end)
            tracks.append(Track(prepared.bar_type, prepared.instrument, times, item["source"], reading))
            feeds.append(Feed(prepared.catalog, prepared.bar_type, prepared.instrument, start, end))
        currencies = sorted({track.instrument.currency for track in tracks})
        if len(currencies) > 1:
            raise TinoError(
                "request_invalid",
                reason=f"its instruments are quoted in {' and '.join(currencies)}, and a run has one currency",
                field="symbols",
            )
        return feeds, Market(tracks)

    def _reach(self, ts: int) -> None:
        self._progress.reach(ts)
        self._garbage.look()

    def _check(self) -> None:
        """Raise why the run is over, if it is."""
        failure = self._recorder.failure
        if failure is not None:
            location, frames = self._code.trace(failure.error)
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

    def _tell(self, error: TinoError) -> None:
        """Put what led to a failure into the engine's log, which takes what is printed here."""
        if error.__cause__ is not None:
            lines = [
                *self._recorder.log.tail(_LOG_LINES_ON_FAILURE),
                *"".join(traceback.format_exception(error.__cause__)).splitlines(),
            ]
            print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the way to it


def _write_bars(folder: ResultFolder, market: Market) -> None:
    for number, track in enumerate(market.tracks):
        folder.write_bars(f"bars.{number}", track.bar_type, track.bars)
