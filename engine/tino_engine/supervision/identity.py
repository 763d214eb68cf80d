"""Which process is meant: a PID alone does not say.

PIDs are reused within seconds on a busy machine, and a zombie still answers `kill(pid, 0)`. A process is the one that
wrote a file only if the PID, its start and the boot agree and it is neither zombie nor dead. On Linux the start is the
raw tick count of `/proc/<pid>/stat` (epoch seconds drift when the clock is stepped), read after the *last* `)` because
a process may be named `a b) R 1`, and the boot includes the PID namespace, so that a container sharing the home is
recognised as foreign. Elsewhere psutil's creation time stands in.
"""

from __future__ import annotations

import enum
import os
import sys
from functools import cache
from pathlib import Path
from typing import Protocol


class Liveness(enum.Enum):
    """What can be said about a recorded process."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """Recorded on another boot id or PID namespace, so its PID means nothing here."""


class Processes(Protocol):
    """The process table, as far as supervision needs it; the seam that tests replace."""

    def start_id(self, pid: int) -> str | None:
        """Give what tells this process from others with its PID; None when there is none, or it is a zombie."""
        ...

    def boot_id(self) -> str | None:
        """Give the machine's boot and, on Linux, the PID namespace."""
        ...


class SystemProcesses:
    """The machine's process table."""

    def start_id(self, pid: int) -> str | None:
        """See `Processes`."""
        if sys.platform == "linux":
            return _linux_start(pid)
        return _portable_start(pid)

    def boot_id(self) -> str | None:
        """See `Processes`."""
        return _boot()


def look(processes: Processes, pid: int, start_id: str | None, boot_id: str | None) -> Liveness:
    """Say whether the recorded process is alive. A record without a start counts by its PID alone until hello binds it."""
    here = processes.boot_id()
    if boot_id is not None and here is not None and boot_id != here:
        # Another boot of this machine is over; another namespace of the same boot may be running.
        same_boot = boot_id.partition(":")[0] == here.partition(":")[0]
        return Liveness.UNKNOWN if same_boot else Liveness.DEAD
    found = processes.start_id(pid)
    if found is None or (start_id is not None and start_id != found):
        return Liveness.DEAD
    return Liveness.ALIVE


def _linux_start(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rfind(b")") + 2 :].split()
    if not fields or fields[0] in (b"Z", b"X", b"x"):
        return None
    return fields[19].decode()


def _portable_start(pid: int) -> str | None:
    import psutil  # noqa: PLC0415 - 10 ms that Linux does not need

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.2f}"
    except psutil.Error:
        return None


@cache
def _boot() -> str | None:
    if sys.platform == "linux":
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a magic link, not a path to resolve
        except OSError:
            return None
        return f"{boot}:{namespace}"
    import psutil  # noqa: PLC0415

    return f"{psutil.boot_time():.0f}"
