"""One Python file as its syntax tree: what it defines, what it imports, where things stand in its text.

Nothing here runs a line of the file. Positions of `ast` count bytes of UTF-8; everywhere else in tino a column counts
characters, so that positions leave this module as `Span`.
"""

from __future__ import annotations

import ast
import io
import re
import threading
import tokenize
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.contracts import Location
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NEWLINE = re.compile(r"\r\n|\r|\n")
_parsing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text: lines count from 1, columns from 0 in characters, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Import:
    """What a name was imported from: `from <level dots><module> import <name>`, or `import <module>` when name is None."""

    module: str
    level: int
    name: str | None


class SourceSyntaxError(TinoError):
    """`strategy_syntax_error` with the stretch of text that Python's parser objects to."""

    def __init__(self, path: str, span: Span, reason: str) -> None:
        super().__init__(
            "strategy_syntax_error",
            path=path,
            line=span.line,
            reason=reason.rstrip(".?"),
            location=Location(path=path, line=span.line, column=span.column + 1),
        )
        self.span = span
        self.reason = reason


def read_source(path: str) -> str:
    """Read a file as Python does: UTF-8 unless its first lines declare another encoding.

    Raises `strategy_file_not_found`, `strategy_file_unreadable`.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise TinoError("strategy_file_not_found", path=path) from error
    except IsADirectoryError as error:
        raise TinoError("strategy_file_unreadable", path=path, reason="it is a folder") from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise TinoError("strategy_file_unreadable", path=path, reason=reason) from error
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{data[error.start]:02x} in line {line} is not {error.encoding.upper()}"
        raise TinoError("strategy_file_unreadable", path=path, reason=reason) from error
    except SyntaxError as error:
        raise TinoError("strategy_file_unreadable", path=path, reason=error.msg) from error


def split_lines(text: str) -> list[str]:
    """Split where Python and the language server protocol do: form feeds and Unicode separators end no line."""
    return _NEWLINE.split(text)


class Module:
    """The parsed file. Names bound at the top level are read also inside `if`, `try` and `with`."""

    def __init__(self, path: str, source: str, tree: ast.Module) -> None:
        self.path = path
        self.source = source
        self.tree = tree
        self.imports: dict[str, Import] = {}
        self.stars: list[Import] = []
        self.classes: dict[str, ast.ClassDef] = {}
        self.assignments: dict[str, ast.expr] = {}
        for statement in top_level(tree.body):
            self._bind(statement)

    @classmethod
    def parse(cls, path: str, source: str) -> Module:
        """Parse the text. Raises `SourceSyntaxError`, a `strategy_syntax_error`."""
        source = source.removeprefix("\ufeff")
        try:
            tree = _parse(source)
        except SyntaxError as error:
            raise SourceSyntaxError(path, _syntax_span(source, error), error.msg) from error
        except (RecursionError, MemoryError, ValueError) as error:
            whole = Span(1, 0, 1, len(split_lines(source)[0]))
            raise SourceSyntaxError(path, whole, "the code is nested too deeply to be read") from error
        return cls(path, source, tree)

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines without their ends."""
        return split_lines(self.source)

    def span(self, node: ast.stmt | ast.expr | ast.arg | ast.alias) -> Span:
        """Where a node of this file stands."""
        end_line = node.end_lineno or node.lineno
        end_column = node.col_offset if node.end_col_offset is None else node.end_col_offset
        return Span(
            node.lineno, self._column(node.lineno, node.col_offset), end_line, self._column(end_line, end_column)
        )

    def name_span(self, node: ast.ClassDef) -> Span:
        """Where the name stands in a `class` statement; the whole first line if it is not on that line."""
        text = self.lines[node.lineno - 1]
        start = text.find(node.name, self._column(node.lineno, node.col_offset) + len("class"))
        return Span(node.lineno, max(start, 0), node.lineno, len(text) if start < 0 else start + len(node.name))

    def text_after(self, node: ast.stmt) -> str:
        """The rest of the line on which a statement ends."""
        span = self.span(node)
        return self.lines[span.end_line - 1][span.end_column :]

    def _column(self, line: int, offset: int) -> int:
        text = self.lines[line - 1]
        return offset if text.isascii() else len(text.encode(errors="surrogatepass")[:offset].decode(errors="ignore"))

    def _bind(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import(names=names):
                for alias in names:
                    target = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.imports[alias.asname or target] = Import(target, 0, None)
            case ast.ImportFrom(module=module, names=names, level=level):
                for alias in names:
                    found = Import(module or "", level, alias.name)
                    if alias.name == "*":
                        self.stars.append(found)
                    else:
                        self.imports[alias.asname or alias.name] = found
            case ast.ClassDef(name=name):
                self.classes[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assignments[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.assignments[name] = value
            case ast.TypeAlias(name=ast.Name(id=name), value=value):
                self.assignments[name] = value
            case _:
                pass


def parse_expression(text: str) -> ast.expr | None:
    """Parse a quoted annotation; None when it is not an expression."""
    try:
        statements = _parse(f"({text.strip()}\n)").body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return None
    match statements:
        case [ast.Expr(value=value)]:
            return value
        case _:
            return None


def top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Give the statements that run when a file is imported, those inside conditions and `try` included."""
    for statement in body:
        match statement:
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                yield from top_level(statement.orelse)
            case ast.If() | ast.Try() | ast.TryStar():
                yield from top_level(statement.body)
                for handler in getattr(statement, "handlers", []):
                    yield from top_level(handler.body)
                yield from top_level(statement.orelse)
                yield from top_level(getattr(statement, "finalbody", []))
            case ast.With():
                yield from top_level(statement.body)
            case _:
                yield statement


def _parse(source: str) -> ast.Module:
    # Dubious escapes in somebody's file are no warnings of ours. The list of filters is one for the whole process.
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _syntax_span(source: str, error: SyntaxError) -> Span:
    """Put what the parser says into the text: it may point past the end, or nowhere."""
    lines = split_lines(source)
    line = min(max(error.lineno or 1, 1), len(lines))
    column = min(max((error.offset or 1) - 1, 0), len(lines[line - 1]))
    end_line = min(max(error.end_lineno or line, line), len(lines))
    end_column = min(max((error.end_offset or 0) - 1, 0), len(lines[end_line - 1]))
    if (end_line, end_column) <= (line, column):
        end_line, end_column = line, len(lines[line - 1])
    return Span(line, column, end_line, end_column)
