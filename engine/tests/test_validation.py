"""Validations through a real engine: each kind, counting trials, honesty, cancelling, an engine that ends, a Dask cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from live_engine import ENGINE, LiveEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.tmpdir import TempPathFactory

EMA_CROSS = ENGINE.parent / "examples" / "strategies" / "ema_cross.py"
BACKTEST = {"path": str(EMA_CROSS), "symbols": ["AAPL.XNAS"], "from": "2004-01-01", "to": "2008-12-31"}
SEARCH = {
    "backtest": BACKTEST,
    "dimensions": [{"name": "fast", "values": [5, 10]}, {"name": "slow", "values": [20, 40]}],
    "workers": 2,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory) -> Iterator[LiveEngine]:
    workspace = tmp_path_factory.mktemp("workspace")
    with LiveEngine(tmp_path_factory.mktemp("home"), trusted=[workspace, EMA_CROSS.parents[1]]) as live:
        live.post("/api/data/sample")
        live.workspace = workspace  # type: ignore[attr-defined]
        yield live


def wait(engine: LiveEngine, started: dict[str, Any]) -> dict[str, Any]:
    """Read the event stream until the validation has ended; give it."""
    with engine.hello() as socket:
        while True:
            found = engine.get(f"/api/validation/{started['id']}")
            if found["status"] != "running":
                return found
            for message in socket:
                event = json.loads(message).get("event", {})
                if event.get("type") == "validation.changed" and event["validation"]["id"] == started["id"]:
                    break


def validate(engine: LiveEngine, **request: Any) -> dict[str, Any]:
    found = wait(engine, engine.post("/api/validation", {"request": request}))
    assert found["status"] == "finished", found["error"]
    assert found["sentence"]
    return found["result"]


def run(engine: LiveEngine, **changes: Any) -> dict[str, Any]:
    started = engine.post("/api/backtest", {**BACKTEST, **changes})
    while True:
        with engine.socket(f"/ws/backtest/{started['id']}") as socket:
            for _ in socket:
                pass
        found = engine.get(f"/api/backtest/{started['id']}")
        if found["status"] not in ("queued", "running"):
            assert found["status"] == "finished", found["error"]
            return found


def test_walk_forward(engine: LiveEngine) -> None:
    asked = {**SEARCH, "kind": "walkForward", "trainDays": 252, "testDays": 126, "warmUpDays": 60, "purgeDays": 2}
    result = validate(engine, **asked)
    windows = result["windows"]
    assert len(windows) >= 6
    for before, window in pairwise(windows):
        assert before["trainTo"] < before["testFrom"] <= before["testTo"] < window["testFrom"]
    assert all(window["finished"] == 4 and window["test"] is not None for window in windows)
    assert {str(window["parameters"]) for window in windows} <= {
        str({"fast": fast, "slow": slow}) for fast in (5, 10) for slow in (20, 40)
    }
    # Out of sample is every test, once, and nothing else: the line chains their returns.
    total = 1.0
    for window in windows:
        total *= 1 + window["test"]["totalReturn"]
    assert result["equity"]["values"][-1] == pytest.approx(total)
    assert len(result["equity"]["days"]) == 126 * len(windows)
    assert result["equity"]["days"][0] == windows[0]["testFrom"]
    assert [moved["name"] for moved in result["drift"]] == ["fast", "slow"]
    # A test without warm-up has no indicators at its beginning: it decides later.
    cold = validate(engine, **{**asked, "warmUpDays": 0})
    assert cold["equity"]["values"] != result["equity"]["values"]
    assert [window["parameters"] for window in cold["windows"]] == [window["parameters"] for window in windows]


def test_what_is_tested_is_what_a_run_of_its_own_gives(engine: LiveEngine) -> None:
    """Without warm-up a window's test is a run of these days with these parameters."""
    window = validate(engine, **SEARCH, kind="walkForward", trainDays=504, testDays=252, warmUpDays=0)["windows"][0]
    alone = run(engine, **{"from": window["testFrom"], "to": window["testTo"], "parameters": window["parameters"]})
    for name in ("totalReturn", "sharpe", "maxDrawdown"):
        assert window["test"][name] == pytest.approx(alone["result"]["metrics"][name], rel=1e-9)


def test_cross_validation(engine: LiveEngine) -> None:
    result = validate(engine, **SEARCH, kind="crossValidation", folds=6, testFolds=2)
    assert (result["trials"], result["failed"], len(result["splits"]), len(result["paths"])) == (4, 0, 15, 5)
    assert result["splits"][0]["folds"] == [0, 1]
    assert 0 <= result["overfitting"]["probability"] <= 1
    low, middle, high = (band["values"] for band in result["bands"])
    assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))


def test_monte_carlo_on_trades_and_bars_of_a_run(engine: LiveEngine) -> None:
    stored = run(engine)
    shuffled = validate(engine, kind="tradeMonteCarlo", run=stored["id"], method="shuffle", paths=200)
    assert shuffled["trades"] == stored["result"]["metrics"]["trades"]
    # Another order of the same trades ends where they ended.
    assert shuffled["totalReturn"]["percentiles"] == pytest.approx([shuffled["totalReturn"]["actual"]] * 5)
    assert len(shuffled["equity"]["steps"]) == len(shuffled["equity"]["actual"]) == shuffled["trades"] + 1
    redrawn = validate(engine, kind="barMonteCarlo", run=stored["id"], paths=10, block=20, workers=2)
    assert (redrawn["paths"], redrawn["failed"]) == (10, 0)
    assert redrawn["totalReturn"]["actual"] == pytest.approx(stored["result"]["metrics"]["totalReturn"], rel=1e-9)
    assert redrawn["sharpe"]["actual"] == pytest.approx(stored["result"]["metrics"]["sharpe"], rel=1e-9)
    again = validate(engine, kind="barMonteCarlo", run=stored["id"], paths=10, block=20, workers=1)
    assert again == redrawn


def test_the_look_ahead_check(engine: LiveEngine) -> None:
    honest = validate(engine, kind="lookAhead", backtest=BACKTEST, cuts=6, workers=2)
    assert (honest["verdict"], len(honest["cuts"]), honest["files"]) == ("clean", 6, [])
    workspace: Path = engine.workspace  # type: ignore[attr-defined]
    bars = engine.call("GET", "/api/data/bars?barType=AAPL.XNAS-1-DAY-LAST-EXTERNAL")
    table = __import__("pyarrow").ipc.open_stream(bars.body).read_all()
    rows = [
        f"{ts.isoformat()},{close}"
        for ts, close in zip(table["ts"].to_pylist(), table["close"].to_pylist(), strict=True)
    ]
    (workspace / "prices.csv").write_text("\n".join(["time,close", *rows, ""]))
    source = EMA_CROSS.read_text()
    cheat = workspace / "cheat.py"
    cheat.write_text(source.replace("def on_bar(", "def _next(self, bar):\n        pass\n\n    def on_bar(", 1) + CHEAT)
    found = validate(engine, kind="lookAhead", backtest={**BACKTEST, "path": str(cheat), "name": "Cheat"}, cuts=10)
    assert found["verdict"] == "cheats"
    differing = next(cut for cut in found["cuts"] if cut["difference"] is not None)
    assert differing["difference"]["day"] in found["sentence"]
    assert differing["difference"]["path"] == str(cheat)
    assert found["files"] == [{"path": str(workspace / "prices.csv"), "cut": True, "reason": None}]


CHEAT = """

class Cheat(EmaCross):
    def on_start(self):
        from pathlib import Path
        rows = Path(__file__).with_name("prices.csv").read_text().split()[1:]
        self.later = dict(zip((row.split(",")[0][:10] for row in rows), (float(row.split(",")[1]) for row in rows[1:])))
        self.held = False
        super().on_start()

    def on_bar(self, bar):
        from datetime import UTC, datetime
        from nautilus_trader.model import OrderSide, Quantity
        day = datetime.fromtimestamp(bar.ts_event / 1e9, UTC).date().isoformat()
        want = self.later.get(day, 0.0) > float(bar.close)
        if want != self.held:
            side = OrderSide.BUY if want else OrderSide.SELL
            self.submit_order(self.order_factory.market(self.config.instrument_id, side, Quantity.from_int(1)))
            self.held = want
"""


def test_trials_are_counted_once_and_deflate(engine: LiveEngine) -> None:
    first = run(engine, symbols=["MSFT.XNAS"])
    alone = engine.get(f"/api/honesty?run={first['id']}")
    assert alone["trials"] == 1
    assert alone["deflated"] == alone["probabilistic"]
    assert alone["sharpe"] == pytest.approx(first["result"]["metrics"]["sharpe"], rel=1e-9)
    run(engine, symbols=["MSFT.XNAS"])
    run(engine, symbols=["MSFT.XNAS"], parameters={"fast": 5, "slow": 50})
    search = {**SEARCH, "backtest": {**BACKTEST, "symbols": ["MSFT.XNAS"]}}
    validate(engine, **search, kind="crossValidation", folds=4)
    judged = engine.get(f"/api/honesty?run={first['id']}")
    # The run, another one, and four sets of a search, of which one (10, 20) is the first run's.
    assert (judged["trials"], judged["measured"]) == (5, 5)
    assert judged["deflated"] < judged["probabilistic"]
    assert judged["expectedMaximum"] > 0


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"kind": "walkForward", **SEARCH, "trainDays": 90_000}, None, "validation_too_short"),
        ({"kind": "crossValidation", **SEARCH, "objective": {"metric": "trades"}}, 422, "request_invalid"),
        ({"kind": "crossValidation", **SEARCH, "folds": 20, "testFolds": 10}, None, "request_invalid"),
        ({"kind": "lookAhead"}, 422, "request_invalid"),
        ({"kind": "lookAhead", "backtest": {**BACKTEST, "warmUp": 50}}, 422, "request_invalid"),
        ({"kind": "tradeMonteCarlo", "run": "run_00000000000000000000000000"}, 404, "run_not_found"),
        ({"kind": "walkForward", **SEARCH, "constraint": "fast > slow"}, 422, "sweep_empty"),
    ],
)
def test_what_cannot_be_done_is_said(
    engine: LiveEngine, request_: dict[str, Any], status: int | None, code: str
) -> None:
    reply = engine.call("POST", "/api/validation", {"request": request_})
    if status is not None:
        assert (reply.status, reply.json["code"]) == (status, code)
        return
    ended = wait(engine, reply.json)
    assert (ended["status"], ended["error"]["code"], ended["result"]) == ("failed", code, None)


def test_cancelled_and_interrupted(tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text(EMA_CROSS.read_text() + textwrap.dedent(SLOW))
    asked = {**SEARCH, "kind": "walkForward", "backtest": {**BACKTEST, "path": str(slow), "name": "Slow"}}
    with LiveEngine(tmp_path / "home", trusted=[tmp_path]) as engine:
        engine.post("/api/data/sample")
        started = engine.post("/api/validation", {"request": asked})
        ended = engine.post(f"/api/validation/{started['id']}/cancel")
        assert (ended["status"], ended["error"]["code"]) == ("cancelled", "validation_cancelled")
        assert engine.call("POST", f"/api/validation/{started['id']}/cancel").status == 409
        other = engine.post("/api/validation", {"request": asked})
        engine.process.kill()
        engine.process.wait(20)
    with LiveEngine(tmp_path / "home", trusted=[tmp_path]) as engine:
        found = engine.get(f"/api/validation/{other['id']}")
        assert (found["status"], found["error"]["code"]) == ("interrupted", "validation_interrupted")
        listed = engine.get("/api/validation")["validations"]
        assert [each["id"] for each in listed] == [other["id"], started["id"]]


SLOW = """

class Slow(EmaCross):
    def on_bar(self, bar):
        import time
        time.sleep(0.05)
"""


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A real scheduler and two workers on loopback."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", *arguments],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            cwd=tmp_path,
        )
        started.append(process)
        return process

    first = start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    assert first.stderr is not None
    address = next(line.split()[-1] for line in first.stderr if "Scheduler at:" in line)
    for number in range(2):
        folder = str(tmp_path / f"worker{number}")
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", folder)
        worker = start("distributed.cli.dask_worker", address, *options)
        assert worker.stderr is not None
        next(line for line in worker.stderr if "Registered to" in line)
    yield address, started
    for process in started:
        process.terminate()
    for process in started:
        process.wait(30)
        assert process.stderr is not None
        process.stderr.close()


def test_a_cluster_gives_the_same(engine: LiveEngine, scheduler: tuple[str, list[subprocess.Popen[str]]]) -> None:
    address, processes = scheduler
    asked = {**SEARCH, "kind": "walkForward", "trainDays": 504, "testDays": 252}
    there = validate(engine, **asked, cluster=address)
    assert there == validate(engine, **asked)
    # The scheduler ends under way: it is sought again, and then this machine is offered.
    started = engine.post(
        "/api/validation", {"request": {**asked, "trainDays": 60, "testDays": 20, "cluster": address}}
    )
    for process in processes:
        process.kill()
    ended = wait(engine, started)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "cluster_unreachable")
    assert "on this machine" in ended["error"]["hint"]
