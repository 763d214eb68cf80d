"""The honest grade of a result: its Sharpe ratio against its length, its shape and the number of trials before it."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tino_engine.contracts import Honesty, RunSummary, Sweep
from tino_engine.errors import TinoError
from tino_engine.ledger.tables import backtest_results, point_results, sweep_points, sweeps
from tino_engine.search import honesty
from tino_engine.search.trials import Subject, counted

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import HonestyQuery
    from tino_engine.ledger import Database
    from tino_engine.workers.pool import Single

STRONG = 0.95
WEAK = 0.5
MOST_POINTS = 2_000
"""Points of a sweep that overfitting is measured from, the first ones: a grid is walked evenly, so they are a fair part of it. Beyond it the
matrix grows and the answer does not change."""


class Grader:
    """Grades runs and sweeps."""

    def __init__(self, database: Database, child: Single, runs: Path) -> None:
        self._database = database
        self._child = child
        self._runs = runs

    async def grade(self, query: HonestyQuery) -> Honesty:
        """Grade a run, or the best point of a sweep. Raises `run_not_found`, `run_not_finished`, `sweep_not_found`, `sweep_without_result`."""
        if query.sweep is not None:
            return await self._grade_sweep(query.sweep)
        if query.run is None:
            raise TinoError("request_invalid", field="run", reason="neither a run nor a sweep is named")
        return await self._grade_run(query.run)

    async def _grade_run(self, run_id: str) -> Honesty:
        table = backtest_results
        statement = select(table.c.summary).where(table.c.id == run_id)
        row = await self._database.read(lambda connection: connection.execute(statement).scalar())
        if row is None:
            raise TinoError("run_not_found", id=run_id)
        run = RunSummary.model_validate(row)
        if run.status != "finished":
            raise TinoError("run_not_finished", id=run_id, status=run.status)
        child = await self._child.get()
        found = (await child.call("moments", {"folder": str(self._runs / run_id), "id": run_id})).result
        subject = Subject(run.path, run.name, run.bar_types)
        return await self._honesty(subject, found, found["periodsPerYear"], None)

    async def _grade_sweep(self, sweep_id: str) -> Honesty:
        points, results = sweep_points, point_results
        joined = (
            select(points.c.number, results.c.returns, results.c.facts)
            .join(results, results.c.key == points.c.key)
            .where(points.c.sweep_id == sweep_id, points.c.status == "finished")
            .order_by(points.c.number)
            .limit(MOST_POINTS)
        )
        summary = select(sweeps.c.summary).where(sweeps.c.id == sweep_id)
        stored = await self._database.read(lambda connection: connection.execute(summary).scalar())
        if stored is None:
            raise TinoError("sweep_not_found", id=sweep_id)
        sweep = Sweep.model_validate(stored)
        rows = await self._database.read(lambda connection: connection.execute(joined).all())
        numbers = [row.number for row in rows]
        if not sweep.best or not rows:
            reason = "Nothing can be judged yet."
            raise TinoError("sweep_without_result", failed=0, pruned=0, reason=reason)
        child = await self._child.get()
        counts = [row.facts["days"] for row in rows]
        body = b"".join(zlib.decompress(row.returns) for row in rows)
        found = (await child.call("overfitting", {"counts": counts}, body)).result
        best = sweep.best[0].number
        moments = found["moments"][numbers.index(best) if best in numbers else 0]
        subject = Subject(sweep.path, sweep.name, sweep.bar_types)
        return await self._honesty(subject, moments, sweep.periods_per_year or 252, found["overfitting"])

    async def _honesty(
        self, subject: Subject, moments: dict[str, Any], periods: int, overfitting: dict[str, Any] | None
    ) -> Honesty:
        sharpes = await self._database.read(lambda connection: counted(connection, subject))
        known = [value for value in sharpes if value is not None]
        trials = max(1, len(sharpes))
        year = math.sqrt(periods)
        sample = None
        if moments["sharpe"] is not None:
            sample = honesty.Sample(
                moments["observations"], moments["sharpe"], moments["skewness"], moments["kurtosis"]
            )
        variance = honesty.variance_of(known) or 0.0
        maximum = honesty.expected_maximum(trials, variance)
        deflated = None if sample is None else honesty.probabilistic_sharpe(sample, maximum)
        verdict = (
            "unknown"
            if deflated is None
            else "strong"
            if deflated >= STRONG
            else "weak"
            if deflated >= WEAK
            else "none"
        )
        return Honesty.model_validate(
            {
                "path": subject.path,
                "name": subject.name,
                "barTypes": list(subject.bar_types),
                "trials": trials,
                "measured": len(known),
                "observations": moments["observations"],
                "periodsPerYear": periods,
                "sharpe": None if sample is None else sample.sharpe * year,
                "skewness": moments["skewness"],
                "kurtosis": moments["kurtosis"],
                "expectedMaximum": maximum * year,
                "probabilistic": None if sample is None else honesty.probabilistic_sharpe(sample),
                "deflated": deflated,
                "minimumTrackRecord": None if sample is None else honesty.minimum_track_record(sample),
                "overfitting": overfitting,
                "verdict": verdict,
                "sentence": _word(trials, sample, maximum * year, deflated, year),
            }
        )


def _word(trials: int, sample: honesty.Sample | None, maximum: float, deflated: float | None, year: float) -> str:
    if sample is None or deflated is None:
        return "There are too few daily returns, or none that vary, to judge the Sharpe ratio by."
    tried = "the only trial" if trials == 1 else f"the {trials:,} trials so far"
    luck = "" if trials == 1 else f", of which luck alone would show {maximum:.2f}"
    shown = f"Sharpe {sample.sharpe * year:.2f} over {sample.observations:,} days, after {tried}{luck}"
    if deflated >= STRONG:
        return f"{shown}: hard to call luck ({deflated:.0%})."
    if deflated >= WEAK:
        return f"{shown}: it may be luck ({deflated:.0%} that there is more to it)."
    return f"{shown}: no better than luck ({deflated:.0%})."
