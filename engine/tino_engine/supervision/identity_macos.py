"""Processes as macOS tells of them.

The start is what the kernel noted when the process was made: `pbi_start_tvsec` of `struct proc_bsdinfo` (XNU,
`bsd/sys/proc_info.h`), read by `proc_pidinfo(pid, PROC_PIDTBSDINFO, …)` of libproc. It never changes; psutil's
`create_time()` does, because it is corrected by how far the boot time has moved (psutil 7, `adjust_proc_create_time`).
Whole seconds, because that is what `ps -o lstart=` shows to a Node program (`extension/supervisor/macos.ts`).

The boot is `kern.bootsessionuuid` (XNU, `bsd/kern/kern_sysctl.c`), made once at boot; `kern.boottime` is moved when the
clock is set.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache

_PROC_PIDTBSDINFO = 3
_BSD_INFO = struct.Struct("=12I16s32s5Ii2Q")
"""flags status xstatus pid ppid uid gid ruid rgid svuid svgid rfu_1, comm, name, nfiles pgid pjobc e_tdev e_tpgid, nice,
start_tvsec start_tvusec."""
_ZOMBIE = 5
"""`SZOMB` of `bsd/sys/proc.h`."""


def start_id(pid: int) -> str | None:
    """See `identity.Processes`."""
    buffer = ctypes.create_string_buffer(_BSD_INFO.size)
    if _libc().proc_pidinfo(pid, _PROC_PIDTBSDINFO, ctypes.c_uint64(0), buffer, _BSD_INFO.size) != _BSD_INFO.size:
        return None
    return parse_bsd_info(buffer.raw, pid)


def parse_bsd_info(data: bytes, pid: int) -> str | None:
    """Give the start from a `proc_bsdinfo`; None for a zombie and for another process."""
    _flags, status, _xstatus, found, *_rest, seconds, _microseconds = _BSD_INFO.unpack(data)
    return None if status == _ZOMBIE or found != pid else str(seconds)


def started_at_ms(pid: int) -> int | None:
    """See `identity.Processes`."""
    start = start_id(pid)
    return None if start is None else int(start) * 1000


@cache
def boot_id() -> str | None:
    """See `identity.Processes`."""
    buffer = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(buffer))
    if _libc().sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return None
    return buffer.value.decode("ascii") or None


@cache
def _libc() -> ctypes.CDLL:
    # libproc's functions are part of libSystem, which every process has loaded.
    return ctypes.CDLL(None, use_errno=True)
