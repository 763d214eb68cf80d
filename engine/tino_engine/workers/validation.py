"""The `validation` child: what is judged over many runs, with numpy and skfolio, which the engine need not load.

Calls, one at a time; series are as `data.series` gives them:

    plan {data, request}                          → {windows}: those of a walk-forward
    spread {data, count}                          → {times}: closes of bars (nanoseconds) that divide the time evenly, the last bar's last
    walkForward {windows, objective, periods, statements} and points   → a `WalkForwardResult`
    crossValidation {request, parameters, counts, tried, objective, direction, periods, statements} and points
                                                  → a `CrossValidationResult`
    barMonteCarlo {request, counts, sharpes, failed, statements} and points   → a `BarMonteCarloResult`
    tradeMonteCarlo {folder, id, request}         → a `TradeMonteCarloResult`
    moments {folder, id}                          → {observations, sharpe, skewness, kurtosis, periodsPerYear} of a run's daily returns
    overfitting {counts} and points               → {overfitting, moments}: an `Overfitting` or null, and the moments of each point

Points are the bytes that `nautilus/points.py` gives, behind one another.
"""

from __future__ import annotations

import sys
import traceback
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tino_engine.errors import TinoError
from tino_engine.workers.port import Port

if TYPE_CHECKING:
    import numpy as np

    from tino_engine.data.series import Series
    from tino_engine.workers.protocol import Frame


def main() -> int:
    """Serve until the engine closes the pipe; give the exit status."""
    port = Port()
    # After the port: what these libraries may print must not reach the pipe.
    handlers = _handlers()
    port.ready()
    while (frame := port.receive()) is not None:
        _answer(port, frame, handlers)
    return 0


def _handlers() -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415

    from tino_engine.backtest.stored import StoredRun  # noqa: PLC0415
    from tino_engine.search import judgement  # noqa: PLC0415
    from tino_engine.search.overfitting import measure_overfitting  # noqa: PLC0415

    def plan(params: dict[str, Any], _body: bytes) -> dict[str, Any]:
        series, times = _read(params["data"])
        home = series[0].instrument
        return {"windows": judgement.plan_windows(judgement.list_days(times, home), home, params["request"])}

    def spread(params: dict[str, Any], _body: bytes) -> dict[str, Any]:
        axis = np.unique(np.concatenate(_read(params["data"])[1]))
        places = np.unique(np.linspace(0, len(axis) - 1, params["count"] + 1).round().astype(np.int64))
        return {"times": [int(ts) for ts in axis[places[1:]]], "first": int(axis[0])}

    def stored(params: dict[str, Any]) -> StoredRun:
        return StoredRun(Path(params["folder"]), params["id"])

    def measure(params: dict[str, Any], body: bytes) -> dict[str, Any]:
        points = [returns for _, returns in judgement.split_body(params["counts"], body)]
        usable = [returns for returns in points if len(returns) and np.isfinite(returns).all()]
        found = None
        if len(usable) > 1 and len({len(returns) for returns in usable}) == 1:
            found = measure_overfitting(np.column_stack(usable), judgement.blocks_for(len(usable[0])))
        return {
            "overfitting": None if found is None else judgement.to_contract(found).model_dump(mode="json"),
            "moments": [judgement.moments(returns) for returns in points],
        }

    def grade(run: StoredRun) -> dict[str, Any]:
        return {**judgement.moments(judgement.daily_returns(run)[1]), "periodsPerYear": run.result.periods_per_year}

    return {
        "plan": plan,
        "spread": spread,
        "walkForward": lambda params, body: judgement.judge_walk_forward(params, body).model_dump(mode="json"),
        "crossValidation": lambda params, body: judgement.judge_cross_validation(params, body).model_dump(mode="json"),
        "barMonteCarlo": lambda params, body: judgement.judge_bars(params, body).model_dump(mode="json"),
        "tradeMonteCarlo": lambda params, _: judgement.judge_trades(
            stored(params), params["request"], params["id"]
        ).model_dump(mode="json"),
        "moments": lambda params, _: grade(stored(params)),
        "overfitting": measure,
    }


def _read(items: list[dict[str, Any]]) -> tuple[list[Series], list[np.ndarray]]:
    """Give the series, and the times of their bars within the range that is asked for."""
    from tino_engine.data.days import MAX_NS, MIN_NS  # noqa: PLC0415
    from tino_engine.data.prices import locate_rows  # noqa: PLC0415
    from tino_engine.data.series import Series  # noqa: PLC0415
    from tino_engine.data.store import BarTable  # noqa: PLC0415

    series, times = [], []
    for item in items:
        each = Series.from_params(item)
        table = BarTable.open(each.files, each.bar_type)
        start = MIN_NS if item["fromNs"] is None else item["fromNs"]
        end = MAX_NS if item["toNs"] is None else item["toNs"]
        times.append(table.times(*locate_rows(table, start, end)))
        series.append(each)
    if not any(len(each) for each in times):
        raise TinoError("validation_without_result", reason="there are no bars in this range")
    return series, times


def _answer(port: Port, frame: Frame, handlers: dict[str, Any]) -> None:
    request = frame.header["id"]
    try:
        result = handlers[frame.header["call"]](frame.header["params"], frame.body)
    except TinoError as error:
        port.fail(request, error.body)
    except Exception:  # noqa: BLE001 - the engine's log gets it whole, the caller a reference to it
        reference = uuid.uuid4().hex[:8]
        print(f"{reference} {traceback.format_exc()}", file=sys.stderr, flush=True)  # noqa: T201
        port.fail(request, TinoError("internal", reference=reference, log="engine.log").body)
    else:
        port.reply(request, result)
