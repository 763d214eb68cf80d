"""Exactly one engine: a kernel lock, taken before anything else and held until the process is gone.

Files with PIDs cannot decide a race of two spawners (measured: overlapping engines in 59 of 60 rounds); the kernel can,
and it gives the lock back on every kind of death. The file is never unlinked, because a lock on an unlinked file
excludes nobody. But somebody may delete the whole run directory: then a new engine locks a new file while the old one is
still ending (`intact` tells it to). So a second file, beside the database, is locked as well: two engines never have the
database open. The descriptor is not inherited: children are spawned, never forked, since a forked child would keep the lock
of a dead engine.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class EngineLock:
    """The held lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._inode = os.fstat(descriptor).st_ino

    @classmethod
    def acquire(cls, path: Path) -> EngineLock | None:
        """Take the lock, or give None when another engine holds it. Raises `OSError` when the file is a link or another's."""
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0), 0o600
        )
        if _lock(descriptor):
            return cls(path, descriptor)
        os.close(descriptor)
        return None

    def intact(self) -> bool:
        """Say whether the file under the lock is still the one others would lock."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
