"""Calls about runs that are there: side by side, taken apart, as files, labelled, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import Comparison, DeleteReply, RunList, Tearsheet
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("compareRuns")
async def compare(engine: Engine, arguments: Arguments) -> Comparison:
    """Hold runs against the first of them."""
    return await engine.runs.compare(arguments.body.runs)


@calls.call("getTearsheet")
async def get_tearsheet(engine: Engine, arguments: Arguments) -> Tearsheet:
    """Give what is behind a run's metrics."""
    return await engine.reports.tearsheet(arguments.path["id"])


@calls.call("exportRun")
async def export(engine: Engine, arguments: Arguments) -> bytes:
    """Give a run as a file."""
    return await engine.reports.export(arguments.path["id"], arguments.query)


@calls.call("labelRuns")
async def label(engine: Engine, arguments: Arguments) -> RunList:
    """Change tags, note or pin of runs."""
    return await engine.runs.label(arguments.body)


@calls.call("deleteRuns")
async def delete(engine: Engine, arguments: Arguments) -> DeleteReply:
    """Delete runs and their files."""
    return await engine.runs.delete(arguments.body.runs)
