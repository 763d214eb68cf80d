"""What kind of parameter an annotation makes: `int`, `Annotated[float, Gt(0), Le(1)]`, `Literal["a", "b"]`, an
enumeration, `InstrumentId`, `tuple[BarType, ...]`, any of them `| None`, under whatever name they were imported.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tino_engine.strategies.lineage import lineage
from tino_engine.strategies.literal import evaluate, nautilus_name
from tino_engine.strategies.module import parse_expression
from tino_engine.strategies.scope import Definition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tino_engine.strategies.module import Module
    from tino_engine.strategies.scope import Meaning, Scope

type Kind = Literal[
    "integer", "number", "decimal", "boolean", "text", "choice", "instrument", "barType", "instruments", "barTypes"
]

DATA_KINDS = frozenset({"instrument", "barType", "instruments", "barTypes"})
"""Kinds that receive the chosen data."""

_MAX_DEPTH = 12
_SCALARS: dict[str, Kind] = {
    "builtins.int": "integer",
    "builtins.float": "number",
    "builtins.bool": "boolean",
    "builtins.str": "text",
    "decimal.Decimal": "decimal",
}
_ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag", "enum.ReprEnum"})
_SEQUENCES = frozenset({"list", "tuple", "List", "Tuple", "Sequence", "Iterable", "Collection"})
_WRAPPERS = frozenset({"Final", "InitVar", "Required", "ReadOnly"})
_LIMITS = {
    "ge": "minimum",
    "gt": "exclusive_minimum",
    "le": "maximum",
    "lt": "exclusive_maximum",
    "multiple_of": "multiple_of",
}
_LIMIT_CLASSES = {"Ge": "ge", "Gt": "gt", "Le": "le", "Lt": "lt", "MultipleOf": "multiple_of"}
_LIMIT_CALLS = frozenset({"Interval", "Meta", "Field"})
_CONSTRAINED: dict[str, tuple[Kind, dict[str, float]]] = {
    "PositiveInt": ("integer", {"exclusive_minimum": 0}),
    "NonNegativeInt": ("integer", {"minimum": 0}),
    "NegativeInt": ("integer", {"exclusive_maximum": 0}),
    "NonPositiveInt": ("integer", {"maximum": 0}),
    "PositiveFloat": ("number", {"exclusive_minimum": 0}),
    "NonNegativeFloat": ("number", {"minimum": 0}),
    "NegativeFloat": ("number", {"exclusive_maximum": 0}),
    "NonPositiveFloat": ("number", {"maximum": 0}),
}
"""The ready-made types of pydantic and of NautilusTrader 1."""

NAUTILUS_ENUMS: dict[str, tuple[str, ...]] = {
    "AccountType": ("CASH", "MARGIN", "BETTING", "WALLET"),
    "OmsType": ("UNSPECIFIED", "NETTING", "HEDGING"),
    "OrderSide": ("BUY", "SELL"),
    "OrderType": (
        "MARKET", "LIMIT", "STOP_MARKET", "STOP_LIMIT", "MARKET_TO_LIMIT", "MARKET_IF_TOUCHED", "LIMIT_IF_TOUCHED",
        "TRAILING_STOP_MARKET", "TRAILING_STOP_LIMIT",
    ),
    "PositionSide": ("FLAT", "LONG", "SHORT"),
    "PriceType": ("BID", "ASK", "MID", "LAST", "MARK"),
    "TimeInForce": ("GTC", "IOC", "FOK", "GTD", "DAY", "AT_THE_OPEN", "AT_THE_CLOSE"),
    "TrailingOffsetType": ("PRICE", "BASIS_POINTS", "TICKS", "PRICE_TIER"),
    "TriggerType": (
        "DEFAULT", "LAST_PRICE", "MARK_PRICE", "INDEX_PRICE", "BID_ASK", "DOUBLE_LAST", "DOUBLE_BID_ASK",
        "LAST_OR_BID_ASK", "MID_POINT",
    ),
}  # fmt: skip
"""Members of NautilusTrader's enumerations, which cannot be read from its compiled module. A test compares them."""


@dataclass(frozen=True, slots=True)
class Type:
    """A parameter's kind with what restricts it."""

    kind: Kind
    nullable: bool = False
    choices: tuple[str, ...] | None = None
    limits: dict[str, float] = field(default_factory=dict)
    description: str | None = None


def read_type(scope: Scope, module: Module, node: ast.expr, depth: int = 0) -> Type | None:
    """Give the type an annotation stands for; None when no value of it can be asked for."""
    if depth > _MAX_DEPTH:
        return None
    match node:
        case ast.Constant(value=str() as text):
            quoted = parse_expression(text)
            return None if quoted is None else read_type(scope, module, quoted, depth + 1)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _union(scope, module, [left, right], depth)
        case ast.Subscript(value=value, slice=inner):
            meaning = scope.resolve(module, value)
            return _subscript(scope, module, meaning, inner, depth) if isinstance(meaning, str) else None
        case ast.Call(func=function, args=[_, base]) if scope.resolve(module, function) == "typing.NewType":
            return read_type(scope, module, base, depth + 1)
        case ast.Name() | ast.Attribute():
            return _named(scope, scope.resolve(module, node), depth)
        case _:
            return None


def read_limits(scope: Scope, module: Module, call: ast.Call) -> dict[str, float]:
    """Read the restrictions of `Ge(2)`, `Interval(ge=2, le=200)`, `Meta(gt=0)` or pydantic's `Field(gt=0)`."""
    meaning = scope.resolve(module, call.func)
    name = meaning.rpartition(".")[2] if isinstance(meaning, str) else ""
    given: Iterable[tuple[str | None, ast.expr]]
    if name in _LIMIT_CLASSES:
        given = [
            (_LIMIT_CLASSES[name], value) for value in [*call.args, *(keyword.value for keyword in call.keywords)][:1]
        ]
    elif name in _LIMIT_CALLS:
        given = [(keyword.arg, keyword.value) for keyword in call.keywords]
    else:
        return {}
    limits = {}
    for key, value in given:
        number = evaluate(scope, module, value)
        if key in _LIMITS and isinstance(number, int | float | Decimal) and not isinstance(number, bool):
            limits[_LIMITS[key]] = float(number)
    return limits


def read_description(scope: Scope, module: Module, call: ast.Call) -> str | None:
    """Read the text of `Field(description="…")` or `Doc("…")`."""
    meaning = scope.resolve(module, call.func)
    if isinstance(meaning, str) and meaning.rpartition(".")[2] == "Doc" and call.args:
        text = evaluate(scope, module, call.args[0])
    else:
        named = [keyword.value for keyword in call.keywords if keyword.arg == "description"]
        text = evaluate(scope, module, named[0]) if named else None
    return text if isinstance(text, str) else None


def _named(scope: Scope, meaning: Meaning | None, depth: int) -> Type | None:
    match meaning:
        case str() if meaning in _SCALARS:
            return Type(_SCALARS[meaning])
        case str() if nautilus_name(meaning) == "InstrumentId":
            return Type("instrument")
        case str() if nautilus_name(meaning) == "BarType":
            return Type("barType")
        case str() if (name := nautilus_name(meaning)) in NAUTILUS_ENUMS:
            return Type("choice", choices=NAUTILUS_ENUMS[name or ""])
        case str() if meaning.rpartition(".")[2] in _CONSTRAINED and not meaning.startswith("builtins."):
            kind, limits = _CONSTRAINED[meaning.rpartition(".")[2]]
            return Type(kind, limits=dict(limits))
        case Definition(node=ast.ClassDef()):
            return _enumeration(scope, meaning)
        case Definition(module=module, node=ast.expr() as node):
            return read_type(scope, module, node, depth + 1)
        case _:
            return None


def _enumeration(scope: Scope, definition: Definition) -> Type | None:
    line = lineage(scope, definition)
    if not line.outside & _ENUMS:
        return None
    names: list[str] = []
    for ancestor in reversed(line.classes):
        for statement in ancestor.body:
            if isinstance(statement, ast.Assign):
                names += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    members = tuple(dict.fromkeys(name for name in names if not name.startswith("_")))
    return Type("choice", choices=members) if members else None


def _subscript(scope: Scope, module: Module, meaning: str, inner: ast.expr, depth: int) -> Type | None:
    name = meaning.rpartition(".")[2]
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Annotated" and parts:
        return _annotated(scope, module, parts, depth)
    if name == "Optional":
        return _union(scope, module, [*parts, ast.Constant(None)], depth)
    if name == "Union":
        return _union(scope, module, parts, depth)
    if name == "Literal":
        return _literal(scope, module, parts)
    if name in _WRAPPERS and len(parts) == 1:
        return read_type(scope, module, parts[0], depth + 1)
    if name in _SEQUENCES and parts:
        return _sequence([read_type(scope, module, part, depth + 1) for part in parts if not _is_ellipsis(part)])
    return None


def _sequence(elements: list[Type | None]) -> Type | None:
    kinds = {None if element is None else element.kind for element in elements}
    if kinds == {"instrument"}:
        return Type("instruments")
    return Type("barTypes") if kinds == {"barType"} else None


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _annotated(scope: Scope, module: Module, parts: list[ast.expr], depth: int) -> Type | None:
    found = read_type(scope, module, parts[0], depth + 1)
    if found is None:
        return None
    limits = dict(found.limits)
    description = found.description
    for part in parts[1:]:
        if isinstance(part, ast.Call):
            limits |= read_limits(scope, module, part)
            description = read_description(scope, module, part) or description
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            description = part.value
    return replace(found, limits=limits, description=description)


def _literal(scope: Scope, module: Module, parts: list[ast.expr]) -> Type | None:
    values = [evaluate(scope, module, part) for part in parts]
    choices = tuple(str(value) for value in values if isinstance(value, str | int))
    if len(choices) != sum(value is not None for value in values) or not choices:
        return None
    return Type("choice", nullable=None in values, choices=choices)


def _union(scope: Scope, module: Module, parts: list[ast.expr], depth: int) -> Type | None:
    """Give the one type that takes every value of the union; numbers widen, text beside an identifier is its spelling."""
    nullable = False
    found: list[Type] = []
    for part in parts:
        if isinstance(part, ast.Constant) and part.value is None:
            nullable = True
            continue
        one = read_type(scope, module, part, depth + 1)
        if one is None:
            return None
        nullable = nullable or one.nullable
        found.append(one)
    if not found:
        return None
    kinds = {one.kind for one in found}
    for widest, others in (
        ("decimal", {"integer", "number", "text"}),
        ("number", {"integer"}),
        ("instrument", {"text"}),
        ("barType", {"text"}),
    ):
        if widest in kinds and kinds <= others | {widest}:
            chosen = next(one for one in found if one.kind == widest)
            return replace(chosen, nullable=nullable)
    return replace(found[0], nullable=nullable) if len(kinds) == 1 and len(found) == 1 else None
