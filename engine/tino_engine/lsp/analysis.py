"""What is known about one version of a text: its syntax tree, its strategies, the identifiers written in it.

A file is tino's business when its text mentions NautilusTrader, when a strategy was found in it, or when it lies in a folder
named `strategies`. Only such files are spoken about. Others that define classes are read all the same, since one of them
may derive from a strategy of another file; files without classes and without NautilusTrader are not even parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from tino_engine.lsp.literals import IdentifierLiteral, find_literals
from tino_engine.strategies import MAX_SOURCE_BYTES, Module, Scope, SourceSyntaxError, find_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.contracts import Strategy
    from tino_engine.strategies import Problem

_NAUTILUS = "nautilus_trader"
_DERIVES = re.compile(r"^[ \t]*class[ \t]+\w+[ \t]*\([ \t]*\w", re.MULTILINE)
_CLASS = r"^[ \t]*class[ \t]+{name}\b"
_NO_MODULES = frozenset({"__init__.py", "conftest.py", "setup.py"})


@dataclass(frozen=True, slots=True)
class Analysis:
    """One version of a text, read.

    `strategies` are those of this version or, while it cannot be parsed, those of the last version that could, moved to
    where their classes stand now. `module` is None when the text was not or could not be parsed; then `error` says why.
    """

    version: int
    concerned: bool = False
    strategies: tuple[Strategy, ...] = ()
    module: Module | None = None
    error: SourceSyntaxError | None = None
    problems: tuple[Problem, ...] = ()
    bases: tuple[str, ...] = ()
    literals: tuple[IdentifierLiteral, ...] = ()


def analyse(path: str, text: str, version: int, roots: Sequence[str], before: Analysis | None = None) -> Analysis:
    """Read a version of a text; `before` is what was known of an earlier one."""
    mentioned = _NAUTILUS in text
    concerned = mentioned or _is_in_strategies_folder(path)
    if len(text) > MAX_SOURCE_BYTES or not (concerned or _DERIVES.search(text)):
        return Analysis(version)
    try:
        module = Module.parse(path, text)
    except SourceSyntaxError as error:
        kept = () if before is None else tuple(_moved(strategy, text) for strategy in before.strategies)
        strategies = tuple(strategy for strategy in kept if strategy is not None)
        return Analysis(version, concerned or bool(strategies), strategies, error=error)
    scope = Scope(path, roots)
    found = find_in(module, scope)
    concerned = concerned or bool(found.strategies) or bool(found.bases)
    literals = tuple(find_literals(module, scope)) if concerned else ()
    return Analysis(
        version, concerned, found.strategies, module, None, tuple(found.all_problems), found.bases, literals
    )


def _is_in_strategies_folder(path: str) -> bool:
    place = PurePath(path)
    name = place.name
    return place.parent.name == "strategies" and name not in _NO_MODULES and not name.startswith(("_", "test_"))


def _moved(strategy: Strategy, text: str) -> Strategy | None:
    match = re.search(_CLASS.format(name=re.escape(strategy.name)), text, re.MULTILINE)
    if match is None:
        return None
    return strategy.model_copy(update={"line": len(re.findall(r"\r\n|\r|\n", text[: match.start()])) + 1})
