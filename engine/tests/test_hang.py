"""An event loop that hangs: the stacks it leaves, the end it makes when nobody else does, and what must not look like it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from tests.stubs import FakeClock
from tino_engine import log
from tino_engine.supervision.hang import END_SECONDS, EXIT_HUNG, HANG_SECONDS, HangWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEFT = "engine-stacks.log"


class Hanging:
    """A watch whose time stands still, and what it left and ended."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.ends: list[int] = []
        self.file = folder / LEFT
        self.watch = HangWatch(self.file, self.clock, end=self.ends.append)

    def look(self, times: int, seconds: float = 1) -> str:
        for _ in range(times):
            self.clock.pass_(seconds)
            self.watch.look()
        return self.file.read_text()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Hanging]:
    made = Hanging(tmp_path)
    yield made
    made.watch.close()


def test_stacks_are_left_once_and_told_when_the_loop_goes_on(hanging: Hanging, tmp_path: Path) -> None:
    log.configure(tmp_path / "engine.log", "info")
    held = threading.Event()

    def wait_for_ever() -> None:
        held.wait()

    thread = threading.Thread(target=wait_for_ever, name="the one that waits")
    thread.start()
    try:
        assert hanging.look(HANG_SECONDS - 1) == ""
        left = hanging.look(1)
        assert "[the one that waits] (most recent call first):\n" in left
        assert f'File "{__file__}", line' in left
        assert "wait_for_ever\n" in left
        assert hanging.look(5) == left
        hanging.watch.tick()
        assert hanging.file.read_text() == ""
        assert "wait_for_ever" in (tmp_path / "engine.log").read_text()
        assert hanging.look(HANG_SECONDS) == ""
        assert "wait_for_ever" in hanging.look(1)
    finally:
        held.set()
        thread.join()
    assert hanging.ends == []


def test_a_loop_that_ticks_and_a_machine_that_slept_leave_nothing(hanging: Hanging) -> None:
    for _ in range(3 * END_SECONDS):
        hanging.watch.tick()
        assert hanging.look(1) == ""
    assert hanging.look(3, seconds=86_400) == ""
    assert hanging.ends == []


def test_one_that_nobody_ends_ends_itself(hanging: Hanging) -> None:
    hanging.look(END_SECONDS - 1)
    assert hanging.ends == []
    assert "ended itself" in hanging.look(1)
    assert hanging.ends == [EXIT_HUNG]


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with a watch, ended at the latest by a timer that stands for a client's signal."""
    head = f"""
        import ctypes, faulthandler, pathlib, time
        from tino_engine.supervision.clock import SystemClock
        from tino_engine.supervision.hang import HangWatch
        file = pathlib.Path({str(folder / LEFT)!r})
        keep_the_lock = lambda seconds: ctypes.PyDLL(None).sleep(seconds)
    """
    code = textwrap.dedent(head) + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def test_the_stacks_are_left_while_a_library_keeps_the_interpreters_lock(tmp_path: Path) -> None:
    program = """
        watch = HangWatch(file, SystemClock(), locked_seconds=2)
        watch.start()
        keep_the_lock(6)
        assert "<module>" in file.read_text(), file.read_text()
        watch.close()
    """
    done = run(program, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_timer_of_the_end_is_not_the_watchs_to_move(tmp_path: Path) -> None:
    program = """
        watch = HangWatch(file, SystemClock(), locked_seconds=600)
        watch.start()
        watch.close()
        faulthandler.dump_traceback_later(3, exit=True)
        watch.look()
        time.sleep(100)
    """
    done = run(program, tmp_path)
    assert done.returncode == 1
    assert "Timeout (0:00:03)!" in done.stderr
