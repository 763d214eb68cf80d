"""What a child process makes of many runs: from daily returns and trades to the results of validations.

The engine runs points and keeps their bytes as they come (see `nautilus/points.py`: numbers of days, then daily returns); only here are
they numbers. Everything takes and gives JSON, with those bytes behind one another as the body.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from tino_engine.backtest import metrics
from tino_engine.contracts import (
    BarMonteCarloResult,
    CrossValidationResult,
    CrossValidationSplit,
    DayLine,
    Distribution,
    EquityBands,
    Instrument,
    Overfitting,
    ParameterDrift,
    ReturnFigures,
    TradeMonteCarloResult,
    WalkForwardResult,
)
from tino_engine.data import day_bounds
from tino_engine.errors import TinoError
from tino_engine.search import cross_validation, monte_carlo, walk_forward
from tino_engine.search.overfitting import measure_overfitting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tino_engine.backtest.stored import StoredRun

OBJECTIVES = tuple(ReturnFigures.model_fields)
"""Metrics that daily returns alone tell, by their Python names."""

BINS = 40
MOST_SPLITS = 5_000
_SKEWED = 3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# -- days --------------------------------------------------------------------------------------------------------------


def day_text(day: int) -> str:
    """Give the calendar day of a number of days since the epoch."""
    return (_EPOCH + timedelta(days=int(day))).date().isoformat()


def list_days(times: Sequence[np.ndarray], instrument: Instrument) -> np.ndarray:
    """Give the days (int64, since the epoch) on which any of the series has a bar, in the instrument's zone."""
    axis = np.unique(np.concatenate(times))
    return np.unique(metrics.local_days(axis, ZoneInfo(instrument.time_zone)))


def plan_windows(days: np.ndarray, instrument: Instrument, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Lay the windows of a walk-forward: days as text, and the instants (nanoseconds, inclusive) between which each part runs.

    Raises `validation_too_short`.
    """
    train, test, purge = request["trainDays"], request["testDays"], request["purgeDays"]
    windows = walk_forward.make_windows(
        len(days),
        train=train,
        test=test,
        step=request["stepDays"] or test,
        purge=purge,
        anchored=request["anchored"],
    )
    if not windows:
        raise TinoError("validation_too_short", what="A window", needed=train + purge + test, days=len(days))

    def part(first: int, after: int) -> dict[str, Any]:
        names = [day_text(days[first]), day_text(days[after - 1])]
        start, end = day_bounds(instrument, *names)
        return {"from": names[0], "to": names[1], "fromNs": start, "toNs": end}

    planned = []
    for window in windows:
        warm = max(0, window.test[0] - request["warmUpDays"])
        planned.append(
            {
                "train": part(*window.train),
                "test": part(*window.test),
                "warm": part(warm, window.test[1]),
                "firstDay": int(days[window.test[0]]),
            }
        )
    return planned


# -- points ------------------------------------------------------------------------------------------------------------


def split_body(counts: Sequence[int], body: bytes) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give days (int64) and daily returns (float64) of each point, in the order in which they were put together."""
    found, place = [], 0
    for count in counts:
        days = np.frombuffer(body, "<i8", count, place)
        returns = np.frombuffer(body, "<f8", count, place + 8 * count)
        found.append((days, returns))
        place += 16 * count
    return found


def figures(days: np.ndarray, returns: np.ndarray, periods: int) -> ReturnFigures:
    """Compute the statistics of daily returns as `backtest.metrics` defines them; all None without returns or with a lost whole."""
    if not len(returns) or not np.isfinite(returns).all():
        return ReturnFigures(**dict.fromkeys(OBJECTIVES))
    values = np.cumprod(1 + returns)
    total = metrics.total_return(float(values[-1]), 1.0)
    annual = metrics.annual_return(total, len(returns), periods)
    drawdown = metrics.max_drawdown(values, 1.0)
    return ReturnFigures(
        total_return=total,
        annual_return=annual,
        volatility=metrics.volatility(returns, periods),
        sharpe=metrics.sharpe(returns, periods),
        sortino=metrics.sortino(returns, periods),
        calmar=metrics.calmar(annual, drawdown),
        max_drawdown=drawdown,
        max_drawdown_days=metrics.max_drawdown_days(metrics.Daily(days, values), 1.0),
    )


def moments(returns: np.ndarray) -> dict[str, Any]:
    """Give how many daily returns there are, their Sharpe ratio, skewness and kurtosis (of the population, 3 being normal)."""
    deviation = float(np.std(returns)) if len(returns) else 0.0
    if len(returns) < _SKEWED or deviation < 1e-12 or not np.isfinite(returns).all():
        return {"observations": len(returns), "sharpe": None, "skewness": None, "kurtosis": None}
    scaled = (returns - np.mean(returns)) / deviation
    return {
        "observations": len(returns),
        "sharpe": float(np.mean(returns) / np.std(returns, ddof=1)),
        "skewness": float(np.mean(scaled**3)),
        "kurtosis": float(np.mean(scaled**4)),
    }


def daily_returns(run: StoredRun) -> tuple[np.ndarray, np.ndarray]:
    """Give days and daily returns of a stored run."""
    ts, equity = run.equity()
    daily = metrics.take_daily(metrics.local_days(ts * 1_000_000, ZoneInfo(run.home.time_zone)), equity)
    return daily.days, metrics.returns(daily.values, run.starting_equity)


# -- walk-forward ------------------------------------------------------------------------------------------------------


def judge_walk_forward(params: dict[str, Any], body: bytes) -> WalkForwardResult:
    """Judge the windows that were run.

    `windows` are contract shapes without `test` and `testValue`; of those with a `count` the body holds the test's point, warm-up
    included, which ends before `firstDay`. `objective` is a metric, `periods` those a year.
    """
    periods, windows = params["periods"], params["windows"]
    tested = [window for window in windows if window["count"]]
    segments = []
    for window, (days, returns) in zip(tested, split_body([w["count"] for w in tested], body), strict=True):
        own = days >= window["firstDay"]
        segments.append((days[own], returns[own]))
        window["test"] = figures(days[own], returns[own], periods).model_dump(mode="json")
        window["testValue"] = window["test"].get(params["objective"])
    whole = [segment for segment in segments if np.isfinite(segment[1]).all()]
    days, returns = walk_forward.stitch(whole)
    judged = [window for window in tested if window["train"] is not None]
    inside, outside = ([window[part]["annualReturn"] for window in judged] for part in ("train", "test"))
    gained = [window["test"]["totalReturn"] for window in tested if window["test"]["totalReturn"] is not None]
    chosen = [window["parameters"] for window in windows if window["parameters"] is not None]
    return WalkForwardResult.model_validate(
        {
            "kind": "walkForward",
            "windows": [{"test": None, "testValue": None, **window} for window in windows],
            "equity": _line(days, np.cumprod(1 + returns)),
            "figures": figures(days, returns, periods),
            "efficiency": walk_forward.efficiency(inside, outside),
            "profitable": sum(value > 0 for value in gained) / len(gained) if gained else None,
            "drift": [
                ParameterDrift.model_validate({"name": name, **moved})
                for name, moved in walk_forward.drift(chosen).items()
            ],
            "periodsPerYear": periods,
            "statements": params["statements"],
        }
    )


# -- cross-validation --------------------------------------------------------------------------------------------------


def judge_cross_validation(params: dict[str, Any], body: bytes) -> CrossValidationResult:
    """Judge points that each ran over all days: `parameters` and `counts` have one entry a point.

    Raises `validation_without_result`, `validation_too_short`.
    """
    request, periods = params["request"], params["periods"]
    points = split_body(params["counts"], body)
    usable = [number for number, (_, returns) in enumerate(points) if len(returns) and np.isfinite(returns).all()]
    lost = len(points) - len(usable)
    if len(usable) < 2:
        raise TinoError(
            "validation_without_result", reason=f"{len(usable)} of {params['tried']} points had daily returns"
        )
    days = points[usable[0]][0]
    matrix = np.column_stack([points[number][1] for number in usable])
    folds, test_folds = request["folds"], request["testFolds"]
    if math.comb(folds, test_folds) > MOST_SPLITS:
        reason = f"{folds} folds with {test_folds} for tests make {math.comb(folds, test_folds):,} combinations"
        raise TinoError("request_invalid", field="folds", reason=reason)
    objective = _objective(params["objective"], params["direction"], days, periods)
    try:
        judged = cross_validation.cross_validate(
            matrix,
            objective,
            folds=folds,
            test_folds=test_folds,
            purge=request["purgeDays"],
            embargo=request["embargoDays"],
        )
    except ValueError as error:
        raise TinoError("request_invalid", field="folds", reason=str(error).strip().rstrip(".")) from error
    sign = -1 if params["direction"] == "minimize" else 1
    equity = np.cumprod(1 + judged.paths, axis=1)
    overfitting = measure_overfitting(matrix, blocks_for(len(days)))
    return CrossValidationResult(
        kind="crossValidation",
        trials=len(usable),
        failed=params["tried"] - len(points) + lost,
        days=len(days),
        splits=[
            CrossValidationSplit(
                folds=list(split.folds),
                parameters=params["parameters"][usable[split.chosen]],
                inside=_finite(sign * split.inside),
                outside=_finite(sign * split.outside),
                train_days=split.train_days,
            )
            for split in judged.splits
        ],
        inside=_median([sign * split.inside for split in judged.splits]),
        outside=_median([sign * split.outside for split in judged.splits]),
        paths=[figures(days, path, periods) for path in judged.paths],
        bands=[_line(days, line) for line in (equity.min(axis=0), np.median(equity, axis=0), equity.max(axis=0))],
        overfitting=None if overfitting is None else to_contract(overfitting),
        periods_per_year=periods,
        statements=params["statements"],
    )


def blocks_for(days: int) -> int:
    """Give how many blocks such a number of days is cut into: sixteen, fewer where they would be shorter than ten days."""
    return next((blocks for blocks in (16, 12, 8, 6, 4) if days >= 10 * blocks), 4)


def to_contract(found: Any) -> Overfitting:
    """Give a measured `overfitting.Overfitting` as it goes on the wire."""
    counts, _ = np.histogram(np.clip(found.logits, -3.999, 3.999), bins=20, range=(-4, 4))
    return Overfitting(
        probability=found.probability,
        loss=found.loss,
        slope=found.slope,
        blocks=found.blocks,
        trials=found.trials,
        logits=[int(count) for count in counts],
    )


def _objective(name: str, direction: str, days: np.ndarray, periods: int) -> Callable[[np.ndarray], float]:
    sign = -1 if direction == "minimize" else 1

    def value(returns: np.ndarray) -> float:
        # Days matter to the longest drawdown alone; of folds that do not touch they are counted as if they did.
        found = figures(days[: len(returns)], returns, periods).model_dump(mode="json")[name]
        return -math.inf if found is None else sign * found

    return value


# -- Monte Carlo -------------------------------------------------------------------------------------------------------


def judge_trades(run: StoredRun, request: dict[str, Any], run_id: str) -> TradeMonteCarloResult:
    """Draw paths of a stored run's closed trades. Raises `validation_without_result`."""
    trades = run.trades()
    results = trades.result[trades.closed_rows]
    if len(results) < 2:
        raise TinoError("validation_without_result", reason=f"run {run_id} has {len(results)} closed trades")
    fixed, start = request["size"] == "fixed", run.starting_equity
    returns = monte_carlo.trade_returns(results, start, fixed=fixed)
    if returns is None:
        raise TinoError("validation_without_result", reason=f"run {run_id} lost everything before its last trade")
    replace = request["method"] == "bootstrap"
    paths = monte_carlo.draw_trades(
        returns, paths=request["paths"], seed=request["seed"], replace=replace, fixed=fixed, ruin=request["ruin"]
    )
    actual = np.concatenate([[1.0], 1 + np.cumsum(results) / start])
    return TradeMonteCarloResult(
        kind="tradeMonteCarlo",
        trades=len(results),
        paths=request["paths"],
        equity=EquityBands(
            steps=[int(step) for step in paths.steps],
            days=None,
            bands=paths.bands.tolist(),
            actual=actual[paths.steps].tolist(),
        ),
        total_return=_distribution(paths.finals - 1, float(actual[-1] - 1)),
        max_drawdown=_distribution(paths.drawdowns, _drawdown(actual)),
        ruined=paths.ruined,
        statements=[
            (
                f"{len(results)} closed trades, "
                + ("drawn with replacement." if replace else "each once, in another order.")
            ),
            "A trade counts as money." if fixed else "A trade counts as the share of equity that it won or lost.",
            "Between trades nothing happens: drawdowns inside a trade are not seen.",
            f"Ruin is a loss of {request['ruin']:.0%} of the starting balance.",
            f"Seed {request['seed']}.",
        ],
    )


def judge_bars(params: dict[str, Any], body: bytes) -> BarMonteCarloResult:
    """Judge points that ran on redrawn bars; the first ran on the stored ones. `sharpes` has one entry a point."""
    request = params["request"]
    points = split_body(params["counts"], body)
    days = points[0][0]
    equity = np.array([_equity(returns) for _, returns in points])
    paths = monte_carlo.combine_paths(equity[1:], request["ruin"])
    actual = np.concatenate([[1.0], equity[0]])
    actual_sharpe, sharpes = params["sharpes"][0], [value for value in params["sharpes"][1:] if value is not None]
    names = [day_text(days[0] - 1), *(day_text(day) for day in days)]
    return BarMonteCarloResult(
        kind="barMonteCarlo",
        paths=len(points) - 1,
        failed=params["failed"],
        equity=EquityBands(
            steps=[int(step) for step in paths.steps],
            days=[names[step] for step in paths.steps],
            bands=paths.bands.tolist(),
            actual=actual[paths.steps].tolist(),
        ),
        total_return=_distribution(paths.finals - 1, float(actual[-1] - 1)),
        max_drawdown=_distribution(paths.drawdowns, _drawdown(actual)),
        sharpe=_distribution(np.array(sharpes), actual_sharpe) if sharpes else None,
        ruined=paths.ruined,
        statements=params["statements"],
    )


def _equity(returns: np.ndarray) -> np.ndarray:
    """Chain returns; all is lost where none are defined, which is how a point says so."""
    return np.cumprod(1 + returns) if np.isfinite(returns).all() else np.zeros(len(returns))


def _drawdown(equity: np.ndarray) -> float:
    return float((equity / np.maximum.accumulate(equity) - 1).min())


def _distribution(values: np.ndarray, actual: float | None) -> Distribution:
    # Values that are all alike, but for rounding, are one bar.
    alike = float(np.ptp(values)) <= 1e-9 * max(1.0, float(np.abs(values).max()))
    counts, edges = np.histogram(values, bins=1 if alike else BINS)
    return Distribution(
        percentiles=[float(value) for value in np.percentile(values, monte_carlo.PERCENTILES)],
        mean=float(np.mean(values)),
        edges=[float(edge) for edge in edges],
        counts=[int(count) for count in counts],
        actual=actual,
        rank=None if actual is None else monte_carlo.rank_of(actual, values),
    )


# -- parts -------------------------------------------------------------------------------------------------------------


def _line(days: np.ndarray, values: np.ndarray) -> DayLine:
    return DayLine(days=[day_text(day) for day in days], values=[float(value) for value in values])


def _median(values: Sequence[float]) -> float | None:
    return _finite(float(np.median(values))) if len(values) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
