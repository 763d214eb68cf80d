"""Copies of the code that ran, below `runs/code`, and whether the files are still like that.

    runs/code/files/<SHA-256>    the bytes of one file; the same file of a thousand runs is there once
    runs/code/<code hash>.json   {"files": {path relative to the strategy's folder: SHA-256}}

Both are named by what they hold, written beside and renamed into place: a copy that is there is whole, and two runs that store the same
one do no harm. A file is looked at again only when its modification time, size or inode is another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.contracts import CodeFile
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.strategies import CodeHash

if TYPE_CHECKING:
    from collections.abc import Mapping

type _Key = tuple[int, int, int]


class CodeStore:
    """The copies of one home. Every method may be called on any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[_Key, str]] = {}
        self._listing = lru_cache(maxsize=4096)(self._read_listing)

    def store(self, code: CodeHash) -> None:
        """Keep a copy of the files. Raises OSError."""
        files = self._folder / "files"
        files.mkdir(mode=0o700, parents=True, exist_ok=True)
        for digest, content in code.contents.items():
            _write(files / digest, content)
        _write(self._folder / f"{code.code}.json", json.dumps({"files": code.files}).encode())

    def files(self, code: str) -> Mapping[str, str]:
        """Give the hash of each file by its path relative to the strategy's folder. Raises OSError, ValueError."""
        return self._listing(code)

    def locate(self, code: str, path: str) -> dict[str, Path]:
        """Give where the copy of each file lies, by the absolute path that it had beside a strategy's file. Raises OSError, ValueError."""
        return {place: self._folder / "files" / digest for place, _, digest in self._placed(code, path)}

    def read(self, run_id: str, code: str, path: str) -> list[CodeFile]:
        """Give the files of a run, its strategy's own first; `run_code_missing` when their copy is gone or damaged."""
        try:
            found = [
                CodeFile(
                    name=name,
                    path=place,
                    text=self._content(digest).decode("utf-8-sig", errors="replace"),
                    edited=self._digest_now(place) != digest,
                )
                for place, name, digest in self._placed(code, path)
            ]
        except (OSError, ValueError) as error:
            raise TinoError("run_code_missing", id=run_id, reason="its copy is gone or damaged") from error
        own = os.path.realpath(path)
        return sorted(found, key=lambda file: (file.path != own, file.name))

    def load(self, run_id: str, code: str, path: str) -> CodeHash:
        """Give the code of a run as it was hashed; `run_code_missing` when its copy is gone or damaged."""
        try:
            files = dict(self.files(code))
            contents = {digest: self._content(digest) for digest in files.values()}
            return CodeHash(files[os.path.basename(os.path.realpath(path))], code, files, contents)  # noqa: PTH119
        except (OSError, ValueError, KeyError) as error:
            raise TinoError("run_code_missing", id=run_id, reason="its copy is gone or damaged") from error

    def is_edited(self, code: str, path: str) -> bool | None:
        """Say whether a file is another one now than the one that ran, or gone; None when no copy is there."""
        try:
            return any(self._digest_now(place) != digest for place, _, digest in self._placed(code, path))
        except (OSError, ValueError):
            return None

    def _placed(self, code: str, path: str) -> list[tuple[str, str, str]]:
        """Give absolute path, relative path and hash of each file."""
        folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120
        return [
            (os.path.normpath(os.path.join(folder, name)), name, digest)  # noqa: PTH118
            for name, digest in self.files(code).items()
        ]

    def _read_listing(self, code: str) -> Mapping[str, str]:
        return dict(json.loads((self._folder / f"{code}.json").read_bytes())["files"])

    def _content(self, digest: str) -> bytes:
        content = (self._folder / "files" / digest).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(digest)
        return content

    def _digest_now(self, path: str) -> str | None:
        try:
            status = os.stat(path)  # noqa: PTH116 - for every file of every run that is listed
            key = (status.st_mtime_ns, status.st_size, status.st_ino)
            with self._lock:
                known = self._known.get(path)
            if known is None or known[0] != key:
                known = (key, hashlib.sha256(Path(path).read_bytes()).hexdigest())
                with self._lock:
                    self._known[path] = known
        except (OSError, ValueError):
            return None
        return known[1]


def _write(file: Path, content: bytes) -> None:
    if file.exists():
        return
    beside = file.with_name(f"{file.name}.{new_id('new')}")
    beside.write_bytes(content)
    beside.replace(file)
