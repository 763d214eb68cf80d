"""What the points of a sweep must fulfil: `fast < slow and stop > 0`.

The text is Python's grammar for expressions and nothing of Python's powers: it is parsed, every node is one of a few kinds, and each
becomes a function of the parameters. No code is compiled or evaluated, no attribute, index or name beyond the parameters is reached.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    type Term = Callable[[Mapping[str, Any]], Any]

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_CALLS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max}
_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}


class Constraint:
    """A condition on the values of parameters. Raises `sweep_constraint_invalid` for text that is none."""

    def __init__(self, text: str, numbers: Iterable[str], others: Iterable[str]) -> None:
        """`numbers` names the parameters whose values are numbers, also as text; `others` the rest."""
        self.text = text
        self._numbers = frozenset(numbers)
        self._others = frozenset(others)
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise self._invalid(reason or "it is not an expression") from error
        try:
            self._holds = self._term(tree.body)
        except RecursionError as error:
            raise self._invalid("it is nested too deeply") from error

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Say whether these values fulfil it. What cannot be computed, such as a division by zero, is not fulfilled."""
        try:
            return bool(self._holds(values))
        except (ArithmeticError, TypeError, KeyError):
            return False

    def _term(self, node: ast.expr) -> Term:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return lambda _: value
            case ast.Name(id=name):
                return self._name(name)
            case ast.BoolOp(op=ast.And(), values=parts):
                terms = [self._term(part) for part in parts]
                return lambda values: all(term(values) for term in terms)
            case ast.BoolOp(values=parts):
                terms = [self._term(part) for part in parts]
                return lambda values: any(term(values) for term in terms)
            case ast.UnaryOp(op=sign, operand=part) if type(sign) in _UNARY:
                apply, term = _UNARY[type(sign)], self._term(part)
                return lambda values: apply(term(values))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
                combine, first, second = _BINARY[type(sign)], self._term(left), self._term(right)
                return lambda values: combine(_number(first(values)), _number(second(values)))
            case ast.Compare(left=left, ops=signs, comparators=others) if all(type(sign) in _COMPARE for sign in signs):
                first, rest = self._term(left), [self._term(other) for other in others]
                compares = [_COMPARE[type(sign)] for sign in signs]
                return lambda values: _chain(first(values), compares, rest, values)
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _CALLS and parts:
                call, terms = _CALLS[name], [self._term(part) for part in parts]
                return lambda values: call(*(term(values) for term in terms))
            case _:
                shown = ast.unparse(node)
                raise self._invalid(f"“{shown if len(shown) < 60 else shown[:60] + '…'}” is not possible in it")

    def _name(self, name: str) -> Term:
        if name in self._numbers:
            return lambda values: _from_text(values[name])
        if name in self._others:
            return lambda values: values[name]
        if name.lower() in _WORDS:
            word = _WORDS[name.lower()]
            return lambda _: word
        known = ", ".join(sorted(self._numbers | self._others))
        raise self._invalid(f"there is no parameter {name}; there are {known}")

    def _invalid(self, reason: str) -> TinoError:
        return TinoError("sweep_constraint_invalid", constraint=self.text, reason=reason, field="constraint")


def _chain(first: Any, compares: list[Callable[[Any, Any], Any]], rest: list[Term], values: Mapping[str, Any]) -> bool:
    for compare, term in zip(compares, rest, strict=True):
        second = term(values)
        if not compare(first, second):
            return False
        first = second
    return True


def _from_text(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """Let texts not be multiplied into long ones."""
    if isinstance(value, str):
        raise TypeError
    return value
