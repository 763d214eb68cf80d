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
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nautilus_trader.indicators  # noqa: F401 - nearly every strategy needs it

import tino_engine
from tino_engine.backtest.columns import ResultFolder
from tino_engine.backtest.effects import Effects
from tino_engine.backtest.garbage import Garbage
from tino_engine.backtest.progress import Progress
from tino_engine.backtest.recorder import Recorder
from tino_engine.backtest.report import Books, Report, write_lines
from tino_engine.backtest.several import Setting, StrategyInfo
from tino_engine.backtest.user_code import UserCode, describe
from tino_engine.backtest.why import look_at_indicators
from tino_engine.contracts import RunProgress, VenueModel
from tino_engine.errors import TinoError
from tino_engine.nautilus.copied_code import CopiedCode
from tino_engine.nautilus.ensemble import import_all, load_all, make_all, read_members
from tino_engine.nautilus.feeds import Data
from tino_engine.nautilus.harvest import harvest_account, harvest_orders, harvest_positions
from tino_engine.nautilus.observer import Observer
from tino_engine.nautilus.simulation import CLOCK, SIZERS, Simulation, without_pandas
from tino_engine.nautilus.warm_up import count_needed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from nautilus_trader.trading import Strategy

    from tino_engine.backtest.drawings import Line
    from tino_engine.backtest.market import Market
    from tino_engine.backtest.records import Orders
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
        self._members = read_members(params)
        self._venue = VenueModel.model_validate(params["venue"])
        paths = [member.request.path for member in self._members]
        self._code = UserCode([*self._roots, *(path.parent for path in paths)], paths[0])
        # The code's copies and the workspace's packages; without them the files are read where they lie.
        copies: dict[str, str] = params.get("copies", {})
        self._packages: str | None = params.get("packages")
        known = [*copies, *copies.values(), *filter(None, [self._packages])]
        self._effects = Effects(self._code, map(Path, known))
        self._copies = CopiedCode(copies, self._effects.watch)
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
        """Run it, once, on the main thread; give a `BacktestResult` as JSON, with a `sparkline` and `effects`.

        Raises what is wrong with the strategy, its parameters or its data, `run_cancelled`, `disk_full`.
        """
        with self._garbage.collecting():
            return self._execute(time.perf_counter())

    def _execute(self, started: float) -> dict[str, Any]:
        self._progress.prepare()
        beside = ThreadPoolExecutor(1, "beside")
        try:
            with (
                self._effects.noticing(self._venue.seed),
                import_all(self._members, self._roots, self._code, self._copies, self._packages),
                self._recorder.log.capture_output(),
            ):
                classes = load_all(self._members, self._code, self._copies)
                self._check()
                data = Data.from_params(self._params)
                self._check()
                made = make_all(self._members, classes, self._recorder, self._code, data.start)
                self._check()
                self._settle_warm_up(data, made)
                market = data.market(beside)
                observer = Observer(data.internal) if data.internal else None
                simulation = self._set_up(made, data, observer)
                folder, bars = None, None
                if observer is None:
                    folder = ResultFolder(Path(self._params["folder"]), market.axis)
                    bars = beside.submit(_write_bars, folder, market)
                self._simulate(made, simulation, data)
                if observer is not None:
                    market = data.complete(market, observer, beside)
                    folder = ResultFolder(Path(self._params["folder"]), market.axis)
                    bars = beside.submit(_write_bars, folder, market)
                assert folder is not None
                assert bars is not None
                books = self._take_books(simulation)
                drawn = self._lines(market)
                curve = beside.submit(write_lines, folder, market, books, self._venue, drawn)
                traded = harvest_orders(simulation.cache)
                indicators = [look_at_indicators(seat) for seat in self._recorder.seats]
                setting = self._describe(simulation, data, traded[0])
                simulation.close()
                made.clear()
                self._check()
            with without_pandas():
                report = Report(market, books, traded, self._recorder, self._venue, indicators, curve.result, setting)
                bars.result()
                result = report.write(folder, adjustment=self._params["adjustment"], versions=VERSIONS, started=started)
            self._check()
        except TinoError as error:
            self._tell(error)
            raise
        finally:
            self._recorder.release()
            beside.shutdown(wait=False, cancel_futures=True)
        return {**result, "effects": [effect.model_dump(mode="json") for effect in self._effects.found]}

    def _settle_warm_up(self, data: Data, made: Sequence[Strategy]) -> None:
        asked = self._params.get("warmUp", 0)
        data.settle(max(map(count_needed, made)) if asked is None else asked, asked=asked is not None)

    def _set_up(self, made: Sequence[Strategy], data: Data, observer: Observer | None) -> Simulation:
        simulation = Simulation(data.feeds, self._venue, data.instruments[0].currency)
        if observer is not None:
            simulation.observe(observer)
        times = data.times()
        span = int(times[-1] - times[0])
        simulation.add(made, max(1, span * BARS_A_PULSE // len(times)), self._recorder.tick)
        return simulation

    def _simulate(self, made: Sequence[Strategy], simulation: Simulation, data: Data) -> None:
        warm_until = data.start if data.warm_up_bars else None
        with self._recorder.recording(list(made), CLOCK, instruments=SIZERS, warm_until=warm_until):
            self._progress.start(data.times())
            simulation.run()
        self._check()
        self._progress.write()

    def _lines(self, market: Market) -> list[Line]:
        """Give what was drawn; of several strategies each line says whose it is."""
        closes = market.valued[market.home.id].bars["close"]
        seats = self._recorder.seats
        if len(seats) == 1:
            return seats[0].drawings.lines(seats[0].strategy, closes)
        return [
            replace(line, label=f"{seat.label}: {line.label}")
            for seat in seats
            for line in seat.drawings.lines(seat.strategy, closes)
        ]

    def _describe(self, simulation: Simulation, data: Data, orders: Orders) -> Setting:
        owners: dict[str, str] = {}
        if len(self._members) > 1:
            labels = {str(seat.strategy.strategy_id): seat.label for seat in self._recorder.seats}
            owners = {name: labels[simulation.owner(name)] for name in orders.order_id}
        return Setting(
            ticks=data.words(),
            warm_up_bars=data.warm_up_bars,
            wanted_bars=data.wanted_bars,
            owners=owners,
            strategies=[
                StrategyInfo(
                    label=member.label,
                    path=str(member.request.path),
                    name=member.request.name,
                    bar_types=list(member.request.bar_types),
                    parameters=dict(member.request.parameters),
                )
                for member in self._members
            ],
        )

    def _take_books(self, simulation: Simulation) -> Books:
        return Books(
            positions=harvest_positions(simulation.cache),
            accounts=[harvest_account(*account) for account in simulation.accounts()],
            venues=simulation.venues,
            decimals=simulation.decimals,
        )

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
                name=failure.strategy or self._members[0].label,
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
