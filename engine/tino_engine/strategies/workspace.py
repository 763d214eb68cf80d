"""The strategies below the folders that the user trusts.

A window asks for them whenever it is shown, so a second look must cost little more than a walk: what was found in a file
is kept while the file, and every file that had a say in it, has the same modification time, size and inode. A file is
parsed only when its text mentions Strategy or NautilusTrader, or derives a class from one that was found elsewhere.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.contracts import StrategyList
from tino_engine.errors import TinoError
from tino_engine.strategies.discover import Found, find_in
from tino_engine.strategies.module import Module, read_source
from tino_engine.strategies.scope import MAX_SOURCE_BYTES, Key, Scope, is_inside, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tino_engine.contracts import ErrorBody, Strategy

logger = logging.getLogger("tino.strategies")

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env"})
"""Besides these: names that start with a dot, and every folder that holds a `pyvenv.cfg`."""

MAX_FOLDERS = 20_000
"""Where the walk ends, nearest folders first, should somebody trust a whole disk."""

_KEPT_SCANS = 8
_MENTION = re.compile(rb"\bStrategy\b|\bnautilus_trader\b")
_BASES = re.compile(rb"^class[ \t]+\w+[ \t]*\(([^)]*)\)", re.MULTILINE)
_NAME = re.compile(rb"\w+")


@dataclass(slots=True)
class _Entry:
    """What is known about one file. Its key comes from the walk and is compared with those of later walks only."""

    key: Key
    mentions: bool
    bases: frozenset[str]
    found: Found | None = None
    error: ErrorBody | None = None

    @property
    def names(self) -> set[str]:
        found = self.found
        return set() if found is None else {*found.bases, *(strategy.name for strategy in found.strategies)}

    def is_settled(self) -> bool:
        """Say whether the answer is there and would come out the same today."""
        if self.error is not None:
            return True
        return self.found is not None and all(key_of(path) == key for path, key in self.found.reads.items())


@dataclass(slots=True)
class _Scans:
    """The files seen below each folder, when it was last asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_folder: OrderedDict[tuple[str, tuple[str, ...]], dict[str, _Entry]] = field(default_factory=OrderedDict)


_scans = _Scans()


def list_strategies(folders: Iterable[str | Path], roots: Iterable[str | Path] | None = None) -> StrategyList:
    """Find every strategy below the folders, by path and line; `roots` are the trusted folders, when others.

    `problems` holds what kept a file that mentions Strategy from being read, and config fields that no run can fill. A
    folder that is not there holds nothing. Links inside the folders are not followed.
    """
    starts = _outermost(folders)
    trusted = tuple(map(str, starts if roots is None else roots))
    found: list[Found] = []
    problems: list[ErrorBody] = []
    with _scans.lock:
        for start in starts:
            for entry in _scan(start, trusted).values():
                if entry.error is not None:
                    problems.append(entry.error)
                elif entry.found is not None:
                    found.append(entry.found)
                    problems += [problem.error for problem in entry.found.all_problems if problem.blocking]
    ancestors = {ancestor for one in found for ancestor in one.ancestors}
    strategies = [
        strategy
        for one in found
        for strategy in one.strategies
        if strategy.name not in one.idle or (os.path.realpath(strategy.path), strategy.name) not in ancestors
    ]
    strategies.sort(key=lambda strategy: (strategy.path, strategy.line))
    problems.sort(key=lambda problem: (problem.location.path, problem.location.line) if problem.location else ("", 0))
    return StrategyList(strategies=strategies, problems=problems)


def get_strategy(path: str | Path, name: str | None = None, roots: Iterable[str | Path] = ()) -> Strategy:
    """Give one strategy of a file; the name may be left out when the file holds one only.

    Raises `strategy_file_not_found`, `strategy_file_unreadable`, `strategy_syntax_error`, `strategy_not_found`,
    `strategy_class_not_found`, `strategy_ambiguous`, and `parameter_unsupported` when a config field of the strategy can
    be given no value.
    """
    file = os.path.abspath(path)  # noqa: PTH100 - links stay as the user wrote them
    module = Module.parse(file, read_source(file))
    found = find_in(module, Scope(file, map(str, roots)))
    available = ", ".join(strategy.name for strategy in found.strategies)
    if not found.strategies:
        raise TinoError("strategy_not_found", path=file)
    if name is None and len(found.strategies) > 1:
        raise TinoError("strategy_ambiguous", path=file, available=available, field="name")
    for strategy in found.strategies:
        if name in (None, strategy.name):
            for problem in found.problems[strategy.name]:
                if problem.blocking:
                    raise TinoError.from_body(problem.error)
            return strategy
    raise TinoError("strategy_class_not_found", path=file, name=name, available=available, field="name")


def _outermost(folders: Iterable[str | Path]) -> list[str]:
    """Leave out folders that lie inside another one, or are another one by a different name."""
    real: dict[str, str] = {}
    for folder in folders:
        real.setdefault(os.path.realpath(folder), os.path.abspath(folder))  # noqa: PTH100
    return [name for path, name in real.items() if not any(other != path and is_inside(path, other) for other in real)]


def _scan(folder: str, roots: tuple[str, ...]) -> dict[str, _Entry]:
    place = (folder, roots)
    before = _scans.by_folder.pop(place, {})
    entries = {path: _current(before.get(path), path, key) for path, key in _walk(folder)}
    entries = {path: entry for path, entry in entries.items() if entry is not None}
    known: set[str] = set()
    pending = dict(entries)
    # A class may be derived from one that is found only now: go round until nothing new turns up.
    while batch := {path: entry for path, entry in pending.items() if entry.mentions or entry.bases & known}:
        for path, entry in batch.items():
            del pending[path]
            if not entry.is_settled():
                _look(path, entry, roots)
            known |= entry.names
    _scans.by_folder[place] = entries
    while len(_scans.by_folder) > _KEPT_SCANS:
        _scans.by_folder.popitem(last=False)
    for entry in pending.values():
        entry.found = entry.error = None
    return entries


def _current(entry: _Entry | None, path: str, key: Key) -> _Entry | None:
    """Give what is known if the file is still the same, else read its text for what it mentions."""
    if entry is not None and entry.key == key:
        return entry
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        # A permission can change without a trace in the modification time: this key never matches, so it is tried again.
        reason = (error.strerror or str(error)).lower()
        refusal = TinoError("strategy_file_unreadable", path=path, reason=reason)
        return _Entry((-1, -1, -1), mentions=True, bases=frozenset(), error=refusal.body)
    bases = frozenset(
        name.decode(errors="ignore") for match in _BASES.finditer(text) for name in _NAME.findall(match[1])
    )
    return _Entry(key, mentions=_MENTION.search(text) is not None, bases=bases)


def _look(path: str, entry: _Entry, roots: tuple[str, ...]) -> None:
    try:
        module = Module.parse(path, read_source(path))
        entry.found = find_in(module, Scope(path, roots))
    except TinoError as error:
        if error.code == "strategy_file_not_found":
            entry.found = Found()  # Deleted since the walk saw it.
        else:
            entry.error = error.body


def _walk(folder: str) -> Iterator[tuple[str, Key]]:
    """Give every Python file with its key, near ones first."""
    waiting = deque([folder])
    visited = 0
    while waiting:
        current = waiting.popleft()
        visited += 1
        if visited > MAX_FOLDERS:
            logger.warning(
                "%s holds more than %d folders; the strategies in the deepest are not listed", folder, MAX_FOLDERS
            )
            return
        try:
            with os.scandir(current) as listing:
                children = list(listing)
        except OSError as error:
            logger.info("%s is left out: %s", current, error)
            continue
        if any(child.name == "pyvenv.cfg" for child in children):
            continue
        for child in children:
            if child.name.startswith(".") or child.is_symlink():
                continue
            if child.is_dir(follow_symlinks=False):
                if child.name not in SKIPPED_FOLDERS:
                    waiting.append(child.path)
            elif child.name.endswith(".py") and child.is_file(follow_symlinks=False):
                status = child.stat(follow_symlinks=False)
                if status.st_size <= MAX_SOURCE_BYTES:
                    yield child.path, (status.st_mtime_ns, status.st_size, status.st_ino)
