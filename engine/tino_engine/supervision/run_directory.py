"""The run directory: private to the user, checked before anything in it is believed.

Another local user must be able neither to read the token nor to plant a file. So the directory is made 0700 and refused
when it is a link, belongs to somebody else or can be entered by others; files are 0600, written to a temporary name and
renamed, so that a reader never sees half of one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnsafeDirectoryError(Exception):
    """The directory is not the user's alone.

    Not a `TinoError`: this runs before the kernel lock, when nothing heavy may have been imported.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The run directory {path} is not private: {reason}.")
        self.path = path
        self.reason = reason


def ensure_private(directory: Path) -> None:
    """Make the directory and its missing parents, private; raise `UnsafeDirectoryError` when it is not ours alone."""
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise UnsafeDirectoryError(directory, "it is a symbolic link")
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeDirectoryError(directory, "it is not a directory")
    if hasattr(os, "geteuid"):
        if found.st_uid != os.geteuid():
            raise UnsafeDirectoryError(directory, "it belongs to another user")
        if found.st_mode & 0o077:
            raise UnsafeDirectoryError(directory, f"others may use it (mode {found.st_mode & 0o777:o})")


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, all at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
