"""The worker as a process, spoken to over its pipe."""

from __future__ import annotations

import json
import os
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runs import EXAMPLES, MINUTE, STRATEGIES, Data, WorkerProcess, flat, request, store, walk
from tino_engine.contracts import BacktestResult, ErrorBody, RunProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def start() -> Iterator[Callable[[], WorkerProcess]]:
    """Start workers; none is left at the end."""
    started: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        started.append(WorkerProcess())
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
        worker.close()


@pytest.fixture
def worker(start: Callable[[], WorkerProcess]) -> WorkerProcess:
    return start()


@pytest.fixture
def data(tmp_path: Path) -> list[Data]:
    return [store(tmp_path / "catalog", walk(3000, 1, 0.01))]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def error_of(reply: dict[str, Any]) -> ErrorBody:
    return ErrorBody.model_validate(reply["error"])


def line_of(path: Path, mark: str) -> int:
    return next(number for number, text in enumerate(path.read_text().splitlines(), 1) if text.endswith(f"# {mark}"))


def test_a_run_from_request_to_result(tmp_path: Path, data: list[Data], worker: WorkerProcess) -> None:
    assert worker.versions["nautilus_trader"] == "2.0.0rc7"
    reply, events = worker.run(request(tmp_path / "run", EXAMPLES / "ema_cross.py", data))
    result = BacktestResult.model_validate(reply["result"])
    assert result.versions == worker.versions
    assert result.metrics.trades > 20
    assert 2 <= len(reply["result"]["sparkline"]) <= 60
    assert {event["event"] for event in events} == {"progress"}
    progress = [RunProgress.model_validate(event["params"]) for event in events]
    assert [step.phase for step in progress if step.phase != "running"] == ["preparing", "writing"]
    assert [step.bars_done for step in progress] == sorted(step.bars_done for step in progress)
    assert {step.bars_total for step in progress[1:]} == {3000}
    assert progress[-1].bars_done == 3000


def test_the_same_request_gives_the_same_bytes(
    tmp_path: Path, data: list[Data], start: Callable[[], WorkerProcess]
) -> None:
    """In two processes, and twice in one of them."""
    plan = {str(bar): [["limit", "BUY", 1, 99], ["market", "SELL", 2], ["close"]] for bar in range(0, 3000, 7)}
    requests: list[Any] = [
        (EXAMPLES / "ema_cross.py", {}),
        (EXAMPLES / "bollinger_reversion.py", {}),
        (STRATEGIES / "scripted.py", {"plan": json.dumps(plan)}),
        (STRATEGIES / "draws.py", {}),
    ]
    seen: list[list[Any]] = []
    for process in range(2):
        worker = start()
        for turn in range(2 - process):
            results = []
            for number, (path, parameters) in enumerate(requests):
                folder = tmp_path / f"{process}-{turn}-{number}"
                venue = {"slippageProbability": 0.3}
                reply, _ = worker.run(request(folder, path, data, parameters=parameters, venue=venue))
                result = reply["result"] | {"elapsedMs": 0}
                results.append((result, files(folder)))
            seen.append(results)
    assert seen[0] == seen[1] == seen[2]
    assert all(len(written) > 8 for _, written in seen[0])


def test_a_run_can_be_cancelled_between_two_bars(tmp_path: Path, data: list[Data], worker: WorkerProcess) -> None:
    worker.send(id=1, call="run", params=request(tmp_path / "run", STRATEGIES / "slow.py", data))
    while worker.receive()["params"]["barsDone"] == 0:
        pass
    worker.send(call="cancel", params={})
    reply, _ = worker.finish()
    assert error_of(reply).code == "run_cancelled"


def test_a_run_without_callbacks_can_be_cancelled(tmp_path: Path, worker: WorkerProcess) -> None:
    data = [store(tmp_path / "catalog", walk(200_000), step=MINUTE, unit="1-MINUTE")]
    worker.send(id=1, call="run", params=request(tmp_path / "run", STRATEGIES / "silent.py", data))
    while worker.receive()["params"]["phase"] != "running":
        pass
    worker.send(call="cancel", params={})
    reply, _ = worker.finish()
    assert error_of(reply).code == "run_cancelled"


def test_a_run_that_has_not_begun_can_be_cancelled(tmp_path: Path, data: list[Data], worker: WorkerProcess) -> None:
    worker.send(id=1, call="run", params=request(tmp_path / "a", STRATEGIES / "slow.py", data))
    worker.send(id=2, call="run", params=request(tmp_path / "b", STRATEGIES / "slow.py", data))
    worker.send(call="cancel", params={})
    for number in (1, 2):
        reply, _ = worker.finish(number)
        assert error_of(reply).code == "run_cancelled"


@pytest.mark.parametrize("where", ["init", "on_start", "on_bar"])
def test_where_a_strategy_hangs_is_said_before_it_is_killed(
    tmp_path: Path, data: list[Data], worker: WorkerProcess, where: str
) -> None:
    path, pipe = STRATEGIES / "loops.py", tmp_path / "pipe"
    os.mkfifo(pipe)
    parameters = {"where": where, "pipe": str(pipe)}
    worker.send(id=1, call="run", params=request(tmp_path / "run", path, data, parameters=parameters))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert select.select([reader], [], [], 60)[0] == [reader]
    os.close(reader)
    worker.send(call="cancel", params={})
    while (event := worker.receive())["event"] != "hanging":
        pass
    assert event["params"]["path"] == str(path)
    # The line of the loop's head or of its body, whichever it was at; on a busy machine, the one just before.
    assert event["params"]["line"] - line_of(path, "here") in (-1, 0, 1)
    worker.process.kill()
    assert worker.close()[0] == -signal.SIGKILL


def test_the_process_ends_with_the_pipe(tmp_path: Path, data: list[Data], worker: WorkerProcess) -> None:
    worker.send(id=1, call="run", params=request(tmp_path / "run", STRATEGIES / "loops.py", data))
    worker.receive()
    assert worker.close()[0] == 0


def test_nothing_that_is_printed_reaches_the_pipe(tmp_path: Path, data: list[Data], worker: WorkerProcess) -> None:
    reply, events = worker.run(request(tmp_path / "run", STRATEGIES / "noisy.py", data))
    assert "result" in reply
    assert {event["event"] for event in events} == {"progress"}
    status, printed = worker.close()
    assert (status, sorted(printed.split())) == (0, ["child", "original", "raw", "shell"])


def test_a_failed_strategy_leaves_its_traceback_and_last_words_in_the_log(
    tmp_path: Path, data: list[Data], worker: WorkerProcess
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from nautilus_trader.trading import Strategy\n\nclass Mine(Strategy):\n    def on_start(self):\n"
        "        print('nearly')\n        self.log.info('there')\n        raise ValueError('no')\n"
    )
    reply, _ = worker.run(request(tmp_path / "run", path, data))
    error = error_of(reply)
    assert (error.code, error.message) == ("strategy_failed", "Mine.on_start raised ValueError: no.")
    assert error.location is not None
    assert error.location.line == 7
    # The process is as good as new.
    reply, _ = worker.run(request(tmp_path / "again", STRATEGIES / "silent.py", data), 2)
    assert "result" in reply
    _, printed = worker.close()
    assert "PRINT nearly\nINFO there\nTraceback (most recent call last)" in printed
    assert "ValueError: no" in printed


@pytest.mark.parametrize("name", ["bars.0.0.arrow", "equity.0.arrow", "orders.0.arrow", "log.0.arrow", "manifest.json"])
def test_a_full_disk_ends_the_run_in_words(tmp_path: Path, data: list[Data], worker: WorkerProcess, name: str) -> None:
    params = request(tmp_path / "run", EXAMPLES / "ema_cross.py", data)
    (tmp_path / "run" / name).symlink_to("/dev/full")
    reply, _ = worker.run(params)
    assert error_of(reply).code == "disk_full"


def test_a_request_that_cannot_be_understood(tmp_path: Path, worker: WorkerProcess) -> None:
    reply, _ = worker.run({"runId": "x", "folder": str(tmp_path)})
    error = error_of(reply)
    assert error.code == "internal"
    _, printed = worker.close()
    reference = error.message.partition("(")[2].partition(")")[0]
    assert reference.startswith("err_")
    assert f"{reference} Traceback" in printed


def test_a_spare_has_everything_imported_but_pandas(worker: WorkerProcess) -> None:
    loaded = Path(f"/proc/{worker.process.pid}/maps").read_text()
    assert all(name in loaded for name in ("_libnautilus", "numpy", "pyarrow"))
    assert "pandas" not in loaded


def test_a_strategy_that_ends_the_process(tmp_path: Path, worker: WorkerProcess) -> None:
    data = [store(tmp_path / "catalog", flat([100] * 5))]
    path = tmp_path / "mine.py"
    path.write_text(
        "import os\nfrom nautilus_trader.trading import Strategy\n\nclass Mine(Strategy):\n    pass\n\nos._exit(9)\n"
    )
    worker.send(id=1, call="run", params=request(tmp_path / "run", path, data))
    assert worker.process.wait(timeout=60) == 9
