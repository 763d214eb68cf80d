"""An open text, edited in place, with positions as the protocol counts them.

The protocol ends a line at CR LF, LF or CR only and counts columns in UTF-16 units; Python's syntax tree counts
characters and ends lines at the same three. `str.splitlines`, which pygls's own documents rest on, also ends them at form
feeds and U+2028, so that one such character would put every later edit into the wrong place.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.uris import to_fs_path

from tino_engine.strategies import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tino_engine.strategies import Span


class Document:
    """One open file. `path` is None for texts that are no files: unsaved ones, versions of the past."""

    def __init__(self, uri: str, text: str, version: int) -> None:
        self.uri = uri
        found = to_fs_path(uri)
        self.path = None if found is None else os.path.normpath(found)
        self._content = _Content(text)
        self.version = version

    @property
    def text(self) -> str:
        """The whole text as it stands."""
        return self._content.text

    @property
    def lines(self) -> list[str]:
        """Its lines, without their ends."""
        return self._content.lines

    def change(self, changes: Iterable[types.TextDocumentContentChangeEvent], version: int) -> None:
        """Apply edits in order, each to the text the one before it left."""
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = self._content.offset(change.range.start), self._content.offset(change.range.end)
                self._content = _Content(self.text[:start] + change.text + self.text[max(start, end) :])
            else:
                self._content = _Content(change.text)
        self.version = version

    def range(self, span: Span) -> types.Range:
        """Give a stretch of the text in the protocol's units; one beyond the text ends where the text does."""
        return types.Range(
            start=self._content.position(span.line - 1, span.column),
            end=self._content.position(span.end_line - 1, span.end_column),
        )

    def column(self, position: types.Position) -> int:
        """Give a position's column in characters."""
        return self._content.column(position)


class _Content:
    """A text that does not change, with its lines."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return split_lines(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines[:-1]:
            end = starts[-1] + len(line)
            starts.append(end + (2 if self.text.startswith("\r\n", end) else 1))
        return starts

    def position(self, line: int, column: int) -> types.Position:
        if line >= len(self.lines):
            line, column = len(self.lines) - 1, len(self.lines[-1])
        before = self.lines[line][:column]
        return types.Position(line=line, character=len(before) if before.isascii() else _units(before))

    def column(self, position: types.Position) -> int:
        if position.line >= len(self.lines):
            return len(self.lines[-1])
        line = self.lines[position.line]
        if line.isascii():
            return min(position.character, len(line))
        units = 0
        for index, character in enumerate(line):
            # A position inside a surrogate pair counts as before the character.
            units += 2 if ord(character) > 0xFFFF else 1
            if units > position.character:
                return index
        return len(line)

    def offset(self, position: types.Position) -> int:
        if position.line >= len(self.lines):
            return len(self.text)
        return self._starts[position.line] + self.column(position)


def _units(text: str) -> int:
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)
