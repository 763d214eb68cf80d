"""What a name in a file stands for, followed through imports into other files below the trusted roots.

A worker imports a strategy with two kinds of folders on the module path: the one its top-level imports start from, which
is the file's own or, if that is a package, the one around the outermost package; and the trusted roots that hold the
file. Names are followed along the same. A file outside the roots is never read, whatever a link or a relative import
says: opening a folder must not make tino look into others. Everything that is not found there is an outside name, known
by its dotted name only: `nautilus_trader.trading.Strategy`, `decimal.Decimal`.

What was looked at is remembered with its modification time, missing files included, so that an answer can be kept for
as long as it would come out the same.
"""

from __future__ import annotations

import ast
import builtins
import os
import stat
import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tino_engine.errors import TinoError
from tino_engine.strategies.module import Import, Module, parse_expression, read_source

if TYPE_CHECKING:
    from collections.abc import Iterable

type Key = tuple[int, int, int]
"""Modification time in nanoseconds, size, inode: when these are the same, so is the file."""

MAX_FILES = 64
"""Files that one question may read; a strategy's base classes are a handful."""
MAX_SOURCE_BYTES = 1_000_000
_OUTSIDE = sys.stdlib_module_names | {
    "nautilus_trader",
    "annotated_types",
    "pydantic",
    "msgspec",
    "attrs",
    "attr",
    "numpy",
    "pandas",
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or an assigned value, and the file it stands in."""

    module: Module
    name: str
    node: ast.ClassDef | ast.expr


@dataclass(frozen=True, slots=True)
class _Package:
    """A module named by `import`, not looked into yet."""

    importer: Module
    dotted: str
    level: int


type Meaning = Definition | str
"""A definition below the root, or the dotted name of something outside."""


def key_of(path: str) -> Key | None:
    """Identify the content of a regular file; None when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of calls: pathlib costs three times as much
    except (OSError, ValueError):
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def is_inside(path: str, folder: str) -> bool:
    """Say whether a resolved path lies below a resolved folder."""
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


class Sources:
    """The files parsed last, each kept while its file is unchanged. Shared by threads."""

    def __init__(self, kept: int = 128) -> None:
        self._kept = kept
        self._modules: OrderedDict[str, tuple[Key, Module | None]] = OrderedDict()

    def load(self, path: str, key: Key) -> Module | None:
        """Give the parsed file; None when it cannot be read or parsed, which whoever opens it is told."""
        held = self._modules.get(path)
        if held is not None and held[0] == key:
            return held[1]
        module = None
        if key[1] <= MAX_SOURCE_BYTES:
            try:
                module = Module.parse(path, read_source(path))
            except TinoError:
                module = None
        self._modules[path] = (key, module)
        while len(self._modules) > self._kept:
            self._modules.popitem(last=False)
        return module


SOURCES = Sources()


class Scope:
    """Follows names, starting from one file. `reads` holds every file looked for, with its key or None if missing."""

    def __init__(self, path: str, roots: Iterable[str] = (), sources: Sources = SOURCES) -> None:
        real = os.path.realpath(path)
        holding = [root for root in map(os.path.realpath, roots) if is_inside(real, root)]
        self.reads: dict[str, Key | None] = {}
        start = self._import_root(real)
        self._starts = list(dict.fromkeys([start, *holding]))
        self._bound = min(holding, key=len, default=start)
        self._sources = sources
        self._loaded: set[str] = set()
        self._following: set[tuple[str, str]] = set()

    def resolve(self, module: Module, expression: ast.expr) -> Meaning | None:
        """Say what a name or dotted name, possibly quoted, stands for; None when it is neither or cannot be told."""
        found = self._resolve(module, expression)
        if isinstance(found, _Package):
            return None if found.level else found.dotted
        return found

    def bases(self, module: Module, node: ast.ClassDef) -> list[Meaning | None]:
        """Say what the base classes of a class stand for; subscripts as in `Base[T]` are looked through."""
        return [self.resolve(module, base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]

    def find_file(self, importer: Module, dotted: str, level: int) -> str | None:
        """Find the file of a module below the roots: `a.b` as a/b/__init__.py or a/b.py."""
        if level:
            start = os.path.dirname(os.path.realpath(importer.path))  # noqa: PTH120
            for _ in range(level - 1):
                start = os.path.dirname(start)  # noqa: PTH120
            starts = [start]
        else:
            if dotted.partition(".")[0] in _OUTSIDE:
                return None
            starts = self._starts
        for start in starts:
            stem = os.path.join(start, *dotted.split(".")) if dotted else start  # noqa: PTH118
            # A package comes before a module of the same name, as in Python.
            candidates = [os.path.join(stem, "__init__.py"), *([stem + ".py"] if dotted else [])]  # noqa: PTH118
            for candidate in candidates:
                if self._exists(candidate):
                    return candidate
        return None

    def _exists(self, path: str) -> bool:
        return self._key(path) is not None and is_inside(os.path.realpath(path), self._bound)

    def _key(self, path: str) -> Key | None:
        if path not in self.reads:
            self.reads[path] = key_of(path)
        return self.reads[path]

    def _import_root(self, path: str) -> str:
        folder = os.path.dirname(path)  # noqa: PTH120
        while self._key(os.path.join(folder, "__init__.py")) is not None:  # noqa: PTH118
            above = os.path.dirname(folder)  # noqa: PTH120
            if above == folder:
                break
            folder = above
        return folder

    def _load(self, package: _Package) -> Module | None:
        path = self.find_file(package.importer, package.dotted, package.level)
        if path is None:
            return None
        if os.path.realpath(path) == os.path.realpath(package.importer.path):
            return package.importer
        key = self.reads[path]
        if key is None or (path not in self._loaded and len(self._loaded) == MAX_FILES):
            return None
        self._loaded.add(path)
        return self._sources.load(path, key)

    def _resolve(self, module: Module, expression: ast.expr) -> Meaning | _Package | None:
        match expression:
            case ast.Name(id=name):
                return self._lookup(module, name) or (f"builtins.{name}" if hasattr(builtins, name) else None)
            case ast.Constant(value=str() as text):
                quoted = parse_expression(text)
                return None if quoted is None or isinstance(quoted, ast.Constant) else self._resolve(module, quoted)
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self._resolve(module, value), name)
            case _:
                return None

    def _attribute(self, owner: Meaning | _Package | None, name: str) -> Meaning | _Package | None:
        match owner:
            case str():
                return f"{owner}.{name}"
            case Definition(module=module, node=ast.ClassDef(body=body)):
                inner = [node for node in body if isinstance(node, ast.ClassDef) and node.name == name]
                return Definition(module, f"{owner.name}.{name}", inner[-1]) if inner else None
            case _Package():
                return self._member(owner, name)
            case _:
                return None

    def _member(self, package: _Package, name: str) -> Meaning | _Package | None:
        inner = _Package(package.importer, f"{package.dotted}.{name}".lstrip("."), package.level)
        module = self._load(package)
        if module is None and not package.level:
            return inner  # Outside, or a folder without __init__.py; the next name tells.
        found = None if module is None else self._lookup(module, name)
        if found is None and self.find_file(inner.importer, inner.dotted, inner.level):
            return inner
        return found

    def _lookup(self, module: Module, name: str) -> Meaning | _Package | None:
        if (module.path, name) in self._following or len(self._following) > MAX_FILES:
            return None
        self._following.add((module.path, name))
        try:
            return self._find(module, name)
        finally:
            self._following.discard((module.path, name))

    def _find(self, module: Module, name: str) -> Meaning | _Package | None:
        if name in module.classes:
            return Definition(module, name, module.classes[name])
        if name in module.assignments:
            value = module.assignments[name]
            if isinstance(value, ast.Name | ast.Attribute) and (found := self._resolve(module, value)) is not None:
                return found
            return Definition(module, name, value)
        if name in module.imports:
            return self._follow(module, module.imports[name])
        for star in module.stars:
            package = _Package(module, star.module, star.level)
            if star.module.partition(".")[0] == "nautilus_trader" and not star.level:
                if not hasattr(builtins, name):
                    return f"{star.module}.{name}"
                continue
            source = None if name.startswith("_") else self._load(package)
            found = None if source is None else self._lookup(source, name)
            if found is not None:
                return found
        return None

    def _follow(self, module: Module, target: Import) -> Meaning | _Package | None:
        package = _Package(module, target.module, target.level)
        return package if target.name is None else self._member(package, target.name)
