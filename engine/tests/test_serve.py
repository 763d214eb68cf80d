"""Starting and ending a real engine: handshake, lock, run directory, graces, shutdown."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pysqlite3.dbapi2 as sqlite
import pytest

from live_engine import LiveEngine, bootstrap, spawn, write_client_lock
from tino_engine.contracts import PROTOCOL

if TYPE_CHECKING:
    from pathlib import Path


def finish(process: subprocess.Popen[str], seconds: float = 20) -> tuple[int, str]:
    _out, error = process.communicate(timeout=seconds)
    return process.returncode, error


def check_database(home: Path) -> None:
    """Assert that SQLite finds nothing wrong with it, as the last engine left it."""
    connection = sqlite.connect(home / "db" / "tino.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_ready_comes_first_and_health_only_when_all_answers(tmp_path: Path) -> None:
    process = spawn(tmp_path)
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready.startswith("READY ")
    assert not (tmp_path / "run" / "engine.pid").exists(), "nothing is announced before the bootstrap"
    process.kill()
    finish(process)


def test_a_healthy_engine_is_announced_privately_and_withdrawn(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as engine:
        info = json.loads((tmp_path / "run" / "engine.pid").read_text())
        assert (info["pid"], info["protocol"]) == (engine.process.pid, PROTOCOL)
        assert info["startId"]
        assert len(engine.token) == 64
        for path in (tmp_path / "run").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert engine.process.returncode == 0
    assert not (tmp_path / "run" / "engine.pid").exists()
    assert not (tmp_path / "run" / "engine.token").exists()
    assert (tmp_path / "run" / "engine.lock").exists(), "the lock file is never unlinked"


def test_only_one_lives_however_many_start(tmp_path: Path) -> None:
    with LiveEngine(tmp_path):
        others = [spawn(tmp_path) for _ in range(4)]
        assert [finish(other)[0] for other in others] == [75] * 4


def test_the_next_one_starts_after_a_kill_9(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as first:
        first.process.kill()
        first.process.wait()
        assert (tmp_path / "run" / "engine.pid").exists(), "a killed engine leaves its announcement"
        check_database(tmp_path)
    with LiveEngine(tmp_path) as second:
        assert json.loads((tmp_path / "run" / "engine.pid").read_text())["pid"] == second.process.pid


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json\n", "Invalid JSON"),
        ("{}\n", "Field required"),
        (json.dumps({"protocol": PROTOCOL + 1, "nonce": "NONCE", "version": "x"}) + "\n", "speaks protocol"),
        (json.dumps({"protocol": PROTOCOL, "nonce": "0" * 32, "version": "x"}) + "\n", "nonce"),
        (json.dumps({"protocol": PROTOCOL, "nonce": "NONCE", "version": "x", "logLevel": "loud"}) + "\n", "logLevel"),
    ],
)
def test_a_wrong_bootstrap_is_refused_and_leaves_nothing(tmp_path: Path, line: str, reason: str) -> None:
    process = spawn(tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    nonce = process.stdout.readline().split()[2]
    process.stdin.write(line.replace("NONCE", nonce))
    process.stdin.flush()
    status, error = finish(process)
    assert status == 5
    assert reason in error
    assert not (tmp_path / "run" / "engine.pid").exists()


def test_the_engine_ends_with_a_spawner_that_goes_before_the_bootstrap(tmp_path: Path) -> None:
    process = spawn(tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.stdin.close()
    assert process.wait(20) == 5
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()


def test_an_engine_that_hangs_while_it_starts_ends_by_itself(tmp_path: Path) -> None:
    """Its spawner may be dead, and while it lives it holds the lock."""
    code = (
        "import sys, time\n"
        "from tino_engine.supervision import handshake\n"
        "class Hanging:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tino_engine.engine': time.sleep(3600)\n"
        "sys.meta_path.insert(0, Hanging())\n"
        "handshake.PHASE_SECONDS = 1\n"
        "sys.exit(handshake.serve(0))\n"
    )
    process = spawn(tmp_path, program=["-c", code])
    bootstrap(process)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 1
    assert process.stdout is not None
    assert process.stderr is not None
    assert "handshake.py" in process.stderr.read(), "its stacks are there to be read"
    process.stdout.close()
    process.stderr.close()


def test_a_spawner_that_dies_after_the_bootstrap_takes_nothing_along(tmp_path: Path) -> None:
    process = spawn(tmp_path)
    bootstrap(process)
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    pid_file = tmp_path / "run" / "engine.pid"
    while not pid_file.exists():
        assert process.poll() is None, "it died with its pipes"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda run: run.mkdir(mode=0o755) or run.chmod(0o755), "others may use it"),
        (lambda run: run.symlink_to(run.parent), "symbolic link"),
        (lambda run: run.write_text(""), "not a directory"),
    ],
)
def test_a_run_directory_that_is_not_private_is_refused(tmp_path: Path, spoil: object, reason: str) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    spoil(home / "run")  # type: ignore[operator]
    status, error = finish(spawn(home))
    assert status == 6
    assert reason in error


def test_a_taken_port_is_an_error_of_its_own(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, error = finish(spawn(tmp_path, "--port", str(taken.getsockname()[1])))
    assert status == 5
    assert "Address already in use" in error


def test_nobody_left_means_the_end_after_the_grace(tmp_path: Path) -> None:
    with LiveEngine(tmp_path, {"terminalGraceMs": 0, "windowGraceMs": 0}) as engine:
        engine.stream.close()
        assert engine.process.wait(20) == 0
    assert "nobody uses it" in (tmp_path / "logs" / "engine.log").read_text()


def test_a_client_killed_with_9_does_not_keep_the_engine(tmp_path: Path) -> None:
    client = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    lock = write_client_lock(tmp_path, client.pid, "c" * 32)
    (tmp_path / "run").chmod(0o700)
    lock.parent.chmod(0o700)
    with LiveEngine(tmp_path, {"terminalGraceMs": 0, "windowGraceMs": 0}) as engine:
        engine.stream.close()
        assert {item["pid"] for item in engine.get("/api/engine")["clients"]} >= {client.pid}
        client.kill()
        client.wait()
        assert engine.process.wait(20) == 0
    assert not lock.exists()
    assert client.stdin is not None
    client.stdin.close()


def test_the_engine_ends_when_its_run_directory_is_replaced(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as engine:
        (tmp_path / "run").rename(tmp_path / "elsewhere")
        assert engine.process.wait(20) == 0


def test_a_start_that_fails_says_why_in_words(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir(mode=0o700)
    (tmp_path / "db" / "tino.db").write_text("not a database, but long enough to be looked at as one " * 40)
    process = spawn(tmp_path)
    bootstrap(process)
    assert process.stdout is not None
    (line,) = [line for line in process.stdout if line.startswith("ERROR ")]
    error = json.loads(line.removeprefix("ERROR "))
    assert (error["code"], process.wait(20)) == ("database_failed", 5)
    assert str(tmp_path) in error["message"]
    assert not (tmp_path / "run" / "engine.pid").exists()
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "SIGHUP", "request"])
def test_the_database_is_closed_on_every_path(tmp_path: Path, way: str) -> None:
    with LiveEngine(tmp_path) as engine:
        if way == "request":
            engine.post("/api/shutdown", {"force": True})
        else:
            engine.process.send_signal(getattr(signal, way))
        assert engine.process.wait(20) == 0
    assert not (tmp_path / "db" / "tino.db-wal").exists() or (tmp_path / "db" / "tino.db-wal").stat().st_size == 0
    with sqlite.connect(tmp_path / "db" / "tino.db") as connection:
        assert connection.execute("SELECT count(*) FROM events WHERE type = 'client.joined'").fetchone()[0] == 1
    connection.close()
    check_database(tmp_path)


def test_shutdown_is_refused_while_others_use_the_engine(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as engine:
        refused = engine.call("POST", "/api/shutdown", {"nonce": "d" * 32})
        assert refused.status == 409
        assert refused.json["code"] == "engine_busy"
        assert f"terminal {os.getpid()}" in refused.json["message"]
        assert engine.post("/api/shutdown", {"nonce": engine.nonce}) == {"state": "stopping"}
        assert engine.process.wait(20) == 0


def test_a_terminal_that_has_left_does_not_take_the_engine_from_a_window_that_reloads(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as engine:
        window = engine.hello(kind="vscode", nonce="e" * 32)
        window.recv()
        window.close()
        engine.stream.close()
        while engine.get("/api/engine")["clients"]:
            pass
        refused = engine.call("POST", "/api/shutdown", {"nonce": engine.nonce})
        assert (refused.status, refused.json["code"]) == (409, "engine_busy")
        assert "reloading" in refused.json["message"]
        assert engine.post("/api/shutdown", {"nonce": None}) == {"state": "stopping"}
        assert engine.process.wait(20) == 0


@pytest.mark.parametrize(("token", "status", "code"), [(None, 401, "unauthorized"), ("0" * 64, 403, "token_wrong")])
def test_shutdown_needs_the_token(tmp_path: Path, token: str | None, status: int, code: str) -> None:
    with LiveEngine(tmp_path) as engine:
        reply = engine.call("POST", "/api/shutdown", {"force": True}, token=token)
        assert (reply.status, reply.json["code"]) == (status, code)
        assert engine.get("/api/engine")["state"] == "healthy"


def test_an_announcement_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as engine:
        for name in ("engine.pid", "engine.token"):
            path = tmp_path / "run" / name
            before = path.read_text()
            path.unlink()
            while not path.exists():
                assert engine.process.poll() is None, "it died of that"
            assert path.read_text() == before
