"""Which commit the code of a run belongs to, and whether it is as committed there.

What ran is compared, not what lies on the disk now: the hash that git gives a file is made of the bytes that were run. Line ends are taken
as git may have changed them on checkout. Asking takes two processes of git; none is started where no folder above holds a `.git`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.workers.child import scrub

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 5.0
"""Seconds git has; a repository on a slow disk must not hold up the end of a run."""

_SHA256_DIGITS = 64


async def find_commit(path: str, files: Mapping[str, bytes]) -> tuple[str | None, bool | None]:
    """Give the commit around a strategy's file and whether any of its files differs; None for both outside a repository.

    `files` are the bytes that ran by their paths relative to the strategy's folder.
    """
    folder = await asyncio.to_thread(_find_folder, path)
    if folder is None:
        return None, None
    top = await _git(folder, "rev-parse", "--verify", "--show-toplevel", "HEAD")
    if top is None:
        return None, None
    root, _, commit = top.decode(errors="surrogateescape").rstrip("\n").rpartition("\n")
    names = {_relative(folder / name, root): content for name, content in files.items()}
    inside = [name for name in names if not name.startswith("../")]
    listed = await _git(Path(root), "ls-tree", "-z", "HEAD", "--", *inside)
    if listed is None:
        return commit, None
    committed = {}
    for entry in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        attributes, _, name = entry.partition("\t")
        committed[name] = attributes.split()[-1]
    kind = "sha256" if len(commit) == _SHA256_DIGITS else "sha1"
    return commit, any(committed.get(name) not in _blob_ids(content, kind) for name, content in names.items())


def _find_folder(path: str) -> Path | None:
    """Give the folder of a strategy's file if one above it is a repository."""
    folder = Path(os.path.realpath(path)).parent
    return folder if any((above / ".git").exists() for above in (folder, *folder.parents)) else None


def _relative(path: Path, root: str) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _blob_ids(content: bytes, kind: str) -> set[str]:
    return {
        hashlib.new(kind, b"blob %d\0" % len(text) + text, usedforsecurity=False).hexdigest()
        for text in (content, content.replace(b"\r\n", b"\n"))
    }


async def _git(folder: Path, *arguments: str) -> bytes | None:
    """Give what git prints; None when it is not installed, refuses, or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "--no-optional-locks",
            "-C",
            str(folder),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=scrub(os.environ),
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return printed if process.returncode == 0 else None
