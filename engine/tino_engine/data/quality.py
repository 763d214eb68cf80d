"""The quality of stored series as the engine sees it: reports, kept until the series changes, and what of them concerns a run.

A series is looked at in a child of its own, which loads pandas for the exchange calendars and is ended afterwards: a hundred
megabytes that nobody should carry between two imports. Its report is kept in the database under a hash of all it rests on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from tino_engine.contracts import (
    AddSplitFix,
    AdjustFix,
    DataCheck,
    DataCheckRequest,
    DataWarning,
    ImportFix,
    QualityFinding,
    QualityReport,
    RemoveSplitFix,
    SeriesQuality,
)
from tino_engine.data.bar_type import BarType
from tino_engine.data.days import day_bounds, day_of
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy import Connection

    from tino_engine.data.catalog import Catalog, ResolvedSeries
    from tino_engine.ledger import Database, Writer
    from tino_engine.workers.child import Child

VERSION = 1
"""Of what `inspection` looks for."""

_AT_ONCE = 20
"""Series that are looked at with one call."""
_BEHIND_MS = 7 * 86_400_000
"""How much earlier than others of its venue a series may end."""
_OVER_MS = 365 * 86_400_000
"""A series that ends earlier by more than this was given up: its instrument is no longer traded."""
_ORDER = {"severe": 0, "warning": 1, "info": 2}


class Quality:
    """Reports about the catalog's series."""

    def __init__(
        self, catalog: Catalog, database: Database, writer: Writer, spawn: Callable[[], Awaitable[Child]]
    ) -> None:
        """`spawn` starts a data child."""
        self._catalog = catalog
        self._database = database
        self._writer = writer
        self._spawn = spawn
        self._inspecting = asyncio.Lock()

    async def report(self, symbol: str | None = None) -> QualityReport:
        """Report on all series, or on those of an instrument or watchlist. Raises `symbol_unknown`, `watchlist_unknown`."""
        series = await self._catalog.series_of(symbol)
        reports = await self._reports(series)
        everything = await self._catalog.series_of(None)
        return QualityReport(series=[_with_end(reports[item.bar_type], item, everything) for item in series])

    async def check(self, request: DataCheckRequest) -> DataCheck:
        """Tell what of the data a run would use may spoil it. Raises what `Catalog.resolve` and `check_range` raise."""
        series = await self._catalog.resolve(request.symbols, request.bar_types)
        for item in series:
            self._catalog.check_range(item, request.from_, request.to)
        reports = await self._reports(series)
        warnings = [warning for item in series for warning in _warnings(item, reports[item.bar_type], request)]
        warnings.sort(key=lambda warning: (_ORDER[warning.finding.severity], warning.bar_type, warning.finding.from_))
        return DataCheck(warnings=warnings, severity=warnings[0].finding.severity if warnings else None)

    async def _reports(self, series: Sequence[ResolvedSeries]) -> dict[str, SeriesQuality]:
        async with self._inspecting:
            keys = {item.bar_type: _key(item) for item in series}
            found = await self._database.read(lambda connection: _load(connection, keys))
            wanted = [item for item in series if item.bar_type not in found]
            if wanted:
                found |= await self._inspect(wanted, keys)
            return found

    async def _inspect(self, series: Sequence[ResolvedSeries], keys: dict[str, str]) -> dict[str, SeriesQuality]:
        found: dict[str, SeriesQuality] = {}
        child = await self._spawn()
        try:
            for start in range(0, len(series), _AT_ONCE):
                part = series[start : start + _AT_ONCE]
                reply = await child.call("inspect", {"series": [item.to_params() for item in part]})
                reports = [SeriesQuality.model_validate(report) for report in reply.result["reports"]]
                # One that could not be read is looked at again: the disk may have been away.
                kept = [report for report in reports if not any(it.kind == "unreadable" for it in report.findings)]
                await self._writer.write(lambda connection, kept=kept: _keep(connection, kept, keys), "quality of data")
                found |= {report.bar_type: report for report in reports}
        finally:
            await asyncio.shield(child.kill())
        return found


def _key(series: ResolvedSeries) -> str:
    actions = [action.model_dump(mode="json") for action in series.actions]
    parts = [VERSION, series.hash, series.instrument.model_dump(mode="json"), actions]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _load(connection: Connection, keys: dict[str, str]) -> dict[str, SeriesQuality]:
    held = tables.data_quality
    return {
        row.bar_type: SeriesQuality.model_validate(row.report)
        for row in connection.execute(select(held))
        if keys.get(row.bar_type) == row.key
    }


def _keep(connection: Connection, reports: Sequence[SeriesQuality], keys: dict[str, str]) -> None:
    held = tables.data_quality
    for report in reports:
        connection.execute(held.delete().where(held.c.bar_type == report.bar_type))
        values = {"bar_type": report.bar_type, "key": keys[report.bar_type], "report": report.model_dump(mode="json")}
        connection.execute(held.insert().values(values))


def _with_end(report: SeriesQuality, series: ResolvedSeries, others: Sequence[ResolvedSeries]) -> SeriesQuality:
    """Add whether the series ends before others of its venue and step; that depends on them, so it is not kept."""
    own = BarType.parse(series.bar_type)
    alike = [
        other
        for other in others
        if other.instrument.venue == series.instrument.venue and BarType.parse(other.bar_type).fineness == own.fineness
    ]
    latest = max(alike, key=lambda other: other.coverage.to)
    behind = latest.coverage.to - series.coverage.to
    if behind <= _BEHIND_MS or not report.bars:
        return report
    ends, other_ends = (day_of(item.instrument, item.coverage.to * 1_000_000) for item in (series, latest))
    message = (
        f"Ends on {ends}, {behind // 86_400_000:,} days before {latest.instrument.id}, which goes on to {other_ends}."
    )
    finding = QualityFinding(
        kind="ends",
        severity="info" if behind > _OVER_MS else "warning",
        from_=series.coverage.to,
        to=latest.coverage.to,
        count=1,
        message=message,
        split_ratio=None,
        ex_day=None,
    )
    findings = sorted([*report.findings, finding], key=lambda item: (_ORDER[item.severity], item.from_))
    change = {"findings": findings, "severity": findings[0].severity, "finding_count": report.finding_count + 1}
    return report.model_copy(update=change)


def _warnings(series: ResolvedSeries, report: SeriesQuality, request: DataCheckRequest) -> list[DataWarning]:
    first, last = day_bounds(series.instrument, request.from_, request.to)
    found = [
        DataWarning(bar_type=series.bar_type, finding=finding, fix=_fix(series, finding))
        for finding in report.findings
        if finding.severity != "info"
        and finding.to * 1_000_000 >= first
        and finding.from_ * 1_000_000 <= last
        # Where nothing is adjusted a listed split that the prices do not show does no harm.
        and not (finding.kind == "actionWithoutMove" and request.adjustment == "none")
    ]
    if request.adjustment == "none":
        unmoved = {finding.ex_day for finding in report.findings if finding.kind == "actionWithoutMove"}
        found += _unadjusted(series, first, last, unmoved)
    return found


def _unadjusted(series: ResolvedSeries, first: int, last: int, unmoved: set[str | None]) -> list[DataWarning]:
    """Warn of splits that a run on prices as traded would take for crashes."""
    warnings = []
    for action in series.actions:
        at = day_bounds(series.instrument, action.ex_day, None)[0]
        begins, ends = series.coverage.from_ * 1_000_000, series.coverage.to * 1_000_000
        if action.kind != "split" or action.ex_day in unmoved or not max(first, begins) < at <= min(last, ends):
            continue
        message = f"The split of {action.value:g} for 1 on {action.ex_day} is not taken out of the prices."
        finding = QualityFinding(
            kind="split",
            severity="severe",
            from_=at // 1_000_000,
            to=at // 1_000_000,
            count=1,
            message=message,
            split_ratio=action.value,
            ex_day=action.ex_day,
        )
        fix = AdjustFix(kind="adjust", label="Adjust prices for splits", adjustment="splits")
        warnings.append(DataWarning(bar_type=series.bar_type, finding=finding, fix=fix))
    return warnings


def _fix(series: ResolvedSeries, finding: QualityFinding) -> AddSplitFix | RemoveSplitFix | ImportFix | None:
    instrument_id, day = series.instrument.id, finding.ex_day
    if finding.kind == "split" and day is not None and finding.split_ratio is not None:
        label = f"Add the split of {day}"
        return AddSplitFix(
            kind="addSplit", label=label, instrument_id=instrument_id, ex_day=day, value=finding.split_ratio
        )
    if finding.kind == "actionWithoutMove" and day is not None:
        label = f"Remove the split of {day}"
        return RemoveSplitFix(kind="removeSplit", label=label, instrument_id=instrument_id, ex_day=day)
    if finding.kind in ("gap", "unreadable", "invalid", "frozen", "spike"):
        return ImportFix(kind="import", label="Import better data", instrument_id=instrument_id)
    return None
