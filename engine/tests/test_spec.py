"""What a run ran, and what follows from knowing it: the copy of its code, the cache, what is not cacheable, reproducing, the workspace's packages."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from live_engine import LiveEngine
from runs import EXAMPLES, flat, run, store, walk
from runs import request as worker_request
from tino_engine.backtest.repetition import compare
from tino_engine.nautilus.backtest import Backtest

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


def request(path: Path, **changes: Any) -> dict[str, Any]:
    return {"path": str(path), "symbols": ["AAPL.XNAS"], "from": "2010-01-01", "to": "2010-12-31", **changes}


def finish(engine: LiveEngine, path: Path, **changes: Any) -> dict[str, Any]:
    """Start a run, wait for its end, give it."""
    return follow(engine, engine.post("/api/backtest", request(path, **changes)))


def reproduce(engine: LiveEngine, run: dict[str, Any]) -> dict[str, Any]:
    """Repeat a run, wait for its end, give the repetition."""
    return follow(engine, engine.post(f"/api/backtest/{run['id']}/reproduce"))


def follow(engine: LiveEngine, run: dict[str, Any]) -> dict[str, Any]:
    with engine.socket(f"/ws/backtest/{run['id']}") as socket:
        list(socket)
    return engine.get(f"/api/backtest/{run['id']}")


def files(engine: LiveEngine, run: dict[str, Any]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (engine.home / "runs" / run["id"]).iterdir()}


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


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_an_equal_spec_gives_the_stored_result(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace / "cached")
    first = finish(engine, path, parameters={"every": 4})
    assert (first["status"], first["cachedFrom"], first["effects"]) == ("finished", None, [])
    again = engine.post("/api/backtest", request(path, parameters={"every": 4}))
    assert (again["status"], again["cachedFrom"], again["specHash"]) == ("finished", first["id"], first["specHash"])
    assert again["metrics"] == first["metrics"]
    stored = engine.get(f"/api/backtest/{again['id']}")
    assert (stored["result"], stored["spec"]) == (first["result"], first["spec"])
    assert files(engine, again) == files(engine, first)
    # Nothing of the spec is a path: the same code elsewhere is the same run.
    moved = finish(engine, write(workspace / "moved"), parameters={"every": 4})
    assert moved["cachedFrom"] == first["id"]
    assert finish(engine, path, parameters={"every": 4}, cache=False)["cachedFrom"] is None

    others: list[dict[str, Any]] = [
        {"parameters": {"every": 3}},
        {"from": "2010-01-02"},
        {"adjustment": "none"},
        {"venue": {"seed": 7}},
        {"symbols": ["MSFT.XNAS"]},
    ]
    hashes = {first["specHash"]}
    for changes in others:
        other = finish(engine, path, **{"parameters": {"every": 4}, **changes})
        assert (other["status"], other["cachedFrom"]) == ("finished", None)
        hashes.add(other["specHash"])
    assert len(hashes) == 1 + len(others)
    (path.parent / "lib" / "sizing.py").write_text("SIZE = 11\n")
    assert finish(engine, path, parameters={"every": 4})["cachedFrom"] is None


def test_a_stored_result_that_is_not_whole_is_not_given_again(engine: LiveEngine, workspace: Path) -> None:
    path = write(workspace / "damaged")
    first = finish(engine, path, parameters={"every": 7})
    (engine.home / "runs" / first["id"] / "equity.0.arrow").write_bytes(b"")
    second = finish(engine, path, parameters={"every": 7})
    assert second["cachedFrom"] is None
    assert finish(engine, path, parameters={"every": 7})["cachedFrom"] == second["id"]


TOUCHES = """
import datetime, logging, os, random, socket, subprocess, time
from pathlib import Path
import numpy as np
from zoneinfo import ZoneInfo
from lib import names
from nautilus_trader.trading import Strategy

class Tested(Strategy):
    def on_start(self):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "effects"),
    [
        ("random.random(), np.random.rand(), np.random.default_rng(seed=5), random.Random(1)", []),
        ("logging.warning('x'), ZoneInfo('Europe/Berlin'), Path(names.__file__).read_text(), time.gmtime(0)", []),
        ("import pandas as pd, pyarrow.parquet; pd.DataFrame({'a': [1]}).describe()", []),
        ("names.now(), self.clock.utc_now()", []),
        ("random.Random(), np.random.default_rng()", ["random", "random"]),
        ("os.urandom(3)", ["random"]),
        ("time.time(), datetime.datetime.now(), datetime.date.today()", ["clock", "clock", "clock"]),
        ("read = time.perf_counter; read()", ["clock"]),
        ("import pandas as pd; pd.Timestamp.now()", ["clock"]),
        ("Path('/etc/hostname').read_text()", ["file"]),
        ("import pandas as pd; pd.read_csv('/etc/hostname')", ["file"]),
        ("import pyarrow.csv; pyarrow.csv.read_csv('/etc/hostname')", ["file"]),
        ("os.listdir('/etc')", ["file"]),
        ("__import__('importlib').import_module('lib.hidden')", ["file"]),
        ("with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one: one.connect(('127.0.0.1', 9))", ["network"]),
        ("subprocess.run(['true'])", ["process"]),
    ],
)
def test_what_code_touches_is_noticed(tmp_path: Path, body: str, effects: list[str]) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "names.py").write_text("def now():\n    return 0\n")
    (tmp_path / "lib" / "hidden.py").write_text("X = 1\n")
    path = tmp_path / "touches.py"
    path.write_text(TOUCHES.format(body=body))
    data = [store(tmp_path / "catalog", flat([100] * 5))]
    copies = {str(file): str(file) for file in (path, tmp_path / "lib" / "names.py")}
    params = worker_request(tmp_path / "run", path, data) | {"copies": copies}
    found = Backtest(params, lambda _: None).execute()["effects"]
    assert [effect["kind"] for effect in found] == effects, found
    assert {(effect["path"], effect["line"]) for effect in found} <= {(str(path), 11)}


def test_a_run_that_touches_more_than_its_data_is_repeated(engine: LiveEngine, workspace: Path) -> None:
    path = workspace / "touches.py"
    (workspace / "lib").mkdir()
    (workspace / "lib" / "names.py").write_text("")
    path.write_text(TOUCHES.format(body="time.time()"))
    first = finish(engine, path)
    assert [(effect["kind"], effect["what"], effect["line"]) for effect in first["effects"]] == [
        ("clock", "time.time", 11)
    ]
    assert finish(engine, path)["cachedFrom"] is None


# -- reproducing -------------------------------------------------------------------------------------------------------

SLOWLY = STRATEGY.replace(
    "        self.bars += 1\n", "        self.bars += 1\n        import time\n        time.sleep(0.02)\n"
)


def test_a_run_is_reproduced_after_everything_was_killed(tmp_path: Path) -> None:
    """Also when the workspace is not there any more: what ran is what is run again."""
    folder = tmp_path / "workspace"
    path = write(folder)
    path.write_text(SLOWLY)
    with LiveEngine(tmp_path / "home", trusted=[folder]) as first:
        first.post("/api/data/sample")
        run = finish(first, path, venue={"slippageProbability": 0.5})
        before = files(first, run)
        assert run["effects"] == []
        path.write_text("the file is another one now")
        queued = first.post(f"/api/backtest/{run['id']}/reproduce")
        with first.socket(f"/ws/backtest/{queued['id']}") as socket:
            while '"phase":"running"' not in str(socket.recv(timeout=60)):
                pass
            (worker,) = [child for child in first.get("/api/engine")["children"] if child["role"] == "work"]
            os.kill(worker["pid"], signal.SIGKILL)
            list(socket)
        died = first.get(f"/api/backtest/{queued['id']}")
        assert (died["error"]["code"], died["reproduction"]) == ("worker_died", None)
        first.post(f"/api/backtest/{run['id']}/reproduce")
        first.process.kill()
        first.process.wait(20)
    shutil.rmtree(folder)
    with LiveEngine(tmp_path / "home", trusted=[folder]) as second:
        repeated = reproduce(second, run)
        assert repeated["status"] == "finished", repeated["error"]
        outcome = repeated["reproduction"]
        assert (outcome["of"], outcome["equal"], outcome["difference"], outcome["changed"]) == (
            run["id"],
            True,
            None,
            [],
        )
        assert outcome["rows"] > 250
        after = files(second, repeated)
        assert {name for name in before if before[name] != after[name]} <= {"result.json"}
        assert repeated["specHash"] == run["specHash"]


def test_where_a_repetition_differs_is_said(engine: LiveEngine, workspace: Path) -> None:
    source = STRATEGY.replace("Quantity.from_int(SIZE)", "Quantity.from_int(SIZE + ord(os.urandom(1)) % 200)")
    path = write(workspace / "random")
    path.write_text("import os\n" + source)
    run = finish(engine, path)
    outcome = reproduce(engine, run)["reproduction"]
    assert outcome["equal"] is False
    assert outcome["difference"]["table"] in ("metrics", "orders")
    assert outcome["difference"]["stored"] != outcome["difference"]["repeated"]
    nobody = engine.call("POST", "/api/backtest/run_00000000000000000000000000/reproduce")
    assert nobody.json["code"] == "run_not_found"


def test_the_first_difference_is_found_in_its_row(tmp_path: Path) -> None:
    data = [store(tmp_path / "catalog", walk(600, 1, 0.01))]
    folders = []
    for name in ("stored", "repeated"):
        finished = run(worker_request(tmp_path / name, EXAMPLES / "ema_cross.py", data))
        (finished.folder / "result.json").write_bytes(finished.result.to_json())
        folders.append(finished.folder)
    result = json.loads((folders[0] / "result.json").read_bytes())
    same = compare(folders[0], folders[1], result, "run")
    assert same["difference"] is None
    fills = finished.arrow("fills")
    prices = fills["price"].to_pylist()
    prices[2] = math.nextafter(prices[2], 0)
    changed = fills.set_column(fills.schema.get_field_index("price"), "price", pa.array(prices))
    beside = tmp_path / "fills.arrow"
    with pa.ipc.new_stream(str(beside), changed.schema) as stream:
        stream.write_table(changed)
    beside.replace(folders[1] / "fills.0.arrow")
    other = compare(folders[0], folders[1], result, "run")
    assert (other["difference"]["table"], other["difference"]["column"], other["difference"]["row"]) == (
        "fills",
        "price",
        2,
    )
    assert other["hash"] != same["hash"]
    result["metrics"]["sharpe"] = 99.0
    first = compare(folders[0], folders[1], result, "run")["difference"]
    assert (first["table"], first["column"], first["repeated"]) == ("metrics", "sharpe", "99.0")


# -- packages ----------------------------------------------------------------------------------------------------------


def write_wheel(folder: Path, name: str, version: str, source: str, requires: str = "") -> None:
    """Write a wheel: an archive with a module and three files about it."""
    folder.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", source)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")


def test_a_workspace_brings_its_own_packages(engine: LiveEngine, workspace: Path) -> None:
    folder = workspace / "packages"
    path = write(folder / "strategies")
    path.write_text(
        "from sizes import SIZE as WANTED\nimport pandas\n" + STRATEGY.replace("from_int(SIZE)", "from_int(WANTED)")
    )
    write_wheel(
        folder / "wheels", "sizes", "1.0", "from inner import SIZE\n", "Requires-Dist: inner\nRequires-Dist: numpy>=2\n"
    )
    write_wheel(folder / "wheels", "inner", "1.0", "SIZE = 7\n")
    write_wheel(folder / "wheels", "numpy", "1.0", "")
    requirements = folder / "requirements.txt"

    requirements.write_text("# nothing\n")
    missing = finish(engine, path)
    assert missing["error"]["code"] == "strategy_import_failed"

    requirements.write_text("--no-index\n--find-links ./wheels\nsizes\npandas\n")
    run = finish(engine, path)
    assert run["status"] == "finished", run["error"]
    assert (run["result"]["versions"]["sizes"], run["result"]["versions"]["inner"]) == ("1.0", "1.0")
    assert "pandas" not in run["result"]["versions"], "what the engine has is not installed again"
    assert run["effects"] == []
    assert finish(engine, path)["cachedFrom"] == run["id"]
    environments = engine.home / "environments"
    assert [place.name for place in environments.iterdir()] == [run["spec"]["requirements"]]

    # With the wheels gone, what was installed is still there.
    write_wheel(folder / "wheels", "inner", "2.0", "SIZE = 8\n")
    assert reproduce(engine, run)["reproduction"]["equal"] is True

    requirements.write_text("--no-index\n--find-links ./wheels\nnumpy<2\n")
    conflict = finish(engine, path)["error"]
    assert (conflict["code"], "numpy 1.0" in conflict["message"]) == ("requirements_conflict", True)
    requirements.write_text("--no-index\nno-such-package\n")
    failed = finish(engine, path)["error"]
    assert (failed["code"], "no-such-package was not found" in failed["message"]) == ("requirements_failed", True)
    assert len(list(environments.iterdir())) == 1, "nothing half-made remains"
