"""The `search` child: holds Optuna for one sweep.

open {axes, directions, seed, pruning, earlier}  → {}; `earlier` are [places, state, values] of points that were tried before
ask {}                                           → {trial, places}
give {places}                                    → {trial}
check {trial, step, value}                       → {prune}
tell {trial, state, values}                      → {}
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.workers.port import Port

if TYPE_CHECKING:
    from tino_engine.search.study import Study
    from tino_engine.workers.protocol import Frame


def main() -> int:
    """Serve until the engine closes the pipe; give the exit status."""
    port = Port()
    # After the port: what these libraries may print must not reach the pipe.
    from tino_engine.search.study import Study  # noqa: PLC0415

    studies: list[Study] = []
    port.ready()
    while (frame := port.receive()) is not None:
        request = frame.header["id"]
        try:
            port.reply(request, _answer(frame, studies, Study))
        except Exception:  # noqa: BLE001 - the engine's log gets it whole, the caller a reference to it
            reference = new_id("err")
            print(f"{reference} {traceback.format_exc()}", file=sys.stderr, flush=True)  # noqa: T201
            port.fail(request, TinoError("internal", reference=reference, log="engine.log").body)
    return 0


def _answer(frame: Frame, studies: list[Study], make: type[Study]) -> dict[str, Any]:
    params = frame.header["params"]
    match frame.header["call"]:
        case "open":
            study = make(params["axes"], params["directions"], params["seed"], pruning=params["pruning"])
            for places, state, values in params["earlier"]:
                study.recall(places, state, values)
            studies[:] = [study]
            return {}
        case "ask":
            trial, places = studies[0].ask()
            return {"trial": trial, "places": places}
        case "give":
            return {"trial": studies[0].give(params["places"])}
        case "check":
            return {"prune": studies[0].check(params["trial"], params["step"], params["value"])}
        case _:
            studies[0].tell(params["trial"], params["state"], params["values"])
            return {}
