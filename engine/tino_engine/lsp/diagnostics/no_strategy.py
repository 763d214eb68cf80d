"""The file clearly wants to hold a strategy, and holds none.

Nobody is to be nagged while typing, nor about modules that stand beside strategies. So this speaks up in two cases only,
and in neither when the file holds a strategy or a base of strategies:
- NautilusTrader's `Strategy` is imported and its name is used nowhere in the file: the class is still to be written, or
  lost its base. An information, at the import. A file that only passes the name on, an `__init__.py`, is left alone.
- A class of a file in a folder named `strategies` handles market data (`on_bar`, …) and has no base at all, so it was
  forgotten. A warning, at the class. A class with a base that cannot be read may well be a strategy.
"""

from __future__ import annotations

import ast
from pathlib import PurePath
from typing import TYPE_CHECKING

from tino_engine.errors import TinoError
from tino_engine.lsp.diagnostics.finding import Finding, Severity, Subject
from tino_engine.strategies import MARKET_HANDLERS, STRATEGY_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.strategies import Module, Span


def check(subject: Subject) -> Iterator[Finding]:
    """Say that the file holds no strategy, where that is a surprise."""
    module, analysis = subject.analysis.module, subject.analysis
    if module is None or analysis.strategies or analysis.bases or PurePath(subject.path).name == "__init__.py":
        return
    forgotten = list(_forgotten_bases(module)) if PurePath(subject.path).parent.name == "strategies" else []
    for node in forgotten:
        yield _finding(subject, module.name_span(node), "warning")
    if not forgotten:
        for alias in _unused_imports(module):
            yield _finding(subject, module.span(alias), "information")


def _finding(subject: Subject, span: Span, severity: Severity) -> Finding:
    body = TinoError("strategy_not_found", path=PurePath(subject.path).name).body
    return Finding(span, severity, body.code, f"{body.message} {body.hint}")


def _forgotten_bases(module: Module) -> Iterator[ast.ClassDef]:
    for node in module.classes.values():
        methods = {statement.name for statement in node.body if isinstance(statement, ast.FunctionDef)}
        if not node.bases and not node.keywords and methods & MARKET_HANDLERS:
            yield node


def _unused_imports(module: Module) -> Iterator[ast.alias]:
    used = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    used |= {
        node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for statement in ast.walk(module.tree):
        if isinstance(statement, ast.ImportFrom) and not statement.level:
            for alias in statement.names:
                if f"{statement.module}.{alias.name}" in STRATEGY_NAMES and (alias.asname or alias.name) not in used:
                    yield alias
