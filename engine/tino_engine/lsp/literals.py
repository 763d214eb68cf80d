"""The instrument ids and bar types written out in a file.

They are found where NautilusTrader parses them: as the argument of `InstrumentId.from_str` and `BarType.from_str`, and as
`instrument_id`, `instrument_ids`, `bar_type` or `bar_types` of a call of NautilusTrader's or of a class of the file. A
constant of the module stands for its text. Of an f-string that begins with a value, `f"{id}-1-DAY-LAST-EXTERNAL"`, the
rest is read.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tino_engine.strategies import Definition, nautilus_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.strategies import Module, Scope, Span

type LiteralKind = Literal["instrument", "barType"]

PARSERS: dict[str, LiteralKind] = {"InstrumentId": "instrument", "BarType": "barType"}
KEYWORDS: dict[str, LiteralKind] = {
    "instrument_id": "instrument",
    "instrument_ids": "instrument",
    "bar_type": "barType",
    "bar_types": "barType",
}

_PLACEHOLDER = "SYMBOL.VENUE"


@dataclass(frozen=True, slots=True)
class IdentifierLiteral:
    """A text that names an instrument or a bar type. `span` covers the literal with its quotes.

    A `template` has a value for its instrument: `text` then has a placeholder in its place, and only its form counts.
    """

    kind: LiteralKind
    text: str
    span: Span
    template: bool = False


def find_literals(module: Module, scope: Scope) -> list[IdentifierLiteral]:
    """Find them in the order of the text, each once."""
    found: dict[Span, IdentifierLiteral] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            for kind, argument in _arguments(module, scope, node):
                literal = _read(module, kind, argument)
                if literal is not None:
                    found.setdefault(literal.span, literal)
    return sorted(found.values(), key=lambda literal: (literal.span.line, literal.span.column))


def _arguments(module: Module, scope: Scope, call: ast.Call) -> Iterator[tuple[LiteralKind, ast.expr]]:
    match call:
        case ast.Call(func=ast.Attribute(value=owner, attr="from_str"), args=[argument, *_]):
            name = nautilus_name(scope.resolve(module, owner))
            if name in PARSERS:
                yield PARSERS[name], argument
    named = [keyword for keyword in call.keywords if keyword.arg in KEYWORDS]
    if not named:
        return
    callee = scope.resolve(module, call.func)
    if nautilus_name(callee) or (isinstance(callee, Definition) and isinstance(callee.node, ast.ClassDef)):
        for keyword in named:
            elements = keyword.value.elts if isinstance(keyword.value, ast.List | ast.Tuple) else [keyword.value]
            for element in elements:
                yield KEYWORDS[keyword.arg or ""], element


def _read(module: Module, kind: LiteralKind, node: ast.expr) -> IdentifierLiteral | None:
    if isinstance(node, ast.Name):
        node = module.assignments.get(node.id, node)
    match node:
        case ast.Constant(value=str() as text):
            return IdentifierLiteral(kind, text, module.span(node))
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str() as rest)]) if rest.startswith("-"):
            return IdentifierLiteral(kind, _PLACEHOLDER + rest, module.span(node), template=True)
        case _:
            return None
