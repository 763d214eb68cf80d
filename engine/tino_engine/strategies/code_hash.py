"""What code a strategy consists of: its file and every local file it imports, with one hash over all of them.

Imports are followed below the trusted roots wherever they stand in a file, in functions too. What is imported by a
computed name, and data files that a strategy opens, are not seen here.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.errors import TinoError
from tino_engine.strategies.module import Module, read_source
from tino_engine.strategies.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_FILES = 2_000


@dataclass(frozen=True, slots=True)
class CodeHash:
    """SHA-256 in hex: `file` of the strategy's file, `code` over all `files`.

    `files` maps each file's path, relative to the strategy's folder and with `/`, to the hash of its bytes. So none of them
    depends on where the code lies, nor on which of the folders around it are trusted. `contents` are the bytes by their hash: the very
    ones that were hashed, whatever is written to the files meanwhile.
    """

    file: str
    code: str
    files: dict[str, str]
    contents: dict[str, bytes] = field(repr=False, compare=False)


def code_hash(path: str | Path, roots: Iterable[str] = ()) -> CodeHash:
    """Hash a strategy's code. Raises `strategy_file_not_found`, `strategy_file_unreadable`.

    A file with a syntax error counts with its bytes; what it imports is not followed.
    """
    start = os.path.realpath(path)
    scope = Scope(start, roots)
    contents: dict[str, bytes] = {}

    def take(file: str) -> str:
        content = _read(file)
        digest = hashlib.sha256(content).hexdigest()
        contents[digest] = content
        return digest

    hashes: dict[str, str] = {start: take(start)}
    waiting = deque([start])
    while waiting:
        current = waiting.popleft()
        for found in map(os.path.realpath, _imported_files(scope, current)):
            if found not in hashes and len(hashes) < MAX_FILES:
                hashes[found] = take(found)
                waiting.append(found)
    return _make(start, hashes, contents)


def join_code(parts: Sequence[tuple[str, CodeHash]]) -> CodeHash:
    """Give the code of several strategies as one, as that of the first; each comes with the path of its file."""
    start = os.path.realpath(parts[0][0])
    hashes: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    for path, code in parts:
        folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120
        hashes |= {os.path.normpath(os.path.join(folder, name)): digest for name, digest in code.files.items()}  # noqa: PTH118
        contents |= code.contents
    return _make(start, hashes, contents)


def _make(start: str, hashes: dict[str, str], contents: dict[str, bytes]) -> CodeHash:
    folder = os.path.dirname(start)  # noqa: PTH120
    files = {Path(os.path.relpath(file, folder)).as_posix(): digest for file, digest in sorted(hashes.items())}
    listing = "".join(f"{name}\0{digest}\n" for name, digest in sorted(files.items()))
    code = hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest()
    return CodeHash(hashes[start], code, files, contents)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise TinoError("strategy_file_not_found", path=path) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TinoError("strategy_file_unreadable", path=path, reason=reason) from error


def _imported_files(scope: Scope, path: str) -> Iterator[str]:
    try:
        module = Module.parse(path, read_source(path))
    except TinoError:
        return
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _chain(scope, module, alias.name, 0)
            case ast.ImportFrom(module=dotted, names=names, level=level):
                yield from _chain(scope, module, dotted or "", level)
                for alias in names:
                    inner = scope.find_file(module, f"{dotted or ''}.{alias.name}".lstrip("."), level)
                    if alias.name != "*" and inner is not None:
                        yield inner
            case _:
                pass


def _chain(scope: Scope, module: Module, dotted: str, level: int) -> Iterator[str]:
    """Give the files that importing `a.b.c` runs: those of `a`, `a.b` and `a.b.c`."""
    parts = dotted.split(".") if dotted else []
    for count in range(0 if level else 1, len(parts) + 1):
        found = scope.find_file(module, ".".join(parts[:count]), level)
        if found is not None:
            yield found
