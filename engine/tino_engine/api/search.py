"""Calls about sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import Sweep, SweepList, SweepPlan, SweepPointList
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("planSweep")
async def plan_sweep(engine: Engine, arguments: Arguments) -> SweepPlan:
    """Say what a request would try."""
    roots = engine.require_trusted(arguments.body.backtest.path)
    return await engine.sweeps.plan(arguments.body, roots)


@calls.call("startSweep")
async def start_sweep(engine: Engine, arguments: Arguments) -> Sweep:
    """Check the request and queue the sweep."""
    roots = engine.require_trusted(arguments.body.backtest.path)
    lease = engine.leases.find(arguments.client)
    origin = "browser" if arguments.credentials.browser else lease.kind if lease else "cli"
    return await engine.sweeps.start(arguments.body, origin=origin, owner=_owner(engine, arguments), roots=roots)


@calls.call("listSweeps")
async def list_sweeps(engine: Engine, arguments: Arguments) -> SweepList:
    """List sweeps, newest first."""
    return await engine.sweeps.list(arguments.query)


@calls.call("getSweep")
async def get_sweep(engine: Engine, arguments: Arguments) -> Sweep:
    """Give one sweep."""
    return await engine.sweeps.get(arguments.path["id"])


@calls.call("listSweepPoints")
async def list_sweep_points(engine: Engine, arguments: Arguments) -> SweepPointList:
    """Give points of a sweep by number."""
    return await engine.sweeps.points(arguments.path["id"], arguments.query)


@calls.call("stopSweep")
async def stop_sweep(engine: Engine, arguments: Arguments) -> Sweep:
    """Stop a sweep; give it as it ended."""
    return await engine.sweeps.stop(arguments.path["id"])


@calls.call("resumeSweep")
async def resume_sweep(engine: Engine, arguments: Arguments) -> Sweep:
    """Go on with a sweep."""
    sweep = await engine.sweeps.get(arguments.path["id"])
    roots = engine.require_trusted(sweep.path)
    return await engine.sweeps.resume(sweep.id, owner=_owner(engine, arguments), roots=roots)


@calls.call("deleteSweep")
async def delete_sweep(engine: Engine, arguments: Arguments) -> Sweep:
    """Forget a sweep; give it as it was."""
    return await engine.sweeps.remove(arguments.path["id"])


def _owner(engine: Engine, arguments: Arguments) -> str | None:
    """A terminal waits for its sweep in the foreground: when it dies, the sweep stops. A window's goes on."""
    lease = engine.leases.find(arguments.client)
    return lease.key if lease is not None and lease.kind == "cli" else None
