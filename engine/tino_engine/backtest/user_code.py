"""Which code is the user's, and where in it something happened."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import tino
import tino_engine
from tino_engine.contracts import Location, TraceFrame

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

type Place = tuple[str, int]
"""A file and a line in it, counted from 1."""

_ENDS = 20
"""Frames shown at either end of a long traceback."""

_DEPTH = 64
"""How many callers are looked at for one that is the user's."""


class UserCode:
    """The files below the user's trusted folders, without what is installed there and without tino itself."""

    def __init__(self, roots: Iterable[Path], strategy: Path) -> None:
        self._roots = [root.resolve() for root in (*roots, strategy.parent)]
        paths = sysconfig.get_paths()
        self._foreign = [Path(paths[name]).resolve() for name in ("stdlib", "purelib", "platlib")]
        self._foreign += [Path(package.__file__ or "").resolve().parent for package in (tino, tino_engine)]
        self._owned: dict[str, bool] = {}

    def owns(self, file: str) -> bool:
        """Tell whether a file, as a code object names it, is the user's."""
        known = self._owned.get(file)
        if known is None:
            known = self._owned[file] = self._is_owned(Path(file))
        return known

    def find_caller(self, frame: FrameType | None) -> Place | None:
        """Give the nearest place in the user's code, from a frame outwards."""
        for _ in range(_DEPTH):
            if frame is None:
                return None
            if self.owns(frame.f_code.co_filename):
                return frame.f_code.co_filename, frame.f_lineno
            frame = frame.f_back
        return None

    def trace(self, error: BaseException) -> tuple[Location | None, list[TraceFrame]]:
        """Give where an error was raised, and the user's own part of the way there, outermost first.

        The place is the deepest one in the user's files; for code that does not compile it is the one the compiler names.
        """
        stack = traceback.TracebackException(type(error), error, error.__traceback__, compact=True).stack
        own = [entry for entry in stack if self.owns(entry.filename)]
        # Of an endless recursion the way in and the end say it all.
        own = own if len(own) <= 2 * _ENDS else own[:_ENDS] + own[-_ENDS:]
        frames = [
            TraceFrame(
                path=entry.filename, line=entry.lineno or 1, function=entry.name, code=(entry.line or "").strip()
            )
            for entry in own
        ]
        if isinstance(error, SyntaxError) and error.filename is not None and self.owns(error.filename):
            line = max(error.lineno or 1, 1)
            code = (error.text or linecache.getline(error.filename, line)).strip()
            frames.append(TraceFrame(path=error.filename, line=line, function="<module>", code=code))
            return Location(path=error.filename, line=line, column=error.offset or None), frames
        if not frames:
            return None, frames
        column = own[-1].colno
        return Location(
            path=frames[-1].path, line=frames[-1].line, column=None if column is None else column + 1
        ), frames

    def _is_owned(self, file: Path) -> bool:
        if not file.is_absolute():  # `<string>`, `<frozen importlib._bootstrap>`
            return False
        file = file.resolve()
        if {"site-packages", "dist-packages"}.intersection(file.parts):
            return False
        return any(map(file.is_relative_to, self._roots)) and not any(map(file.is_relative_to, self._foreign))


def describe(error: BaseException) -> str:
    """Give an error in one line: its type, and what it says."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}".rstrip(": ").rstrip(".")
