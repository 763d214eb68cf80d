"""The engine's log: the agreed form, no secrets, rotation, a full disk."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from tino_engine import log
from tino_engine.contracts import LOG_FIELDS, LONGEST_LOG_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
CASES = json.loads((TESTS.parents[1] / "test" / "contracts" / "redaction.json").read_text())["cases"]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A log that the engine's loggers write to until the test is over."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    log.configure(tmp_path / "logs" / "engine.log", "debug")
    yield tmp_path / "logs" / "engine.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_secrets_are_redacted(case: dict[str, Any]) -> None:
    assert log.redact(case["given"]) == case["written"]


def test_a_record_has_the_agreed_fields_first(path: Path) -> None:
    log.get("trading").info("order_sent", port=4711, run_id="run_1", trader_id="t1", authorization="canary")
    (record,) = records(path)
    assert list(record) == [*LOG_FIELDS, "port", "authorization"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["ts"])
    expected = {"level": "info", "component": "trading", "event": "order_sent", "pid": os.getpid()}
    assert {key: record[key] for key in expected} == expected
    assert "canary" not in path.read_text()


def test_exceptions_and_libraries_are_redacted_and_named(path: Path) -> None:
    try:
        raise ValueError("Authorization: Bearer canary-in-an-exception")
    except ValueError:
        log.get("engine").exception("failed", reason=OSError("password=canary-in-an-object"))
    logging.getLogger("uvicorn.error").warning("sent %s", "sk-canary0123456789abcdef")
    first, second = records(path)
    assert (first["level"], first["event"]) == ("error", "failed")
    assert "ValueError" in first["exception"]
    assert (second["level"], second["component"], second["event"]) == ("warning", "uvicorn", "sent <redacted>")
    assert "canary" not in path.read_text()


def test_a_text_without_end_is_cut(path: Path) -> None:
    log.get("engine").info("long", text="x " * LONGEST_LOG_TEXT)
    assert len(records(path)[0]["text"]) < LONGEST_LOG_TEXT + 50


def test_five_files_are_kept_and_no_record_is_torn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger().handlers[0], "maxBytes", 5_000)
    logger = log.get("test")
    for index in range(400):
        logger.info("filling", index=index, text="y" * 20)
    names = ["engine.log", *(f"engine.log.{index}" for index in range(1, log.KEPT_FILES))]
    assert sorted(file.name for file in path.parent.iterdir()) == names
    assert all(file.stat().st_size <= 5_000 for file in path.parent.iterdir())
    kept = [record["index"] for name in reversed(names) for record in records(path.with_name(name))]
    assert kept == list(range(kept[0], 400))


def test_a_full_disk_costs_records_and_never_the_engine(tmp_path: Path) -> None:
    """The home is a file system of 4 MB of its own, filled to the last byte under a running engine, then emptied."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from live_engine import LiveEngine\n"
        "home = Path(sys.argv[2])\n"
        "with LiveEngine(home, options={'logLevel': 'debug'}) as live:\n"
        "    ballast = os.open(home / 'ballast', os.O_WRONLY | os.O_CREAT)\n"
        "    try:\n"
        "        while os.write(ballast, bytes(512)): pass\n"
        "    except OSError: pass\n"
        "    for _ in range(120):\n"
        "        live.hello(nonce=os.urandom(16).hex()).close()\n"
        "    assert live.get('/api/engine')['state'] == 'healthy', 'it lives on a full disk'\n"
        "    os.ftruncate(ballast, 0)\n"
        "    live.hello(nonce=os.urandom(16).hex()).close()\n"
        "    live.post('/api/shutdown', {'force': True})\n"
        "    live.process.wait(60)\n"
        "    assert live.process.returncode == 0, live.process.returncode\n"
        "print((home / 'logs' / 'engine.log').read_text())\n"
    )
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    mounted = f'mount -t tmpfs -o size=8m,mode=700 tmpfs "{home}" && exec "$0" -c "$1" "$2" "$3"'
    command = ["unshare", "-Urm", "sh", "-c", mounted, sys.executable, code, str(TESTS), str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    written = []
    torn = 0
    for line in filter(None, done.stdout.splitlines()):
        try:
            written.append(json.loads(line))
        except ValueError:
            torn += 1
    # More than one, when the database gave a page back in between.
    dropped = [record["count"] for record in written if record["event"] == "records_dropped"]
    assert dropped
    assert min(dropped) > 0
    assert torn <= sum(dropped), "only a record that was counted as missing may be cut through"
    assert "stopped" in [record["event"] for record in written]
