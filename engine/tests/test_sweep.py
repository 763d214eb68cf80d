"""Sweeps through a real engine with real workers: figures of a run, shared results, every bad input, dying, resuming."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from live_engine import LiveEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _pytest.tmpdir import TempPathFactory

SOURCE = """
import os
from dataclasses import dataclass
from typing import Annotated
from annotated_types import Ge, Le
from nautilus_trader.model import BarType, InstrumentId, OrderSide, Quantity
from nautilus_trader.trading import Strategy

@dataclass(frozen=True)
class Config:
    instrument_id: InstrumentId
    bar_type: BarType
    every: Annotated[int, Ge(1), Le(60)] = 5
    size: int = 1

class Tested(Strategy):
    seen = []  # Shared by all instances of a class: must not reach the next point.

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        with open(__file__ + ".ran", "a") as ran:
            ran.write(f"{config.every}\\n")
        if config.every == 13:
            raise ValueError("unlucky")
        if config.every == 14 and os.path.exists(__file__ + ".deadly"):
            os._exit(9)

    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar):
        if os.path.exists(__file__ + ".slow"):
            import time
            time.sleep(0.005)
        self.seen.append(bar)
        if len(self.seen) % self.config.every == 0:
            side = OrderSide.BUY if len(self.seen) // self.config.every % 2 else OrderSide.SELL
            order = self.order_factory.market(self.config.instrument_id, side, Quantity.from_int(self.config.size))
            self.submit_order(order)
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory, workspace: Path) -> Iterator[LiveEngine]:
    with LiveEngine(tmp_path_factory.mktemp("home"), trusted=[workspace]) as live:
        live.post("/api/data/sample")
        yield live


def write(workspace: Path, name: str) -> Path:
    path = workspace / f"{name}.py"
    path.write_text(SOURCE)
    return path


def ran(path: Path) -> list[int]:
    """Give what was run, in order, by the strategy's own account."""
    file = path.with_name(path.name + ".ran")
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def request(path: Path, *every: int, **changes: Any) -> dict[str, Any]:
    backtest = {"path": str(path), "symbols": ["AAPL.XNAS"], "from": "2010-01-01", "to": "2010-06-30"}
    return {"backtest": backtest, "dimensions": [{"name": "every", "values": list(every)}], "workers": 2, **changes}


def wait(engine: LiveEngine, sweep_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        sweep = engine.get(f"/api/search/sweep/{sweep_id}")
        if until(sweep):
            return sweep
        assert time.monotonic() < deadline, sweep
        time.sleep(0.05)


def ended(sweep: dict[str, Any]) -> bool:
    return sweep["status"] not in ("queued", "running")


def finish(engine: LiveEngine, body: dict[str, Any]) -> dict[str, Any]:
    return wait(engine, engine.post("/api/search/sweep", body)["id"], ended)


def points(engine: LiveEngine, sweep_id: str) -> dict[int, dict[str, Any]]:
    """Give the points by their value of `every`."""
    listed = engine.get(f"/api/search/sweep/{sweep_id}/points")["points"]
    return {point["parameters"]["every"]: point for point in listed}


def test_points_have_the_figures_of_runs_and_are_shared(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace, "shared")
    with engine.hello() as socket:
        socket.recv()
        sweep = finish(engine, request(path, 3, 5, 7, 9))
        told: list[dict[str, Any]] = []
        while not (told and told[-1]["type"] == "sweep.changed" and told[-1]["sweep"]["status"] == "finished"):
            told.append(json.loads(socket.recv(60))["event"])
    assert (sweep["status"], sweep["progress"]["done"], sweep["progress"]["total"]) == ("finished", 4, 4)
    heard = [point["number"] for event in told if event["type"] == "sweep.progressed" for point in event["points"]]
    assert sorted(heard) == [0, 1, 2, 3], "each point is told once"
    found = points(engine, sweep["id"])
    best = max(found.values(), key=lambda point: point["values"][0])
    assert sweep["best"] == [best]
    assert sweep["plateau"]["number"] in {point["number"] for point in found.values()}
    for every in (3, 9):
        body = {**request(path)["backtest"], "parameters": {"every": every}}
        run = engine.post("/api/backtest", body)["id"]
        with engine.socket(f"/ws/backtest/{run}") as socket:
            list(socket)
        assert engine.get(f"/api/backtest/{run}")["metrics"] == found[every]["metrics"]
    # What is known is not run again, in a sweep of other points and other objectives either.
    again = finish(
        engine,
        request(path, 9, 7, 11, objectives=[{"metric": "maxDrawdown"}, {"metric": "netProfit"}, {"metric": "fees"}]),
    )
    assert again["progress"]["cached"] == 2
    assert [objective["direction"] for objective in again["objectives"]] == ["maximize", "maximize", "minimize"]
    assert points(engine, again["id"])[9]["metrics"] == found[9]["metrics"]
    assert sorted(ran(path)) == [3, 3, 5, 7, 9, 9, 11]
    assert engine.call("DELETE", f"/api/search/sweep/{sweep['id']}").status == 200
    assert engine.call("GET", f"/api/search/sweep/{sweep['id']}").status == 404
    assert points(engine, again["id"])[9]["metrics"] == found[9]["metrics"], "a result that another sweep has stays"


def test_a_point_that_fails_or_kills_its_process_costs_itself_alone(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace, "deadly")
    deadly = path.with_name("deadly.py.deadly")
    deadly.touch()
    sweep = finish(engine, request(path, 12, 13, 14, 15, 16, 17))
    found = points(engine, sweep["id"])
    assert sweep["status"] == "finished"
    assert {every: point["status"] for every, point in found.items()} == {
        every: "failed" if every in (13, 14) else "finished" for every in range(12, 18)
    }
    assert found[13]["error"]["code"] == "strategy_failed"
    assert "unlucky" in found[13]["error"]["message"]
    assert found[14]["error"]["code"] == "worker_died"
    # Nothing but the one whose process died could come out differently: but a finished sweep is finished.
    assert engine.call("POST", f"/api/search/sweep/{sweep['id']}/resume").json["code"] == "sweep_not_resumable"
    assert engine.call("POST", f"/api/search/sweep/{sweep['id']}/stop").json["code"] == "sweep_already_ended"
    failed = finish(engine, request(path, 13))
    assert (failed["status"], failed["error"]["code"]) == ("failed", "sweep_without_result")
    assert "unlucky" in failed["error"]["message"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"points": 0}, "sweep_empty"),
        ({"constraint": "every > 60"}, "sweep_empty"),
        ({"constraint": "every > 60", "method": "tpe"}, "sweep_empty"),
        (
            {
                "dimensions": [
                    {"name": "every"},
                    {"name": "size", "from": 1, "to": 200_000},
                ]
            },
            "sweep_large",
        ),
        ({"objectives": [{"metric": "sharpe"}, {"metric": "fees"}], "pruning": True}, "request_invalid"),
        ({"objectives": [{"metric": "luck"}]}, "request_invalid"),
        ({"dimensions": []}, "request_invalid"),
        ({"constraint": "every <"}, "sweep_constraint_invalid"),
        ({"backtest": {"path": "/nowhere.py"}}, "workspace_untrusted"),
    ],
)
def test_what_is_refused(engine: LiveEngine, workspace: Path, changes: dict[str, Any], code: str) -> None:
    path = write(workspace, "refused")
    before = engine.get("/api/search/sweep")
    reply = engine.call("POST", "/api/search/sweep", {**request(path, 3, 5), **changes})
    assert reply.json["code"] == code
    assert engine.get("/api/search/sweep") == before
    if code == "sweep_large":
        plan = engine.post("/api/search/sweep/plan", {**request(path), **changes})
        assert (plan["points"], plan["asks"]) == (12_000_000, True)


def test_tpe_and_pruning_keep_to_the_space(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace, "tpe")
    space = {"dimensions": [{"name": "every", "from": 2, "to": 12}], "constraint": "every % 2 == 0"}
    sweep = finish(engine, request(path, method="tpe", points=50, **space))
    assert sweep["status"] == "finished"
    assert sorted(points(engine, sweep["id"])) == [2, 4, 6, 8, 10, 12], "an exhausted space ends the sweep"
    path = write(workspace, "pruned")
    sweep = finish(engine, request(path, *range(2, 12), pruning=True, objectives=[{"metric": "netProfit"}], workers=1))
    assert sweep["status"] == "finished"
    found = points(engine, sweep["id"])
    assert sorted(found) == list(range(2, 12))
    assert {point["status"] for point in found.values()} <= {"finished", "pruned"}
    assert all(point["values"][0] is not None for point in found.values())


def test_a_sweep_that_is_stopped_goes_on_where_it_was(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace, "stopped")
    path.with_name("stopped.py.slow").touch()
    sweep = engine.post("/api/search/sweep", request(path, 3, 4, 5, 6, 7, workers=1))
    wait(engine, sweep["id"], lambda sweep: sweep["progress"]["done"] >= 1)
    assert engine.call("POST", f"/api/search/sweep/{sweep['id']}/resume").json["code"] == "sweep_under_way"
    assert engine.call("DELETE", f"/api/search/sweep/{sweep['id']}").json["code"] == "sweep_under_way"
    stopped = engine.post(f"/api/search/sweep/{sweep['id']}/stop")
    known = points(engine, sweep["id"])
    assert (stopped["status"], len(known)) == ("stopped", stopped["progress"]["done"])
    source = path.read_text()
    path.write_text(source + "\n# other code\n")
    assert engine.call("POST", f"/api/search/sweep/{sweep['id']}/resume").json["code"] == "sweep_code_changed"
    path.write_text(source)
    path.with_name("stopped.py.slow").unlink()
    engine.post(f"/api/search/sweep/{sweep['id']}/resume")
    done = wait(engine, sweep["id"], ended)
    assert (done["status"], sorted(points(engine, sweep["id"]))) == ("finished", [3, 4, 5, 6, 7])
    assert [times for every, times in _counts(ran(path)).items() if every in known] == [1] * len(known)
    # Code that changes while its points are run ends the sweep: two programs cannot be compared.
    path.with_name("stopped.py.slow").touch()
    sweep = engine.post("/api/search/sweep", request(path, 21, 22, 23, 24, workers=1))
    wait(engine, sweep["id"], lambda sweep: sweep["progress"]["done"] >= 1)
    path.write_text(source + "\n# other code\n")
    changed = wait(engine, sweep["id"], ended)
    assert (changed["status"], changed["error"]["code"]) == ("failed", "sweep_code_changed")


def test_kill_9_of_engine_and_workers_repeats_no_point_that_has_ended(tmp_path: Path, workspace: Path) -> None:
    path = write(workspace, "killed")
    slow = path.with_name("killed.py.slow")
    slow.touch()
    everything = list(range(30, 42))
    with LiveEngine(tmp_path, trusted=[workspace]) as first:
        first.post("/api/data/sample")
        sweep = first.post("/api/search/sweep", request(path, *everything))
        wait(first, sweep["id"], lambda sweep: sweep["progress"]["done"] >= 3)
        children = psutil.Process(first.process.pid).children(recursive=True)
        os.kill(first.process.pid, signal.SIGKILL)
        for child in children:
            if child.is_running():
                child.kill()
        first.process.wait(30)
        psutil.wait_procs(children, timeout=30)
    slow.unlink()
    with LiveEngine(tmp_path, trusted=[workspace]) as second:
        left = second.get(f"/api/search/sweep/{sweep['id']}")
        assert (left["status"], left["error"]["code"]) == ("interrupted", "sweep_interrupted")
        known = points(second, sweep["id"])
        assert len(known) == left["progress"]["done"] >= 3
        second.post(f"/api/search/sweep/{sweep['id']}/resume")
        done = wait(second, sweep["id"], ended)
        assert (done["status"], done["progress"]["done"]) == ("finished", len(everything))
        assert sorted(points(second, sweep["id"])) == everything
    counts = _counts(ran(path))
    assert sorted(counts) == everything
    assert [counts[every] for every in known] == [1] * len(known)


def _counts(values: list[int]) -> dict[int, int]:
    return {value: values.count(value) for value in values}
