"""What each kind of validation does: which points it runs, and what it asks the `validation` child about them.

The engine keeps what points come to as bytes; only the figures that a choice rests on are looked at here.
"""

from __future__ import annotations

import asyncio
import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from tino_engine import strategies
from tino_engine.backtest import resolve_single
from tino_engine.contracts import LOWER_IS_BETTER, ReturnFigures, SweepRequest
from tino_engine.data import day_of
from tino_engine.errors import TinoError
from tino_engine.search.executor import Setup
from tino_engine.search.look_ahead import choose_cuts, compare
from tino_engine.search.space import resolve_space
from tino_engine.search.trials import Subject, Trial, count, daily_sharpe, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from tino_engine.backtest import Spec
    from tino_engine.contracts import (
        BacktestRequest,
        BarMonteCarloRequest,
        CrossValidationRequest,
        LookAheadRequest,
        RunSummary,
        TradeMonteCarloRequest,
        WalkForwardRequest,
    )
    from tino_engine.data import Catalog
    from tino_engine.search.executor import Executor, Outcome
    from tino_engine.settings import Home
    from tino_engine.workers.child import Child

    type ValidationRequest = (
        WalkForwardRequest | CrossValidationRequest | TradeMonteCarloRequest | BarMonteCarloRequest | LookAheadRequest
    )
    type Tell = Callable[[int, str], None]
    """Takes how many points have ended, and what is being done."""
    type Ended = Outcome | TinoError

ASKED = 20_000
"""Points above which a validation is asked about."""
DRAWN = 100

_FATAL = frozenset(
    "sweep_code_changed sweep_workers_failed strategy_import_failed strategy_class_not_found data_corrupt disk_full "
    "cluster_unreachable cluster_unfit".split()
)
"""What would fail every point alike."""
_RETURN_METRICS = tuple(field.alias or name for name, field in ReturnFigures.model_fields.items())


async def make_procedure(
    request: ValidationRequest,
    run: RunSummary | None,
    backtest: BacktestRequest,
    roots: list[str],
    catalog: Catalog,
    home: Home,
) -> Procedure:
    """Check a request and give what will do it. Raises what is wrong with it."""
    if request.kind == "tradeMonteCarlo":
        assert run is not None
        return TradeMonteCarlo(request, run, home)
    if backtest.strategies or backtest.per_symbol or backtest.ticks or backtest.warm_up != 0:
        # Points run one strategy on bars from the first day on: anything else would be judged as what it is not.
        reason = (
            "validation knows one strategy on bars: no portfolio, no instance a symbol, no ticks, no warm-up of the run"
        )
        raise TinoError("request_invalid", field="backtest", reason=reason)
    if request.kind in ("walkForward", "crossValidation"):
        return await _searching(request, roots, catalog, home)  # type: ignore[arg-type]
    spec = await resolve_single(backtest, catalog, roots)
    if request.kind == "barMonteCarlo":
        return BarMonteCarlo(request, spec, home)  # type: ignore[arg-type]
    return LookAhead(request, spec, home)  # type: ignore[arg-type]


async def _searching(
    request: WalkForwardRequest | CrossValidationRequest, roots: list[str], catalog: Catalog, home: Home
) -> Procedure:
    backtest = request.backtest
    strategy = await asyncio.to_thread(strategies.get_strategy, backtest.path, backtest.name, roots)
    sweep = SweepRequest(
        backtest=backtest,
        dimensions=request.dimensions,
        constraint=request.constraint,
        method=request.method,
        points=request.points,
        objectives=[request.objective],
        seed=request.seed,
    )
    space, _ = resolve_space(sweep, strategy)
    source = space.walk(request.seed) if request.method == "grid" else space.sample(request.seed)
    most = request.points or (ASKED + 1 if request.method == "grid" else DRAWN)
    points = await asyncio.to_thread(lambda: list(islice(source, most)))
    if not points:
        raise TinoError("sweep_empty", reason="no combination is allowed", field="dimensions")
    if len(points) > ASKED and not request.confirmed:
        raise TinoError("sweep_large", points=f"more than {ASKED:,}", limit=f"{ASKED:,}", field="confirmed")
    first = backtest.model_copy(update={"parameters": {**backtest.parameters, **points[0]}})
    spec = await resolve_single(first, catalog, roots)
    if request.kind == "walkForward":
        return WalkForward(request, spec, home, points)
    if request.objective.metric not in _RETURN_METRICS:
        reason = f"cross-validation judges daily returns, which tell {', '.join(_RETURN_METRICS)}"
        raise TinoError("request_invalid", field="objective", reason=reason)
    return CrossValidation(request, spec, home, points)


class Procedure:
    """One validation, prepared. `total` is how many points it runs, None until that can be told."""

    def __init__(self, spec: Spec | None, home: Home) -> None:
        self.executor: Executor | None = None
        self.total: int | None = None
        self._home = home
        if spec is None:
            return
        self.spec = spec
        self.path, self.name = spec.strategy.path, spec.strategy.name
        self.symbols, self.bar_types = spec.symbols, spec.bar_types
        params = spec.for_worker("", home.runs, home)
        # What one run has for itself.
        for own in ("runId", "folder", "parameters"):
            params.pop(own, None)
        self.setup = Setup({**params, "code": spec.code.code, "files": list(spec.code.files)})

    path: str
    name: str
    symbols: list[str]
    bar_types: list[str]
    setup: Setup
    spec: Spec

    async def perform(self, child: Child, tell: Tell) -> dict[str, Any]:
        """Do it; give a `ValidationResult` as JSON."""
        raise NotImplementedError

    def word(self, result: dict[str, Any]) -> str:
        """Say the result in one sentence."""
        raise NotImplementedError

    def count(self, connection: Connection, now_ms: int) -> None:
        """Count what was tried, inside a write."""

    # -- parts -----------------------------------------------------------------------------------------------------

    @property
    def _data(self) -> list[dict[str, Any]]:
        return self.setup.params["data"]

    def _complete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = {**self.spec.request.parameters, **parameters}
        return strategies.complete(self.spec.strategy, given)

    async def _gather(self, points: Sequence[dict[str, Any]], tell: Callable[[], None]) -> list[Ended]:
        """Run points of the setup; give what each came to, in their order. Raises what fails all of them."""
        assert self.executor is not None
        futures = [self.executor.submit(self.setup, point) for point in points]
        for future in futures:
            future.add_done_callback(lambda _: tell())
        ended: list[Ended] = []
        try:
            for future in futures:
                try:
                    ended.append(await future)
                except TinoError as error:
                    if error.code in _FATAL:
                        raise
                    ended.append(error)
        finally:
            for future in futures:
                future.cancel()
                # One that failed although nobody waits for it any more has been told by the one that did.
                if future.done() and not future.cancelled():
                    future.exception()
        return ended

    def _counter(self, tell: Tell, doing: str) -> Callable[[], None]:
        done = 0

        def ended() -> None:
            nonlocal done
            done += 1
            tell(done, doing)

        return ended


class _Searching(Procedure):
    """Points that compete by an objective."""

    def __init__(
        self,
        request: WalkForwardRequest | CrossValidationRequest,
        spec: Spec,
        home: Home,
        points: list[dict[str, Any]],
    ) -> None:
        super().__init__(spec, home)
        self._request = request
        self._points = points
        metric = request.objective.metric
        self._metric = metric
        self._direction = request.objective.direction or ("minimize" if metric in LOWER_IS_BETTER else "maximize")
        self._tried: dict[str, float | None] = {}

    def count(self, connection: Connection, now_ms: int) -> None:
        """Count every set of parameters once, however many windows it was tried in."""
        request = self._request.backtest
        subject = Subject(self.path, self.name, self.bar_types)
        trials = [
            Trial(
                spec_of(
                    code=self.spec.code.code,
                    parameters=self._complete(parameters),
                    venue=request.venue,
                    adjustment=request.adjustment,
                    from_day=request.from_,
                    to_day=request.to,
                ),
                self._tried.get(str(number)),
            )
            for number, parameters in enumerate(self._points)
        ]
        count(connection, subject, trials, now_ms)

    def _value(self, metrics: dict[str, Any]) -> float | None:
        value = metrics[self._metric]
        return None if value is None else float(value)

    def _best(self, ended: Sequence[Ended]) -> int | None:
        """Give the number of the best point; of equal ones the first."""
        sign = -1 if self._direction == "minimize" else 1
        values = [
            -math.inf
            if isinstance(each, TinoError) or (value := self._value(each.result["metrics"])) is None
            else sign * value
            for each in ended
        ]
        best = max(range(len(values)), key=lambda number: values[number])
        return best if values[best] > -math.inf else None


class WalkForward(_Searching):
    """See `walk_forward`."""

    async def perform(self, child: Child, tell: Tell) -> dict[str, Any]:
        """Train and test every window."""
        request: Any = self._request
        asked = request.model_dump(mode="json")
        planned = (await child.call("plan", {"data": self._data, "request": asked})).result["windows"]
        self.total = len(planned) * (len(self._points) + 1)
        if self.total > ASKED and not request.confirmed:
            raise TinoError("sweep_large", points=f"{self.total:,}", limit=f"{ASKED:,}", field="confirmed")
        ended = self._counter(tell, f"Training and testing {len(planned)} windows")
        tell(0, "Training")
        windows, bodies = [], []
        tasks = [asyncio.ensure_future(self._window(each, ended)) for each in planned]
        try:
            for window, body in await asyncio.gather(*tasks):
                windows.append(window)
                bodies.append(body)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not any(window["count"] for window in windows):
            failed = [window["error"]["message"] for window in windows if window["error"] is not None]
            reason = failed[0].rstrip(".") if failed else f"no point of any window has a {self._metric}"
            raise TinoError("validation_without_result", reason=reason)
        params = {
            "windows": windows,
            "objective": self._metric,
            "periods": self._data[0]["instrument"]["periodsPerYear"],
            "statements": self._statements(request),
        }
        return (await child.call("walkForward", params, b"".join(bodies))).result

    async def _window(self, planned: dict[str, Any], ended: Callable[[], None]) -> tuple[dict[str, Any], bytes]:
        train, test, warm = planned["train"], planned["test"], planned["warm"]
        trained = await self._gather(
            [
                {"parameters": self._complete(point), "fromNs": train["fromNs"], "toNs": train["toNs"]}
                for point in self._points
            ],
            ended,
        )
        failures = [each for each in trained if isinstance(each, TinoError)]
        window: dict[str, Any] = {
            "trainFrom": train["from"],
            "trainTo": train["to"],
            "testFrom": test["from"],
            "testTo": test["to"],
            "firstDay": planned["firstDay"],
            "parameters": None,
            "trainValue": None,
            "train": None,
            "finished": len(trained) - len(failures),
            "failed": len(failures),
            "error": None,
            "count": 0,
        }
        best = self._best(trained)
        if best is None:
            ended()
            window["error"] = failures[0].body.model_dump(mode="json") if failures else None
            return window, b""
        winner = trained[best]
        assert not isinstance(winner, TinoError)
        metrics = winner.result["metrics"]
        window |= {
            "parameters": self._points[best],
            "trainValue": self._value(metrics),
            "train": {name: metrics[name] for name in _RETURN_METRICS},
        }
        (tested,) = await self._gather(
            [{"parameters": self._complete(self._points[best]), "fromNs": warm["fromNs"], "toNs": warm["toNs"]}], ended
        )
        if isinstance(tested, TinoError):
            window["error"] = tested.body.model_dump(mode="json")
            return window, b""
        window["count"] = tested.result["days"]
        return window, tested.body

    def _statements(self, request: WalkForwardRequest) -> list[str]:
        step = request.step_days or request.test_days
        kind = (
            "All trainings begin with the first day"
            if request.anchored
            else f"Each trains on {request.train_days} days"
        )
        said = [
            f"{kind}, tests on the next {request.test_days}, and the next window starts {step} days later.",
            f"In each window {len(self._points)} sets of parameters compete by {self._metric}; the best one is tested.",
            (
                f"A test sees the {request.warm_up_days} days before it as warm-up: it begins with the position, if any, that the "
                "strategy took there, and its returns count from its first day on."
            ),
            "Out-of-sample equity chains the daily returns of the tests; changing from one set of parameters to the next costs nothing.",
        ]
        if request.purge_days:
            said.append(f"{request.purge_days} days between training and test are left out.")
        return said

    def word(self, result: dict[str, Any]) -> str:
        """Say the result in one sentence."""
        figures, windows = result["figures"], result["windows"]
        tested = sum(window["test"] is not None for window in windows)
        efficiency = "" if result["efficiency"] is None else f", efficiency {result['efficiency']:.2f}"
        return (
            f"Out of sample {_percent(figures['annualReturn'])} a year, Sharpe {_ratio(figures['sharpe'])} over {tested} of "
            f"{len(windows)} windows{efficiency}."
        )


class CrossValidation(_Searching):
    """See `cross_validation`."""

    async def perform(self, child: Child, tell: Tell) -> dict[str, Any]:
        """Run every point over all days, then split them."""
        request: Any = self._request
        self.total = len(self._points)
        ended = await self._gather(
            [{"parameters": self._complete(point)} for point in self._points],
            self._counter(tell, f"Running {len(self._points)} sets of parameters"),
        )
        periods = self._data[0]["instrument"]["periodsPerYear"]
        finished = [(number, each) for number, each in enumerate(ended) if not isinstance(each, TinoError)]
        for number, each in finished:
            self._tried[str(number)] = daily_sharpe(each.result["metrics"]["sharpe"], periods)
        failed = next((each for each in ended if isinstance(each, TinoError)), None)
        if not finished and failed is not None:
            raise TinoError("validation_without_result", reason=failed.body.message.rstrip("."))
        tell(self.total, "Splitting the days")
        params = {
            "request": request.model_dump(mode="json"),
            "parameters": [self._points[number] for number, _ in finished],
            "counts": [each.result["days"] for _, each in finished],
            "tried": len(self._points),
            "objective": self._metric,
            "direction": self._direction,
            "periods": periods,
            "statements": [
                f"{request.folds} folds of days, {request.test_folds} of them for testing, in every combination.",
                f"{request.purge_days} days on both sides of a test and {request.embargo_days} more after it train nobody.",
                "Each set of parameters ran once over all days: a strategy that decides from the past alone is the same in every fold.",
            ],
        }
        return (await child.call("crossValidation", params, b"".join(each.body for _, each in finished))).result

    def word(self, result: dict[str, Any]) -> str:
        """Say the result in one sentence."""
        overfitting = result["overfitting"]
        chance = "" if overfitting is None else f"; probability of overfitting {overfitting['probability']:.0%}"
        return (
            f"Median {self._metric} {_ratio(result['inside'])} in training, {_ratio(result['outside'])} in "
            f"{len(result['splits'])} tests{chance}."
        )


class TradeMonteCarlo(Procedure):
    """See `monte_carlo`; it runs no points."""

    def __init__(self, request: TradeMonteCarloRequest, run: RunSummary, home: Home) -> None:
        super().__init__(None, home)
        self._request = request
        self.path, self.name, self.symbols, self.bar_types = run.path, run.name, run.symbols, run.bar_types

    async def perform(self, child: Child, tell: Tell) -> dict[str, Any]:
        """Draw the paths."""
        tell(0, f"Drawing {self._request.paths} paths")
        folder = self._home.runs / self._request.run
        request = self._request.model_dump(mode="json")
        params = {"folder": str(folder), "id": self._request.run, "request": request}
        return (await child.call("tradeMonteCarlo", params)).result

    def word(self, result: dict[str, Any]) -> str:
        """Say the result in one sentence."""
        return _word_paths(result)


class BarMonteCarlo(Procedure):
    """The strategy on bars that are put together anew, see `data/bootstrap.py`."""

    def __init__(self, request: BarMonteCarloRequest, spec: Spec, home: Home) -> None:
        super().__init__(spec, home)
        self._request = request
        self.total = request.paths + 1

    async def perform(self, child: Child, tell: Tell) -> dict[str, Any]:
        """Run the strategy on the stored bars, and on those of each path."""
        request = self._request
        parameters = self._complete({})
        redraws = [{"seed": request.seed, "number": number, "block": request.block} for number in range(request.paths)]
        ended = await self._gather(
            [{"parameters": parameters}, *({"parameters": parameters, "redraw": redraw} for redraw in redraws)],
            self._counter(tell, f"Running {request.paths} paths"),
        )
        actual, *paths = ended
        if isinstance(actual, TinoError):
            raise actual
        finished = [each for each in paths if not isinstance(each, TinoError)]
        if len(finished) < 2:
            reason = next(
                (each.body.message.rstrip(".") for each in paths if isinstance(each, TinoError)), "no path ended"
            )
            raise TinoError("validation_without_result", reason=reason)
        used = [actual, *finished]
        params = {
            "request": request.model_dump(mode="json"),
            "counts": [each.result["days"] for each in used],
            "sharpes": [each.result["metrics"]["sharpe"] for each in used],
            "failed": len(paths) - len(finished),
            "statements": [
                f"Blocks of {request.block:g} bars in the mean, drawn with replacement from the run's own bars and chained by their returns.",
                "Series with the same times are drawn together, so that what moves together still does; others are drawn apart.",
                f"Ruin is a loss of {request.ruin:.0%} of the starting balance at the end of a day.",
                f"Seed {request.seed}.",
            ],
        }
        return (await child.call("barMonteCarlo", params, b"".join(each.body for each in used))).result

    def word(self, result: dict[str, Any]) -> str:
        """Say the result in one sentence."""
        return _word_paths(result)


class LookAhead(Procedure):
    """See `look_ahead`."""

    def __init__(self, request: LookAheadRequest, spec: Spec, home: Home) -> None:
        super().__init__(spec, home)
        self._request = request
        self.total = request.cuts + 1

    async def perform(self, child: Child, tell: Tell) -> dict[str, Any]:
        """Run on all data, then on data that end at each cut, and compare what was decided."""
        parameters = self._complete({})
        counter = self._counter(tell, "Repeating the run on shorter data")
        point = {"parameters": parameters, "collect": ["decisions", "files"]}
        (whole,) = await self._gather([point], counter)
        if isinstance(whole, TinoError):
            raise whole
        decided = whole.result["decisions"]
        spread = await child.call("spread", {"data": self._data, "count": 4 * self._request.cuts})
        times = [ts for ts in spread.result["times"][:-1] if ts > spread.result["first"]]
        until = [row[0] for row in decided if row[0] >= spread.result["first"]]
        cuts = choose_cuts(until, times, self._request.cuts)
        if not cuts:
            raise TinoError("validation_too_short", what="The check", needed=3, days=len(times) + 1)
        self.total = len(cuts) + 1
        ended = await self._gather([{**point, "toNs": cut, "withholdNs": cut} for cut in cuts], counter)
        judged = [self._judge(decided, cut, each) for cut, each in zip(cuts, ended, strict=True)]
        files = [
            {"path": path, "cut": reason is None, "reason": reason} for path, reason in whole.result["files"].items()
        ]
        verdict, sentence = self._verdict(judged, files, len(decided))
        return {
            "kind": "lookAhead",
            "verdict": verdict,
            "sentence": sentence,
            "decisions": len(decided),
            "cuts": judged,
            "files": files,
        }

    def _judge(self, decided: list[Any], cut: int, ended: Ended) -> dict[str, Any]:
        until = sum(row[0] <= cut for row in decided)
        shown: dict[str, Any] | None = None
        if isinstance(ended, TinoError):
            # On the same past it fails, because of what is missing behind it.
            location = ended.body.location
            shown = {
                "at": cut // 1_000_000,
                "day": self._day(cut),
                "whole": None,
                "cut": ended.body.message,
                "path": None if location is None else location.path,
                "line": None if location is None else location.line,
            }
        elif (found := compare(decided, ended.result["decisions"], cut)) is not None:
            shown = {
                "at": found.ts // 1_000_000,
                "day": self._day(found.ts),
                "whole": found.whole,
                "cut": found.cut,
                "path": found.path,
                "line": found.line,
            }
        return {"at": cut // 1_000_000, "day": self._day(cut), "decisions": until, "difference": shown}

    def _verdict(self, cuts: list[dict[str, Any]], files: list[dict[str, Any]], decisions: int) -> tuple[str, str]:
        differing = [cut for cut in cuts if cut["difference"] is not None]
        if differing:
            first = min(differing, key=lambda cut: cut["difference"]["at"])
            seen = first["difference"]
            did = seen["whole"] or "nothing"
            without = seen["cut"] or "nothing"
            line = f" (line {seen['line']})" if seen["line"] else ""
            return "cheats", (
                f"{self.name} looks ahead: at the bar of {seen['day']} it decides “{did}”{line} with all data, and “{without}” when "
                f"they end on {first['day']}. {len(differing)} of {len(cuts)} repetitions differ."
            )
        uncut = [file["path"] for file in files if not file["cut"]]
        if not decisions:
            return "unsure", f"{self.name} decided nothing, so there is nothing to compare."
        if uncut:
            return "unsure", (
                f"{self.name} decides alike on data that end earlier, but it reads {', '.join(uncut)}, which cannot be cut: "
                "whether that holds the future is not known."
            )
        return "clean", (
            f"{self.name} does not look ahead: up to each of {len(cuts)} bars it decides the same with and without what follows."
        )

    def _day(self, ts: int) -> str:
        return day_of(self.spec.series[0].instrument, ts)

    def word(self, result: dict[str, Any]) -> str:
        """Say the result in one sentence."""
        return result["sentence"]


def _word_paths(result: dict[str, Any]) -> str:
    total, deepest = result["totalReturn"]["percentiles"], result["maxDrawdown"]["percentiles"]
    return (
        f"Of {result['paths']} paths nine in ten end between {_percent(total[0])} and {_percent(total[4])}; median drawdown "
        f"{_percent(deepest[2])}, one in twenty {_percent(deepest[0])} or deeper; risk of ruin {result['ruined']:.1%}."
    )


def _percent(value: float | None) -> str:
    return "undefined" if value is None else f"{value:,.1%}"


def _ratio(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
