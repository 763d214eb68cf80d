"""A class and everything it is derived from, as far as its files can be read."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tino_engine.strategies.scope import Definition, Scope

_MAX_CLASSES = 64


@dataclass(frozen=True, slots=True)
class Lineage:
    """The classes below the root, the class itself first, and the dotted names of the outside classes above them."""

    definitions: tuple[Definition, ...]
    outside: frozenset[str]

    @property
    def classes(self) -> list[ast.ClassDef]:
        """The syntax trees of `definitions`."""
        return [definition.node for definition in self.definitions if isinstance(definition.node, ast.ClassDef)]


def lineage(scope: Scope, definition: Definition) -> Lineage:
    """Walk up the bases, nearest first, left to right; each class once, so that a circle ends."""
    seen: dict[tuple[str, str], Definition] = {}
    outside: set[str] = set()

    def visit(current: Definition) -> None:
        key = (current.module.path, current.name)
        if key in seen or len(seen) == _MAX_CLASSES or not isinstance(current.node, ast.ClassDef):
            return
        seen[key] = current
        for base in scope.bases(current.module, current.node):
            if isinstance(base, str):
                outside.add(base)
            elif base is not None:
                visit(base)

    visit(definition)
    return Lineage(tuple(seen.values()), frozenset(outside))
