"""Calls about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import Run, RunCode, RunList, RunSummary
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("startBacktest")
async def start(engine: Engine, arguments: Arguments) -> RunSummary:
    """Check the request and queue the run."""
    paths = [arguments.body.path, *(other.path for other in arguments.body.strategies)]
    # Each has to lie in a trusted folder: the code of every one of them is run.
    roots = list(dict.fromkeys(root for path in paths for root in engine.require_trusted(path)))
    origin, owner = _asker(engine, arguments)
    return await engine.runs.start(arguments.body, origin=origin, owner=owner, roots=roots)


@calls.call("listRuns")
async def list_(engine: Engine, arguments: Arguments) -> RunList:
    """List runs, newest first."""
    return await engine.runs.list(arguments.query)


@calls.call("getRun")
async def get(engine: Engine, arguments: Arguments) -> Run:
    """Give one run with its result."""
    return await engine.runs.get(arguments.path["id"])


@calls.call("getRunCode")
async def get_code(engine: Engine, arguments: Arguments) -> RunCode:
    """Give the code that a run ran."""
    return await engine.runs.code(arguments.path["id"])


@calls.call("reproduceRun")
async def reproduce(engine: Engine, arguments: Arguments) -> RunSummary:
    """Queue a run that repeats one with the code and spec it had."""
    run_id = arguments.path["id"]
    run = await engine.runs.summary(run_id)
    for path in (run.path, *(other.path for other in run.strategies)):
        engine.require_trusted(path)
    origin, owner = _asker(engine, arguments)
    return await engine.runs.reproduce(run_id, origin=origin, owner=owner)


@calls.call("cancelRun")
async def cancel(engine: Engine, arguments: Arguments) -> RunSummary:
    """Cancel a run; give it as it is then."""
    return await engine.runs.cancel(arguments.path["id"])


@calls.call("getSeries")
async def get_series(engine: Engine, arguments: Arguments) -> bytes:
    """Give one table of a result as an Arrow stream."""
    return await engine.runs.series(arguments.path["id"], arguments.path["series"], arguments.query)


def _asker(engine: Engine, arguments: Arguments) -> tuple[str, str | None]:
    """Say what kind of client starts a run, and whose end is the run's end."""
    lease = engine.leases.find(arguments.client)
    origin = "browser" if arguments.credentials.browser else lease.kind if lease else "cli"
    # A terminal waits for its run in the foreground: when it dies, the run ends with it. A window's run goes on.
    return origin, lease.key if lease is not None and lease.kind == "cli" else None
