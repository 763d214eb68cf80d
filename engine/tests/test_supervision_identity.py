"""What each platform says about a process. What only macOS can say is read here from bytes laid out as its headers do."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from tino_engine.supervision import identity_linux, identity_macos
from tino_engine.supervision.identity import Liveness, SystemProcesses, look

NAMES = [b"python", b"a b) R 1", b") Z (", b"((", b"tab\there"]


@pytest.mark.parametrize("name", NAMES)
def test_the_start_is_read_after_the_last_bracket(name: bytes) -> None:
    rest = b" ".join(str(number).encode() for number in range(4, 53))
    assert identity_linux.parse_stat(b"4711 (" + name + b") S " + rest) == "22"
    assert identity_linux.parse_stat(b"4711 (" + name + b") Z " + rest) is None


@pytest.mark.parametrize("stat", [b"", b"4711", b"4711 (x) S 1 2"])
def test_what_is_no_stat_line_names_no_start(stat: bytes) -> None:
    assert identity_linux.parse_stat(stat) is None


def bsd_info(*, pid: int, status: int, seconds: int) -> bytes:
    """Lay out `struct proc_bsdinfo` by hand: twelve words, two names, five words, nice, start."""
    words = struct.pack("=12I", 0, status, 0, pid, 1, *[501, 20] * 3, 0)
    return (
        words
        + b"python".ljust(16, b"\0")
        + bytes(32)
        + struct.pack("=5Ii", 9, pid, 0, 0, 0, 0)
        + struct.pack("=QQ", seconds, 250_000)
    )


@pytest.mark.parametrize(
    ("pid", "status", "start"),
    [(4711, 2, "1763737592"), (4711, 5, None), (4712, 2, None)],
    ids=["running", "zombie", "another process"],
)
def test_a_start_on_macos(pid: int, status: int, start: str | None) -> None:
    data = bsd_info(pid=pid, status=status, seconds=1_763_737_592)
    assert len(data) == 136, "what <sys/proc_info.h> makes of it"
    assert identity_macos.parse_bsd_info(data, 4711) == start


def test_this_process_is_found_and_stays_itself() -> None:
    processes = SystemProcesses()
    start = processes.start_id(os.getpid())
    assert start is not None
    assert look(processes, os.getpid(), start, processes.boot_id()) is Liveness.ALIVE
    assert look(processes, os.getpid(), f"{start}0", processes.boot_id()) is Liveness.DEAD
    assert processes.memory_bytes(os.getpid()) > 1_000_000


def test_a_zombie_is_dead_although_it_can_be_signalled() -> None:
    processes = SystemProcesses()
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    start = processes.start_id(child.pid)
    # Its output ends when it does; nobody has waited for it, so its PID stays.
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    os.kill(child.pid, 0)
    assert look(processes, child.pid, start, processes.boot_id()) is Liveness.DEAD
    child.wait()
    child.stdout.close()
    assert processes.memory_bytes(child.pid) == 0
