"""Which process is meant: a PID alone does not say.

PIDs are reused within seconds on a busy machine, and a zombie still answers `kill(pid, 0)`. A process is the one that
wrote a file only if the PID, its start and the boot agree and it is neither zombie nor dead. Where these come from differs
by platform and is told in `identity_linux`, `identity_macos` and `identity_windows`; what they have in common is that none
moves when the clock is stepped. On Linux the boot includes the PID namespace, so that a container sharing the home is
recognised as foreign.

This is the seam of the process table: nothing else in the engine looks at processes or signals one, except `workers.child`
at its own children. `extension/supervisor/processIdentity.ts` is the twin of this file.
"""

from __future__ import annotations

import enum
import sys
from typing import Protocol


class Liveness(enum.Enum):
    """What can be said about a recorded process."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """Recorded in another PID namespace of this boot, so its PID means nothing here."""


class Processes(Protocol):
    """The process table, as far as supervision needs it; the seam that tests replace."""

    def start_id(self, pid: int) -> str | None:
        """Give what tells this process from others with its PID; None when there is none, or it is a zombie."""
        ...

    def started_at_ms(self, pid: int) -> int | None:
        """Give when the process began, in milliseconds since the epoch as the clock then was; None where that is not kept."""
        ...

    def boot_id(self) -> str | None:
        """Give the machine's boot and, on Linux, the PID namespace; None where there is nothing of the kind."""
        ...

    def memory_bytes(self, pid: int) -> int:
        """Give the resident memory of a process, 0 when it is gone."""
        ...


class SystemProcesses:
    """The machine's process table."""

    def __init__(self) -> None:
        # One of the three is loaded: each reaches for what the other platforms do not have.
        if sys.platform == "linux":
            from tino_engine.supervision import identity_linux as source  # noqa: PLC0415
        elif sys.platform == "darwin":
            from tino_engine.supervision import identity_macos as source  # noqa: PLC0415
        else:
            from tino_engine.supervision import identity_windows as source  # noqa: PLC0415
        self._source = source

    def start_id(self, pid: int) -> str | None:
        """See `Processes`."""
        return self._source.start_id(pid)

    def started_at_ms(self, pid: int) -> int | None:
        """See `Processes`."""
        return self._source.started_at_ms(pid)

    def boot_id(self) -> str | None:
        """See `Processes`."""
        return self._source.boot_id()

    def memory_bytes(self, pid: int) -> int:
        """See `Processes`."""
        import psutil  # noqa: PLC0415 - only when somebody asks

        try:
            return int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return 0


def look(processes: Processes, pid: int, start_id: str | None, boot_id: str | None) -> Liveness:
    """Say whether the recorded process is alive. A record without a start counts by its PID alone."""
    here = processes.boot_id()
    if boot_id is not None and here is not None and boot_id != here:
        # Another boot of this machine is over; another namespace of the same boot may be running.
        same_boot = boot_id.partition(":")[0] == here.partition(":")[0]
        return Liveness.UNKNOWN if same_boot else Liveness.DEAD
    found = processes.start_id(pid)
    if found is None or (start_id is not None and start_id != found):
        return Liveness.DEAD
    return Liveness.ALIVE
