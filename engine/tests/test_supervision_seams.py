"""Supervision reads time and touches processes in two seams only, so that a test can put its own clock and process table there.

The rules are run over code that breaks them as well: a rule that cannot fail holds nothing.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tino_engine"
SUPERVISED = sorted(
    [
        *(PACKAGE / "supervision").glob("*.py"),
        *(PACKAGE / "api").glob("*.py"),
        PACKAGE / "engine.py",
        PACKAGE / "hub.py",
    ]
)
EVERYTHING = sorted(PACKAGE.rglob("*.py"))

TIME = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.sleep",
}
TIME |= {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now"}
PROCESSES = {
    "psutil",
    "ctypes",
    "subprocess",
    "multiprocessing",
    "os.fork",
    "os.forkpty",
    "os.waitpid",
    "os.posix_spawn",
}
SIGNALS = {"os.kill", "os.killpg", "os.abort", "signal.pidfd_send_signal", "signal.raise_signal"}

SEAMS = {
    "clock.py": TIME,
    "identity.py": {"psutil"},
    "identity_macos.py": {"ctypes"},
    "identity_windows.py": {"psutil"},
}
"""What each seam is for, and what it alone may use."""


def uses(tree: ast.Module, forbidden: set[str]) -> set[str]:
    """Find every forbidden name that the code reaches, by an attribute, an import or a name imported from a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} | {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & forbidden


@pytest.mark.parametrize("path", SUPERVISED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_time_and_processes_are_reached_through_the_seams(path: Path) -> None:
    allowed = SEAMS.get(path.name, set()) if path.parent.name == "supervision" else set()
    assert uses(ast.parse(path.read_text()), TIME | PROCESSES | SIGNALS) - allowed == set()


def test_nothing_but_a_child_of_its_own_is_signalled() -> None:
    signalling = {str(path.relative_to(PACKAGE)) for path in EVERYTHING if uses(ast.parse(path.read_text()), SIGNALS)}
    assert signalling <= {"workers/child.py"}


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.time()",
        "import time\nnow = time.monotonic",
        "from time import sleep",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now()",
        "import os\nos.kill(1, 9)",
        "from os import killpg",
        "import signal\nsignal.pidfd_send_signal(3, 9)",
        "import psutil",
        "def f():\n    from psutil import Process",
        "import subprocess",
        "import multiprocessing.pool",
        "import ctypes",
    ],
)
def test_each_rule_can_fail(code: str) -> None:
    assert uses(ast.parse(code), TIME | PROCESSES | SIGNALS)
