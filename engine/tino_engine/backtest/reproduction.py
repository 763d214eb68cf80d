"""Repeating a run with what it was made of: the record that is kept for it, the spec restored from that, and what came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tino_engine.backtest.lineup import Lineup, Member, Ticks
from tino_engine.backtest.packages import Requirements, product_packages
from tino_engine.backtest.spec import Spec
from tino_engine.contracts import Difference, Reproduction, Strategy
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.backtest.code_store import CodeStore
    from tino_engine.contracts import BacktestRequest, Run, RunSummary
    from tino_engine.data import Catalog


def record(spec: Spec, reproduces: str | None) -> dict[str, Any]:
    """Give what is kept of a spec besides the request and the code: its content, and what only the code would tell.

    `reproduces` is the run that this one repeats.
    """
    return {
        "content": spec.content(),
        "members": [
            {
                "label": member.label,
                "strategy": member.strategy.model_dump(mode="json"),
                "parameters": member.parameters,
                "barTypes": member.bar_types,
            }
            for member in spec.lineup.members
        ],
        "ticks": [[ticks.instrument.id, ticks.kind] for ticks in spec.lineup.ticks],
        "roots": spec.roots,
        "requirements": None if spec.requirements is None else str(spec.requirements.path),
        "reproduces": reproduces,
    }


async def restore(
    run: RunSummary, request: BacktestRequest, kept: dict[str, Any] | None, code: CodeStore, catalog: Catalog
) -> Spec:
    """Make the spec of a run again, with the code as it ran. Raises `run_code_missing`, `run_not_reproducible`."""
    if kept is None or run.code is None:
        raise TinoError("run_code_missing", id=run.id, reason="it ran before tino kept copies")
    content = kept["content"]
    try:
        series = await catalog.resolve([], [item["barType"] for item in content["data"]])
        bounds = [catalog.check_range(item, request.from_, request.to) for item in series]
    except TinoError as error:
        raise TinoError("run_not_reproducible", id=run.id, reason=_sentence(error)) from error
    known = {entry.instrument.id: entry.instrument for entry in (await catalog.symbols()).symbols}
    ticks = [
        Ticks(known[instrument_id], kind, await catalog.find_ticks(instrument_id, kind) or ())
        for instrument_id, kind in kept["ticks"]
        if instrument_id in known
    ]
    copied = await asyncio.to_thread(code.load, run.id, run.code.hash, run.path)
    requirements = None
    if content["requirements"] is not None:
        requirements = Requirements(Path(kept["requirements"]), content["requirements"])
    members = [
        Member(item["label"], Strategy.model_validate(item["strategy"]), item["parameters"], item["barTypes"], copied)
        for item in kept["members"]
    ]
    spec = Spec(
        request=request,
        strategy=members[0].strategy,
        parameters=members[0].parameters,
        series=series,
        bounds=bounds,
        roots=kept["roots"],
        code=copied,
        lineup=Lineup(members, series, ticks, content["internal"]),
        requirements=requirements,
    )
    now = spec.content()
    for kind in ("data", "ticks"):
        if content[kind] != now[kind]:
            names = [item.get("barType", kind) for item in content[kind] if item not in now[kind]]
            reason = f"the data was changed since: {', '.join(names) or kind}"
            raise TinoError("run_not_reproducible", id=run.id, reason=reason)
    return spec


def conclude(stored: Run, spec: Spec, versions: dict[str, str], compared: dict[str, Any]) -> Reproduction:
    """Say how the repetition came out; `compared` is what `repetition.compare` gave."""
    assert stored.result is not None
    before, now = stored.result.versions, versions
    changed = [
        f"{name} {before.get(name, 'not there')}, now {now.get(name, 'not there')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    content, current = stored.spec or {}, spec.content()
    if content.get("simulator") != current["simulator"] and before.get("tino") == now.get("tino"):
        changed.append("tino's own code, in the same version")
    if content.get("environment") != product_packages() and not changed:
        changed.append("packages of the engine, or the platform")
    difference = compared["difference"]
    return Reproduction(
        of=stored.id,
        equal=difference is None,
        rows=compared["rows"],
        hash=compared["hash"],
        difference=None if difference is None else Difference.model_validate(difference),
        changed=changed,
    )


def _sentence(error: TinoError) -> str:
    message = error.body.message.rstrip(".")
    return message[:1].lower() + message[1:]
