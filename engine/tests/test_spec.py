"""What a run ran: the copy of its code, its commit, and whether the files are still like that."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from live_engine import LiveEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.tmpdir import TempPathFactory

STRATEGY = """
from dataclasses import dataclass
from nautilus_trader.model import BarType, InstrumentId, OrderSide, Quantity
from nautilus_trader.trading import Strategy
from lib.sizing import SIZE

@dataclass(frozen=True)
class Config:
    instrument_id: InstrumentId
    bar_type: BarType
    every: int = 5

class Tested(Strategy):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.bars = 0

    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar):
        self.bars += 1
        if self.bars % self.config.every == 0:
            side = OrderSide.BUY if self.bars % (2 * self.config.every) else OrderSide.SELL
            self.submit_order(self.order_factory.market(self.config.instrument_id, side, Quantity.from_int(SIZE)))
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory, workspace: Path) -> Iterator[LiveEngine]:
    with LiveEngine(tmp_path_factory.mktemp("home"), trusted=[workspace]) as live:
        live.post("/api/data/sample")
        yield live


def write(folder: Path) -> Path:
    """Write a strategy that imports a file of its own."""
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "sizing.py").write_text("SIZE = 10\n")
    path = folder / "tested.py"
    path.write_text(STRATEGY)
    return path


def finish(engine: LiveEngine, path: Path, **changes: Any) -> dict[str, Any]:
    """Start a run, wait for its end, give it."""
    body = {"path": str(path), "symbols": ["AAPL.XNAS"], "from": "2010-01-01", "to": "2010-12-31", **changes}
    run_id = engine.post("/api/backtest", body)["id"]
    with engine.socket(f"/ws/backtest/{run_id}") as socket:
        list(socket)
    return engine.get(f"/api/backtest/{run_id}")


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_which_code_ran(engine: LiveEngine, workspace: Path) -> None:
    folder = workspace / "code"
    path = write(folder)
    first = finish(engine, path)
    assert first["status"] == "finished", first["error"]
    assert (first["code"]["commit"], first["code"]["dirty"], first["edited"]) == (None, None, False)

    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First")
    commit = git(folder, "rev-parse", "HEAD")
    committed = finish(engine, path, parameters={"every": 6})
    assert committed["code"] == {"hash": first["code"]["hash"], "commit": commit, "dirty": False}

    (folder / "lib" / "sizing.py").write_text("SIZE = 20\n")
    dirty = finish(engine, path)
    assert (dirty["code"]["commit"], dirty["code"]["dirty"], dirty["edited"]) == (commit, True, False)
    assert dirty["code"]["hash"] != first["code"]["hash"]

    listed = {run["id"]: run["edited"] for run in engine.get(f"/api/backtest?path={path}")["runs"]}
    assert listed == {first["id"]: True, committed["id"]: True, dirty["id"]: False}
    code = engine.get(f"/api/backtest/{first['id']}/code")
    assert [(file["name"], file["text"], file["edited"]) for file in code["files"]] == [
        ("tested.py", STRATEGY, False),
        ("lib/sizing.py", "SIZE = 10\n", True),
    ]
    assert code["files"][1]["path"] == str(folder / "lib" / "sizing.py")

    path.unlink()
    assert engine.get(f"/api/backtest/{dirty['id']}")["edited"] is True, "a file that is gone is not what ran"
    kept = engine.home / "runs" / "code"
    assert len(list((kept / "files").iterdir())) == 3, "each version of a file is kept once"
    (kept / "files" / first["codeHash"]).unlink()
    assert engine.call("GET", f"/api/backtest/{committed['id']}/code").json["code"] == "run_code_missing"
