"""Processes as Linux tells of them.

The start is the raw tick count since boot, field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)): seconds since the epoch would
be computed from the boot time, which moves when the clock is stepped. The line is read after the *last* `)`, because a
process may be named `a b) R 1`.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_GONE = (b"Z", b"X", b"x")


def start_id(pid: int) -> str | None:
    """See `identity.Processes`."""
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
    except OSError:
        return None


def parse_stat(stat: bytes) -> str | None:
    """Give the start of the process that a `stat` line describes; None for a zombie, and for what is no such line."""
    fields = stat[stat.rfind(b")") + 2 :].split()
    if len(fields) < 20 or fields[0] in _GONE:
        return None
    return fields[19].decode()


def started_at_ms(_pid: int) -> None:
    """Give nothing: the kernel keeps no such time. Clients can read their start here, so nobody asks."""


@cache
def boot_id() -> str | None:
    """Give the boot (random(4)) and the inode of the PID namespace (pid_namespaces(7))."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a magic link, not a path to resolve
    except OSError:
        return None
    return f"{boot}:{namespace}"
