"""A backtest worker: a warm process that takes a run, reports on it and gives its result.

    run {runId, folder, path, name, configName, roots, parameters, schema, data, adjustment, cache, venue}
        → a `BacktestResult` with a `sparkline`; `progress` on the way
    point {key, point, setup?}
        → figures and daily returns, see `nautilus/points.py`; `check` on the way. `setup` is kept until another `key` comes
    compare {stored, repeated, result, of}
        → `rows`, `hash` and `difference` of a `Reproduction`: what the run just done left, held against a stored result
    cancel {}    a notice: the run ends with `run_cancelled`
    prune {}     a notice: the point ends as pruned

The main thread runs; the port's thread listens. A notice `cancel` sets a flag that the run looks at between two callbacks of the
strategy. A strategy that does not come back from one leaves it unseen: so a little later, while the engine still waits
before it kills this process, a look at the main thread's stack tells in which line of the user's code it hangs, and the event
`hanging {path, line}` says so.
"""

from __future__ import annotations

import errno
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.workers.port import Port

if TYPE_CHECKING:
    from tino_engine.contracts import RunProgress
    from tino_engine.nautilus.backtest import Backtest
    from tino_engine.nautilus.points import Point, Setup
    from tino_engine.workers.protocol import Frame

HANGING_SECONDS = 0.06
"""How long a cancelled run may go on before it is said where it hangs: well below the engine's patience."""

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT)


def main() -> int:
    """Serve runs until the engine closes the pipe: the port's thread then ends the process."""
    port = Port()
    worker = Worker(port)
    port.listen(worker.take)
    return worker.serve()


class _Run:
    """A request, and the run or point made of it once its turn has come."""

    def __init__(self, frame: Frame) -> None:
        self.id: int = frame.header["id"]
        self.call: str = frame.header["call"]
        self.params: dict[str, Any] = frame.header["params"]
        self.cancelled = False
        self.backtest: Backtest | Point | None = None

    def cancel(self) -> None:
        # Flag first, then the run: `begin` does it the other way round, so one of the two sees the other.
        self.cancelled = True
        if self.backtest is not None:
            self.backtest.cancel()

    def prune(self) -> None:
        # A check is answered while the point is under way or after it has ended, never before it began.
        if self.backtest is not None and self.call == "point":
            self.backtest.prune()  # type: ignore[union-attr]

    def begin(self, backtest: Backtest | Point) -> None:
        self.backtest = backtest
        if self.cancelled:
            backtest.cancel()


class Worker:
    """Takes frames on the port's thread, runs one request after another on the one that called `serve`."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._serving = threading.get_ident()
        self._waiting: SimpleQueue[_Run] = SimpleQueue()
        self._open: set[_Run] = set()
        self._setup: tuple[str, Setup] | None = None

    def take(self, frame: Frame) -> None:
        """Take a request or a notice."""
        if frame.header["call"] in ("run", "point", "compare"):
            run = _Run(frame)
            self._open.add(run)
            self._waiting.put(run)
        elif frame.header["call"] == "cancel":
            for run in list(self._open):
                run.cancel()
                watch = threading.Timer(HANGING_SECONDS, self._say_where_it_hangs, (run,))
                watch.daemon = True
                watch.start()
        elif frame.header["call"] == "prune":
            for run in list(self._open):
                run.prune()

    def serve(self) -> int:
        """Run what comes, for as long as the process lives."""
        # Everything a run needs is imported before anybody is told to call: this is what makes a spare a warm one.
        from tino_engine.nautilus.backtest import VERSIONS  # noqa: PLC0415
        from tino_engine.nautilus.rehearsal import warm_up  # noqa: PLC0415

        warm_up()
        self._port.ready(versions=VERSIONS)
        calls = {"run": self._run, "point": self._point, "compare": _compare}
        while True:
            run = self._waiting.get()
            try:
                result, body = calls[run.call](run)
            except TinoError as error:
                self._end(run, error)
            except Exception as error:  # noqa: BLE001 - the engine's log gets it whole, the caller a reference to it
                self._end(run, _translate(error, run))
            else:
                self._open.discard(run)
                self._port.reply(run.id, result, body)

    def _run(self, run: _Run) -> tuple[dict[str, Any], bytes]:
        from tino_engine.nautilus.backtest import Backtest  # noqa: PLC0415

        backtest = Backtest(run.params, lambda progress: self._report(run, progress))
        run.begin(backtest)
        return backtest.execute(), b""

    def _point(self, run: _Run) -> tuple[dict[str, Any], bytes]:
        from tino_engine.nautilus.points import Point, Setup  # noqa: PLC0415

        if self._setup is None or self._setup[0] != run.params["key"]:
            # What was loaded for the last one is freed before the next one is.
            self._setup = None
            self._setup = (run.params["key"], Setup(run.params["setup"]))
        tell = partial(self._port.event, request=run.id)
        point = Point(self._setup[1], run.params["point"], tell)
        run.begin(point)
        return point.execute()

    def _end(self, run: _Run, error: TinoError) -> None:
        self._open.discard(run)
        self._port.fail(run.id, error.body)

    def _report(self, run: _Run, progress: RunProgress) -> None:
        self._port.event("progress", progress.model_dump(mode="json"), request=run.id)

    def _say_where_it_hangs(self, run: _Run) -> None:
        if run not in self._open or run.backtest is None:
            return
        # The frame is held for a moment only: what it refers to belongs to the other thread, and must die there.
        frame = sys._current_frames().get(self._serving)  # noqa: SLF001 - the one way to it
        place = None if frame is None else run.backtest.find_place(frame)
        del frame
        if place is not None:
            self._port.event("hanging", {"path": place[0], "line": place[1]}, request=run.id)


def _compare(run: _Run) -> tuple[dict[str, Any], bytes]:
    from tino_engine.backtest.repetition import compare  # noqa: PLC0415

    params = run.params
    return compare(Path(params["stored"]), Path(params["repeated"]), params["result"], params["of"]), b""


def _translate(error: Exception, run: _Run) -> TinoError:
    if isinstance(error, OSError) and error.errno in OUT_OF_SPACE:
        return TinoError("disk_full", path=run.params.get("folder", "the data folder"))
    reference = new_id("err")
    print(f"{reference} {''.join(traceback.format_exception(error))}", file=sys.stderr, flush=True)  # noqa: T201
    return TinoError("internal", reference=reference, log="engine.log")
