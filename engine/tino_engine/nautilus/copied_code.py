"""Importing the user's files from the copies that a run's spec names, under the names and paths that they have in the workspace.

What is hashed is what runs: a file that is saved while a run starts changes nothing, and a run can be repeated when the workspace has moved on
or is gone. A traceback shows the lines that ran, because they are put where Python looks for lines before it opens a file. A
module that is not among the copies, because its name is computed, is imported from the disk as ever.
"""

from __future__ import annotations

import importlib.util
import linecache
import os
import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import CodeType, ModuleType


class CopiedCode(MetaPathFinder):
    """The copies, by the absolute path of the file that each is one of; `on_code` gets every module's code before it runs."""

    def __init__(self, copies: Mapping[str, str], on_code: Callable[[CodeType], None] = lambda _: None) -> None:
        self._copies = copies
        self._on_code = on_code
        self._folders = {str(folder) for path in copies for folder in Path(path).parents}
        self._shown: set[str] = set()

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Serve imports meanwhile, before anything else does."""
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
            for path in self._shown:
                linecache.cache.pop(path, None)

    def holds(self, path: Path) -> bool:
        """Say whether a file is there, as a copy or on the disk."""
        return os.path.realpath(path) in self._copies or path.is_file()

    def spec_of(self, name: str, path: Path, *, package: bool = False) -> ModuleSpec | None:
        """Give how the module of a file is made; None when it is not a Python file."""
        copy = self._copies.get(os.path.realpath(path))
        folders = [str(path.parent)] if package else None
        if copy is None:
            return importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
        loader = _CopyLoader(str(path), Path(copy), self._take)
        return importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=folders)

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for entry in sys.path if path is None else path:
            if os.path.realpath(entry) not in self._folders:
                continue
            stem = Path(entry, fullname.rpartition(".")[2])
            for file in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
                if os.path.realpath(file) in self._copies:
                    return self.spec_of(fullname, file, package=file.parent == stem)
            if os.path.realpath(stem) in self._folders and not stem.is_dir():
                # A folder without `__init__.py` that is not there any more; one that is, Python finds itself.
                spec = ModuleSpec(fullname, None, is_package=True)
                spec.submodule_search_locations = [str(stem)]
                return spec
        return None

    def _take(self, path: str, code: CodeType, source: str) -> None:
        self._shown.add(path)
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        self._on_code(code)


class _CopyLoader(SourceLoader):
    """Reads a module's source from a copy. It gives no modification time, so that no bytecode is looked for or written."""

    def __init__(self, path: str, copy: Path, take: Callable[[str, CodeType, str], None]) -> None:
        self._path = path
        self._copy = copy
        self._take = take

    @override
    def get_filename(self, fullname: str) -> str:
        return self._path

    @override
    def get_data(self, path: str | bytes) -> bytes:
        if path == self._path:
            return self._copy.read_bytes()
        return Path(os.fsdecode(path)).read_bytes()

    @override
    def exec_module(self, module: ModuleType) -> None:
        source = self.get_data(self._path)
        code = self.source_to_code(source, self._path)
        self._take(self._path, code, importlib.util.decode_source(source))
        exec(code, module.__dict__)  # noqa: S102 - this is what importing is
