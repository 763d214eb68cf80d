"""Processes as Windows tells of them.

The start is the creation time that `GetProcessTimes` gives, through psutil: the kernel notes it once and does not move it.
Whole seconds, because a Node program gets it from `Get-Process` (`extension/supervisor/windows.ts`) and rounding must not
make two of one. There is no zombie, and no documented name of a boot: the creation time stands for it.
"""

from __future__ import annotations

import psutil


def start_id(pid: int) -> str | None:
    """See `identity.Processes`."""
    try:
        return str(int(psutil.Process(pid).create_time()))
    except psutil.Error:
        return None


def started_at_ms(pid: int) -> int | None:
    """See `identity.Processes`."""
    start = start_id(pid)
    return None if start is None else int(start) * 1000


def boot_id() -> None:
    """Give nothing, see above."""
