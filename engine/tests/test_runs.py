"""Runs through a real engine, a real worker and real data: every bad input, cancelling, dying, two at once, restart."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from live_engine import ENGINE, LiveEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.tmpdir import TempPathFactory

EMA_CROSS = ENGINE.parent / "examples" / "strategies" / "ema_cross.py"

HEAD = """
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide, Quantity
from nautilus_trader.trading import Strategy
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    instrument_id: InstrumentId
    bar_type: BarType
    size: int = 1
"""


def strategy(body: str) -> str:
    """Put callbacks into a strategy that subscribes to its bars."""
    return (
        HEAD
        + """
class Tested(Strategy):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.bars = 0

    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

"""
        + textwrap.indent(textwrap.dedent(body), "    ")
    )


BUY_ONCE = """
def on_bar(self, bar):
    self.bars += 1
    if self.bars == 3:
        order = self.order_factory.market(self.config.instrument_id, OrderSide.BUY, Quantity.from_int(self.config.size))
        self.submit_order(order)
"""

ENDLESS = """
def on_bar(self, bar):
    self.bars += 1
    if self.bars == 5:
        open(__file__ + ".reached", "w").close()
        while True:
            pass
"""

SLOW = """
def on_bar(self, bar):
    self.bars += 1
    import time
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory, workspace: Path) -> Iterator[LiveEngine]:
    with LiveEngine(tmp_path_factory.mktemp("home"), trusted=[workspace, EMA_CROSS.parents[1]]) as live:
        live.post("/api/data/sample")
        yield live


def request(path: Path, **changes: Any) -> dict[str, Any]:
    return {"path": str(path), "symbols": ["AAPL.XNAS"], "from": "2010-01-01", "to": "2010-12-31", **changes}


def write(workspace: Path, name: str, source: str) -> Path:
    path = workspace / f"{name}.py"
    path.write_text(source)
    return path


def follow(engine: LiveEngine, run_id: str) -> list[dict[str, Any]]:
    """Read a run's own stream to its end."""
    with engine.socket(f"/ws/backtest/{run_id}") as socket:
        return [json.loads(message) for message in socket]


def finish(engine: LiveEngine, body: dict[str, Any]) -> dict[str, Any]:
    """Start a run, wait for its end, give it."""
    run_id = engine.post("/api/backtest", body)["id"]
    follow(engine, run_id)
    return engine.get(f"/api/backtest/{run_id}")


def table(engine: LiveEngine, run_id: str, series: str, query: str = "") -> pa.Table:
    reply = engine.call("GET", f"/api/backtest/{run_id}/series/{series}{query}")
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/vnd.apache.arrow.stream"
    return pa.ipc.open_stream(reply.body).read_all()


# -- what goes well ----------------------------------------------------------------------------------------------------


def test_a_run_from_start_to_result(engine: LiveEngine) -> None:
    started = engine.post("/api/backtest", request(EMA_CROSS, **{"from": "2000-01-01", "to": "2013-12-31"}))
    assert started["status"] == "queued"
    assert started["parameters"] == {"fast": 10, "slow": 20, "invest": 0.95}
    messages = follow(engine, started["id"])
    assert messages[0]["kind"] == "snapshot"
    statuses = [m["event"]["run"]["status"] for m in messages[1:] if m["event"]["type"] == "run.changed"]
    assert statuses[-1] == "finished"
    progress = [m["event"]["progress"] for m in messages[1:] if m["event"]["type"] == "run.progressed"]
    assert [item["barsDone"] for item in progress] == sorted(item["barsDone"] for item in progress)
    assert progress[-1]["barsDone"] == progress[-1]["barsTotal"] == 3270
    run = engine.get(f"/api/backtest/{started['id']}")
    result = run["result"]
    assert result["bars"] == 3270
    assert any("Adjusted for splits and dividends" in item["value"] for item in result["assumptions"])
    assert run["metrics"] == result["metrics"]
    assert engine.get("/api/backtest?limit=1")["runs"][0]["id"] == started["id"]


def test_the_tables_agree_with_the_metrics(engine: LiveEngine) -> None:
    run = finish(engine, request(EMA_CROSS, **{"from": None, "to": None}))
    metrics = run["metrics"]
    equity, trades, fills = (table(engine, run["id"], name) for name in ("equity", "trades", "fills"))
    assert equity["equity"][-1].as_py() == pytest.approx(metrics["finalEquity"], abs=0.005)
    assert sum(fills["fee"].to_pylist()) == pytest.approx(metrics["fees"], abs=0.005)
    closed = [row for row in trades.to_pylist() if row["closed"] is not None]
    assert len(closed) == metrics["trades"]
    assert sum(row["result"] for row in closed) / len(closed) == pytest.approx(metrics["expectancy"], abs=0.005)
    assert set(fills["path"].to_pylist()) == {str(EMA_CROSS)}
    lines = EMA_CROSS.read_text().splitlines()
    assert all(
        "submit_order" in lines[row["line"] - 1] or "close_all" in lines[row["line"] - 1] for row in fills.to_pylist()
    )


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", (3270, 3270)),
        ("?level=1", (800, 840)),
        ("?points=1000", (800, 1000)),
        ("?points=5000", (3270, 3270)),
        ("?from=99999999999999", (0, 0)),
    ],
)
def test_a_series_comes_at_the_detail_asked_for(engine: LiveEngine, query: str, rows: tuple[int, int]) -> None:
    run = finish(engine, request(EMA_CROSS, **{"from": None, "to": None}))
    for name in ("bars.0", "equity", "drawings"):
        assert rows[0] <= table(engine, run["id"], name, query).num_rows <= rows[1]


def test_two_runs_at_once_do_not_disturb_each_other(engine: LiveEngine) -> None:
    bodies = [
        request(EMA_CROSS, symbols=[symbol], **{"from": None, "to": None})
        for symbol in ("AAPL.XNAS", "MSFT.XNAS", "IBM.XNYS")
    ]
    ids = [engine.post("/api/backtest", body)["id"] for body in bodies]
    for run_id in ids:
        follow(engine, run_id)
    alone = [finish(engine, body | {"cache": False})["metrics"] for body in bodies]
    assert [engine.get(f"/api/backtest/{run_id}")["metrics"] for run_id in ids] == alone


# -- requests that are refused before anything runs --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "changes", "code", "words"),
    [
        pytest.param(None, {}, "strategy_file_not_found", "no file", id="file missing"),
        pytest.param("x = 1", {}, "strategy_not_found", "no class derived from Strategy", id="no strategy"),
        pytest.param("def f(:\n", {}, "strategy_syntax_error", ":1:", id="syntax error"),
        pytest.param(
            strategy(BUY_ONCE) + "\nclass Second(Tested):\n    def on_bar(self, bar): ...\n",
            {},
            "strategy_ambiguous",
            "Second",
            id="two, none named",
        ),
        pytest.param(strategy(BUY_ONCE), {"name": "Other"}, "strategy_class_not_found", "Tested", id="another name"),
        pytest.param(strategy(BUY_ONCE), {"symbols": ["APPL"]}, "symbol_unknown", "AAPL", id="unknown symbol"),
        pytest.param(strategy(BUY_ONCE), {"symbols": []}, "request_invalid", "no symbol", id="no symbol"),
        pytest.param(
            strategy(BUY_ONCE),
            {"from": "1990-01-01", "to": "1991-01-01"},
            "data_missing",
            "2000-03-01",
            id="range without data",
        ),
        pytest.param(
            strategy(BUY_ONCE),
            {"from": "2011-01-01", "to": "2010-01-01"},
            "range_invalid",
            "2011-01-01",
            id="from after to",
        ),
        pytest.param(
            strategy(BUY_ONCE),
            {"parameters": {"size": "many"}},
            "parameter_invalid",
            "whole number",
            id="parameter of wrong type",
        ),
        pytest.param(
            strategy(BUY_ONCE), {"parameters": {"sise": 2}}, "parameter_unknown", "size", id="unknown parameter"
        ),
    ],
)
def test_what_cannot_run_is_said_at_once(
    engine: LiveEngine, workspace: Path, source: str | None, changes: dict[str, Any], code: str, words: str
) -> None:
    path = workspace / "missing.py" if source is None else write(workspace, "refused", source)
    before = engine.get("/api/backtest?limit=1000")["runs"]
    reply = engine.call("POST", "/api/backtest", request(path, **changes))
    assert reply.json["code"] == code
    assert words in reply.json["message"] + reply.json["hint"]
    assert engine.get("/api/backtest?limit=1000")["runs"] == before, "a refused request leaves no run"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"fast": 1}, "parameter_out_of_range"),
        ({"fast": 2.5}, "parameter_invalid"),
        ({"invest": 0}, "parameter_out_of_range"),
    ],
)
def test_parameters_keep_their_ranges(engine: LiveEngine, given: dict[str, Any], code: str) -> None:
    reply = engine.call("POST", "/api/backtest", request(EMA_CROSS, parameters=given))
    assert (reply.json["code"], reply.json["field"]) == (code, next(iter(given)))


def test_code_outside_trusted_folders_does_not_run(engine: LiveEngine, tmp_path: Path) -> None:
    reply = engine.call("POST", "/api/backtest", request(write(tmp_path, "stranger", strategy(BUY_ONCE))))
    assert (reply.status, reply.json["code"]) == (403, "workspace_untrusted")


# -- runs that fail ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "code", "callback", "line"),
    [
        pytest.param(
            HEAD
            + "class Tested(Strategy):\n    def __init__(self, config: Config):\n        super().__init__(config)\n        1 / 0\n",
            "strategy_failed",
            "__init__",
            "1 / 0",
            id="__init__",
        ),
        pytest.param(
            HEAD
            + "class Tested(Strategy):\n    def __init__(self, config: Config):\n        super().__init__(config)\n    def on_start(self):\n        self.nothing\n",
            "strategy_failed",
            "on_start",
            "self.nothing",
            id="on_start",
        ),
        pytest.param(
            strategy("def on_bar(self, bar):\n    helper()\n") + "\ndef helper():\n    raise ValueError('too high')\n",
            "strategy_failed",
            "on_bar",
            "raise ValueError('too high')",
            id="on_bar",
        ),
        pytest.param(
            "import nothing_like_this\n" + strategy(BUY_ONCE),
            "strategy_import_failed",
            "",
            "import nothing_like_this",
            id="import",
        ),
        pytest.param(
            strategy("def on_bar(self, bar):\n    raise SystemExit(3)\n"),
            "strategy_failed",
            "on_bar",
            "raise SystemExit(3)",
            id="exit",
        ),
    ],
)
def test_a_strategy_that_raises_shows_its_own_lines(
    engine: LiveEngine, workspace: Path, source: str, code: str, callback: str, line: str
) -> None:
    path = write(workspace, "raising", source)
    run = finish(engine, request(path))
    error = run["error"]
    assert (run["status"], error["code"]) == ("failed", code)
    assert callback in error["message"]
    assert error["location"]["path"] == str(path)
    assert source.splitlines()[error["location"]["line"] - 1].strip() == line
    assert {frame["path"] for frame in error["traceback"]} == {str(path)}
    assert error["traceback"][-1]["code"] == line
    assert run["metrics"] is None


@pytest.mark.parametrize(
    ("body", "changes", "words"),
    [
        pytest.param("def on_bar(self, bar): ...", {}, "no order", id="no signal"),
        pytest.param(BUY_ONCE, {"parameters": {"size": 1_000_000}}, "denied", id="denied"),
        pytest.param(
            BUY_ONCE.replace("BUY", "SELL"), {"venue": {"accountType": "CASH"}}, "Short selling", id="rejected"
        ),
    ],
)
def test_a_run_without_trades_says_why(
    engine: LiveEngine, workspace: Path, body: str, changes: dict[str, Any], words: str
) -> None:
    run = finish(engine, request(write(workspace, "quiet", strategy(body)), **changes))
    assert run["status"] == "finished"
    assert run["metrics"]["trades"] == 0
    assert words.lower() in run["noTrades"].lower()


def test_an_endless_loop_can_be_cancelled_and_says_where(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace, "endless", strategy(ENDLESS))
    run_id = engine.post("/api/backtest", request(path))["id"]
    while not path.with_name(path.name + ".reached").exists():
        assert engine.get(f"/api/backtest/{run_id}")["status"] in ("queued", "running")
    cancelled = engine.post(f"/api/backtest/{run_id}/cancel")
    assert cancelled["status"] == "cancelled"
    assert cancelled["error"]["code"] == "strategy_unresponsive"
    assert path.read_text().splitlines()[cancelled["error"]["location"]["line"] - 1].strip() in (
        "while True:",
        "pass",
    )
    again = engine.call("POST", f"/api/backtest/{run_id}/cancel")
    assert (again.status, again.json["code"]) == (409, "run_already_ended")


def test_a_run_that_goes_on_can_be_cancelled(engine: LiveEngine, workspace: Path) -> None:
    run_id = engine.post("/api/backtest", request(write(workspace, "slow", strategy(SLOW))))["id"]
    with engine.socket(f"/ws/backtest/{run_id}") as socket:
        while '"phase":"running"' not in str(socket.recv(timeout=30)):
            pass
        assert engine.post(f"/api/backtest/{run_id}/cancel")["status"] == "cancelled"
    assert engine.call("GET", f"/api/backtest/{run_id}/series/equity").json["code"] == "run_not_finished"


def test_a_killed_worker_costs_its_own_run(engine: LiveEngine, workspace: Path) -> None:
    run_id = engine.post("/api/backtest", request(write(workspace, "killed", strategy(SLOW))))["id"]
    with engine.socket(f"/ws/backtest/{run_id}") as socket:
        while '"phase":"running"' not in str(socket.recv(timeout=30)):
            pass
        (worker,) = [child for child in engine.get("/api/engine")["children"] if child["role"] == "work"]
        os.kill(worker["pid"], signal.SIGKILL)
    run = engine.get(f"/api/backtest/{run_id}")
    while run["status"] == "running":
        run = engine.get(f"/api/backtest/{run_id}")
    assert (run["status"], run["error"]["code"]) == ("failed", "worker_died")
    assert "SIGKILL" in run["error"]["message"]
    assert finish(engine, request(EMA_CROSS))["status"] == "finished"


def test_nothing_half_written_remains(engine: LiveEngine) -> None:
    while engine.get("/api/engine")["runsRunning"]:
        pass
    assert not list((engine.home / "runs").glob("*.partial"))


def test_what_is_not_there(engine: LiveEngine) -> None:
    nobody = "run_00000000000000000000000000"
    for path in (f"/api/backtest/{nobody}", f"/api/backtest/{nobody}/series/equity", "/api/backtest/..%2f..%2fetc"):
        assert engine.call("GET", path).status == 404
    run = finish(engine, request(EMA_CROSS))
    reply = engine.call("GET", f"/api/backtest/{run['id']}/series/nothing")
    assert reply.json["code"] == "series_not_found"
    assert "equity" in reply.json["hint"]


def test_a_damaged_result_is_named(engine: LiveEngine) -> None:
    run = finish(engine, request(EMA_CROSS))
    folder = engine.home / "runs" / run["id"]
    (folder / "manifest.json").write_text("{")
    assert engine.call("GET", f"/api/backtest/{run['id']}/series/equity").json["code"] == "result_unreadable"
    shutil.rmtree(folder)
    reply = engine.call("GET", f"/api/backtest/{run['id']}")
    assert reply.json["code"] == "result_unreadable"
    assert engine.get("/api/backtest?limit=1")["runs"][0]["id"] == run["id"], "its entry stays"


# -- an engine that ends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["shutdown", "kill -9"])
def test_a_run_that_the_engine_leaves_behind_is_interrupted(tmp_path: Path, workspace: Path, way: str) -> None:
    slow = write(workspace, "left_behind", strategy(SLOW))
    with LiveEngine(tmp_path, trusted=[workspace]) as first:
        first.post("/api/data/sample")
        run_id = first.post("/api/backtest", request(slow))["id"]
        with first.socket(f"/ws/backtest/{run_id}") as socket:
            while '"phase":"running"' not in str(socket.recv(timeout=30)):
                pass
        (worker,) = [child for child in first.get("/api/engine")["children"] if child["role"] == "work"]
        if way == "kill -9":
            first.process.kill()
        else:
            refused = first.call("POST", "/api/shutdown", {"nonce": first.nonce})
            assert refused.json["code"] == "engine_busy"
            first.post("/api/shutdown", {"force": True})
        first.process.wait(20)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker['pid']}").exists() and time.monotonic() < deadline:
        pass
    assert not Path(f"/proc/{worker['pid']}").exists(), "a worker ends with its engine"
    with LiveEngine(tmp_path, trusted=[workspace]) as second:
        run = second.get(f"/api/backtest/{run_id}")
        assert (run["status"], run["error"]["code"]) == ("interrupted", "run_interrupted")
        assert not list((tmp_path / "runs").glob("run_*"))


def test_a_terminal_that_dies_takes_its_run_along(tmp_path: Path, workspace: Path) -> None:
    slow = write(workspace, "orphaned", strategy(SLOW))
    with LiveEngine(tmp_path, trusted=[workspace]) as live:
        live.post("/api/data/sample")
        terminal = live.hello(nonce="8" * 32)
        terminal.recv()
        reply = live.call("POST", "/api/backtest", request(slow), {"x-tino-client": "8" * 32})
        terminal.close()
        run_id = reply.json["id"]
        follow(live, run_id)
        assert live.get(f"/api/backtest/{run_id}")["status"] == "cancelled"


def test_a_full_disk_loses_the_run_and_nothing_else(tmp_path: Path, workspace: Path) -> None:
    """The runs folder is a file system of 200 KB of its own: a run's tables do not fit, the engine and its database do."""
    home = tmp_path / "home"
    (home / "runs").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from live_engine import LiveEngine; import json;"
        "home, workspace, path = map(Path, sys.argv[2:5]);\n"
        "with LiveEngine(home, trusted=[workspace]) as live:\n"
        "    live.post('/api/data/sample')\n"
        "    body = {'path': str(path), 'symbols': ['AAPL'], 'from': None, 'to': None}\n"
        "    run = live.post('/api/backtest', body)['id']\n"
        "    with live.socket(f'/ws/backtest/{run}') as socket:\n"
        "        list(socket)\n"
        "    ended = live.get(f'/api/backtest/{run}')\n"
        "    print(json.dumps([ended['status'], ended['error'], list(map(str, (home / 'runs').glob('run_*'))), live.get('/api/engine')['state']]))\n"
    )
    inner = f'mount -t tmpfs -o size=200k,mode=700 tmpfs "{home / "runs"}" && exec "$0" -c "$1" "$2" "$3" "$4" "$5"'
    done = subprocess.run(
        [
            "unshare",
            "-Urm",
            "sh",
            "-c",
            inner,
            sys.executable,
            code,
            str(ENGINE / "tests"),
            str(home),
            str(EMA_CROSS.parents[1]),
            str(EMA_CROSS),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, error, left, state = json.loads(done.stdout)
    assert (status, error["code"]) == ("failed", "disk_full")
    assert left == []
    assert state == "healthy"


# -- several of everything ---------------------------------------------------------------------------------------------

WEEKS = "AAPL.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL"


@pytest.mark.parametrize(
    ("changes", "labels", "bar_types"),
    [
        (
            {"symbols": ["AAPL.XNAS", "IBM.XNYS"], "perSymbol": True},
            {"Tested AAPL.XNAS": 1, "Tested IBM.XNYS": 1},
            ["AAPL.XNAS-1-DAY-LAST-EXTERNAL", "IBM.XNYS-1-DAY-LAST-EXTERNAL"],
        ),
        (
            {"others": [{"parameters": {"size": 2}}, {"symbols": ["IBM.XNYS"], "parameters": {"size": 3}}]},
            {"Tested AAPL.XNAS 1": 1, "Tested AAPL.XNAS 2": 2, "Tested IBM.XNYS": 3},
            ["AAPL.XNAS-1-DAY-LAST-EXTERNAL", "IBM.XNYS-1-DAY-LAST-EXTERNAL"],
        ),
        ({"symbols": [], "barTypes": [WEEKS], "warmUp": None}, {}, [WEEKS]),
    ],
)
def test_who_trades_on_what(
    engine: LiveEngine, workspace: Path, changes: dict[str, Any], labels: dict[str, int], bar_types: list[str]
) -> None:
    path = write(workspace, "several", strategy(BUY_ONCE))
    others = [{"path": str(path), **other} for other in changes.pop("others", [])]
    run = finish(engine, request(path, strategies=others, **changes))
    assert run["status"] == "finished", run["error"]
    assert run["barTypes"] == bar_types
    assert run["perSymbol"] == changes.get("perSymbol", False)
    found = {one["label"]: one for one in run["result"]["strategies"]}
    assert list(found) == list(labels)
    sizes = (
        dict(
            zip(
                *(table(engine, run["id"], "fills")[name].to_pylist() for name in ("strategy", "quantity")), strict=True
            )
        )
        if labels
        else {}
    )
    assert sizes == labels
    profit = sum(one["metrics"]["netProfit"] for one in found.values())
    assert not labels or profit == pytest.approx(run["result"]["metrics"]["netProfit"], abs=0.01)
    if not labels:
        # A year has 52 weeks of bars, and the third one is bought on.
        assert 50 <= table(engine, run["id"], "bars.0").num_rows <= 53
        assert table(engine, run["id"], "fills").num_rows == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"barTypes": ["AAPL.XNAS-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL"]}, "bar_type_unknown"),
        ({"barTypes": ["AAPL.XNAS-5-MINUTE-LAST-INTERNAL"]}, "bar_type_unknown"),
        ({"ticks": ["trades"]}, "bar_type_unknown"),
        ({"venue": {"margins": {"IBM.XNYS": "0.5"}}}, "request_invalid"),
        ({"strategies": [{"path": "HERE.missing"}]}, "strategy_file_not_found"),
        ({"strategies": [{"path": "UNTRUSTED"}]}, "workspace_untrusted"),
        ({"strategies": [{"path": "HERE", "symbols": ["NOPE"]}]}, "symbol_unknown"),
    ],
)
def test_what_is_not_stored_or_not_there(
    engine: LiveEngine, workspace: Path, changes: dict[str, Any], code: str
) -> None:
    path = write(workspace, "lacking", strategy(BUY_ONCE))
    untrusted = write(workspace.parent, "untrusted", strategy(BUY_ONCE))
    for other in changes.get("strategies", []):
        other["path"] = other["path"].replace("HERE", str(path)).replace("UNTRUSTED", str(untrusted))
    reply = engine.call("POST", "/api/backtest", request(path, **changes))
    assert reply.json["code"] == code
