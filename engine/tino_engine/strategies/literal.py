"""The value of an expression, where it can be told without running it: numbers and text, small sums, constants of a
module, `Decimal("0.5")`, `InstrumentId.from_str("AAPL.XNAS")`, members of an enumeration.
"""

from __future__ import annotations

import ast
import math
import operator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from tino_engine.strategies.scope import Definition

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.strategies.module import Module
    from tino_engine.strategies.scope import Scope


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""What cannot be told without running the code."""

_MAX_DEPTH = 20
_MAX_DIGITS = 40
_IDENTIFIERS = ("InstrumentId", "BarType", "Symbol", "Venue")
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enumeration, by name."""

    name: str


def nautilus_name(meaning: object) -> str | None:
    """Give the last part of a name of NautilusTrader: `InstrumentId`, wherever it was imported from."""
    if isinstance(meaning, str) and meaning.startswith("nautilus_trader."):
        return meaning.rpartition(".")[2]
    return None


def evaluate(scope: Scope, module: Module, node: ast.expr, depth: int = 0) -> Any:
    """Give the value as int, float, bool, str, None, Decimal, `Member` or a tuple of those, else `UNKNOWN`."""
    if depth > _MAX_DEPTH:
        return UNKNOWN
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = evaluate(scope, module, operand, depth + 1)
            if not _is_number(value):
                return UNKNOWN
            return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            return _combine(op, evaluate(scope, module, left, depth + 1), evaluate(scope, module, right, depth + 1))
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            values = tuple(evaluate(scope, module, element, depth + 1) for element in elements)
            return UNKNOWN if UNKNOWN in values else values
        case ast.Call(func=function, args=arguments):
            values = [evaluate(scope, module, argument, depth + 1) for argument in arguments]
            return _call(scope.resolve(module, function), values)
        case ast.Name() | ast.Attribute():
            return _named(scope, module, node, depth)
        case _:
            return UNKNOWN


def _named(scope: Scope, module: Module, node: ast.Name | ast.Attribute, depth: int) -> Any:
    meaning = scope.resolve(module, node)
    if isinstance(meaning, Definition) and isinstance(meaning.node, ast.expr):
        return evaluate(scope, meaning.module, meaning.node, depth + 1)
    if isinstance(node, ast.Attribute):
        owner = scope.resolve(module, node.value)
        if nautilus_name(owner) or (isinstance(owner, Definition) and isinstance(owner.node, ast.ClassDef)):
            return Member(node.attr)
    return UNKNOWN


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _combine(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        both = isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add)
        return left + right if both else UNKNOWN
    if type(op) not in _OPERATORS or not (_is_number(left) and _is_number(right)):
        return UNKNOWN
    if isinstance(op, ast.Pow) and (abs(right) > _MAX_DIGITS or abs(left) > 10**_MAX_DIGITS):
        return UNKNOWN
    try:
        value = _OPERATORS[type(op)](left, right)
    except (ArithmeticError, TypeError, ValueError):
        return UNKNOWN
    finite = _is_number(value) and (isinstance(value, int) or math.isfinite(value))
    return value if finite and abs(value) < 10**_MAX_DIGITS else UNKNOWN


def _call(function: object, arguments: list[Any]) -> Any:
    match function, arguments:
        case "decimal.Decimal", [int() | float() | str() | Decimal() as value]:
            try:
                return Decimal(value)
            except InvalidOperation:
                return UNKNOWN
        case "builtins.tuple" | "builtins.list", []:
            return ()
        case str(), [str() as text] if function.startswith("nautilus_trader."):
            name = function.removesuffix(".from_str").rpartition(".")[2]
            return text if name in _IDENTIFIERS else UNKNOWN
        case str(), [str() as symbol, str() as venue] if nautilus_name(function) == "InstrumentId":
            return f"{symbol}.{venue}"
        case _:
            return UNKNOWN
