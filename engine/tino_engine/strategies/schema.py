"""The parameters of a strategy, read from its config class.

A config class is any class with annotated fields: a dataclass, a pydantic or msgspec model, a `StrategyConfig` of
NautilusTrader, a plain class; one without annotated fields counts by the arguments of its `__init__`. Fields of base
classes come first, as in a dataclass. What NautilusTrader itself puts into a `StrategyConfig` is no parameter: it says
how the strategy is run, and tino decides that.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tino_engine.contracts import Location, Parameter
from tino_engine.errors import TinoError
from tino_engine.strategies.annotation import DATA_KINDS, Type, read_description, read_limits, read_type
from tino_engine.strategies.lineage import lineage
from tino_engine.strategies.literal import Member, evaluate, nautilus_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.contracts import ErrorBody
    from tino_engine.strategies.module import Module, Span
    from tino_engine.strategies.scope import Definition, Scope

NAUTILUS_FIELDS = frozenset(
    "strategy_id order_id_tag oms_type external_order_claims external_order_instrument_ids manage_contingent_orders manage_gtd_expiry "
    "manage_stop market_exit_interval_ms market_exit_max_attempts market_exit_reduce_only market_exit_time_in_force "
    "use_uuid_client_order_ids use_hyphens_in_client_order_ids log_events log_commands log_rejected_due_post_only_as_warning".split()
)
"""Fields of NautilusTrader's `StrategyConfig`, of both its generations."""

_FIELD_CALLS = frozenset(
    {"dataclasses.field", "msgspec.field", "pydantic.Field", "pydantic.fields.Field", "attrs.field", "attr.ib"}
)
_MAX_DIGITS = 100
_NO_FIELDS = frozenset({"typing.ClassVar", "typing_extensions.ClassVar", "dataclasses.KW_ONLY"})
_DIRECTIVE = re.compile(r"\s*(?:noqa|type:|pyright:|pylint:|fmt:|ruff:)", re.IGNORECASE)
_DOCUMENTED = (
    r"^(?P<indent>[ \t]*)(?P<name>{name})(?P<type>[ \t]*\([^)\n]*\))?(?P<space>[ \t]*):[ \t]*(?P<text>[^\n]*)$"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a strategy that the user should know. `blocking`: no run can start before it is put right."""

    error: ErrorBody
    path: str
    span: Span
    blocking: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """What a config class asks for."""

    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Field:
    """One field as it is written: its annotation, its default, where its description may stand."""

    module: Module
    owner: ast.ClassDef
    name: str
    annotation: ast.expr
    default: ast.expr | None
    line: int
    inline: str | None = None
    excluded: bool = False
    limits: dict[str, float] = field(default_factory=dict)


def read_schema(scope: Scope, config: Definition) -> Schema:
    """Read the parameters of a config class, in the order of its fields."""
    line = lineage(scope, config)
    own = any(nautilus_name(name) == "StrategyConfig" for name in line.outside)
    fields: dict[str, _Field] = {}
    for definition in reversed(line.definitions):
        for found in _fields(scope, definition):
            fields[found.name] = found
    parameters: list[Parameter] = []
    problems: list[Problem] = []
    for found in fields.values():
        if found.excluded or (own and found.name in NAUTILUS_FIELDS):
            continue
        type_ = read_type(scope, found.module, found.annotation)
        if type_ is None:
            problems.append(_unsupported(found))
        else:
            parameters.append(_parameter(scope, found, type_))
    return Schema(tuple(parameters), tuple(problems))


def _fields(scope: Scope, definition: Definition) -> Iterator[_Field]:
    module, owner = definition.module, definition.node
    if not isinstance(owner, ast.ClassDef):
        return
    annotated = False
    for index, statement in enumerate(owner.body):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=default) if not name.startswith(
                "_"
            ):
                if _is_no_field(scope, module, annotation):
                    continue
                annotated = True
                found = _Field(module, owner, name, annotation, default, statement.lineno)
                found.inline = _comment(module, statement) or _string_below(owner.body[index + 1 : index + 2])
                _unwrap_default(scope, found)
                yield found
            case _:
                pass
    if not annotated:
        yield from _arguments(module, owner)


def _is_no_field(scope: Scope, module: Module, annotation: ast.expr) -> bool:
    target = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return scope.resolve(module, target) in _NO_FIELDS


def _arguments(module: Module, owner: ast.ClassDef) -> Iterator[_Field]:
    for statement in owner.body:
        if isinstance(statement, ast.FunctionDef) and statement.name in ("__init__", "__new__"):
            arguments = statement.args
            positional = [*arguments.posonlyargs, *arguments.args]
            defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
            pairs = [
                *zip(positional, defaults, strict=True),
                *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
            ]
            for argument, default in pairs:
                if argument.annotation is not None and not argument.arg.startswith("_"):
                    yield _Field(module, owner, argument.arg, argument.annotation, default, argument.lineno)
            return


def _unwrap_default(scope: Scope, found: _Field) -> None:
    """Take the default, the limits and the description out of `field(…)` and `Field(…)`."""
    call = found.default
    if not isinstance(call, ast.Call) or scope.resolve(found.module, call.func) not in _FIELD_CALLS:
        return
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    found.limits = read_limits(scope, found.module, call)
    found.inline = found.inline or read_description(scope, found.module, call)
    found.default = named.get("default", call.args[0] if call.args else None)
    if isinstance(found.default, ast.Constant) and found.default.value is Ellipsis:
        found.default = None
    if found.default is None:
        factory = named.get("default_factory", named.get("factory"))
        # What a factory makes is told only when it is an empty list or tuple.
        found.default = None if factory is None else ast.Call(func=factory, args=[], keywords=[])
    init = named.get("init")
    found.excluded = isinstance(init, ast.Constant) and init.value is False


def _comment(module: Module, statement: ast.stmt) -> str | None:
    """Give the comment at the end of the statement's last line, or the `#:` lines above it."""
    _, mark, text = module.text_after(statement).partition("#")
    if mark and not _DIRECTIVE.match(text) and text.strip(": \t"):
        return text.strip(": \t")
    above: list[str] = []
    for line in reversed(module.lines[: statement.lineno - 1]):
        if not line.lstrip().startswith("#:"):
            break
        above.insert(0, line.strip()[2:].strip())
    return " ".join(above) or None


def _string_below(following: list[ast.stmt]) -> str | None:
    match following:
        case [ast.Expr(value=ast.Constant(value=str() as text))]:
            return " ".join(text.split()) or None
        case _:
            return None


def _documented(owner: ast.ClassDef, name: str) -> str | None:
    """Find the field in the class docstring, in Google's form (`fast: text`) or numpy's (`fast : int`, text below)."""
    text = ast.get_docstring(owner)
    if text is None:
        return None
    match = re.search(_DOCUMENTED.format(name=re.escape(name)), text, re.MULTILINE)
    if match is None:
        return None
    deeper: list[str] = []
    for line in text[match.end() :].split("\n")[1:]:
        if not line.strip() or len(line) - len(line.lstrip()) <= len(match["indent"]):
            break
        deeper.append(line.strip())
    written_as_numpy = bool(match["space"]) and bool(deeper)
    return " ".join(deeper if written_as_numpy else [match["text"], *deeper]).strip() or None


def _parameter(scope: Scope, found: _Field, type_: Type) -> Parameter:
    from_data = type_.kind in DATA_KINDS
    default = None
    if found.default is not None:
        default = _default(type_, evaluate(scope, found.module, found.default))
    nullable = type_.nullable or (isinstance(found.default, ast.Constant) and found.default.value is None)
    limits = {**type_.limits, **found.limits}
    return Parameter(
        name=found.name,
        kind=type_.kind,
        required=found.default is None and not from_data,
        nullable=nullable,
        from_data=from_data,
        default=default,
        minimum=limits.get("minimum"),
        exclusive_minimum=limits.get("exclusive_minimum"),
        maximum=limits.get("maximum"),
        exclusive_maximum=limits.get("exclusive_maximum"),
        multiple_of=limits.get("multiple_of"),
        choices=None if type_.choices is None else list(type_.choices),
        description=found.inline or type_.description or _documented(found.owner, found.name),
        line=found.line,
    )


def _default(type_: Type, value: Any) -> Any:
    """Put a default into the form it has on the wire; None also when it cannot be told."""
    match type_.kind, value:
        case _, bool() if type_.kind not in ("boolean", "choice"):
            return None
        case "integer", int():
            return value
        case "number", int() | float() | Decimal() if math.isfinite(value):
            return float(value) if isinstance(value, Decimal) else value
        case "decimal", int() | float() | Decimal() | str():
            return decimal_text(value)
        case "boolean", bool():
            return value
        case "choice", Member(name=name):
            return name if name in (type_.choices or ()) else None
        case "choice", str() | int() if str(value) in (type_.choices or ()):
            return str(value)
        case "text" | "instrument" | "barType", str():
            return value
        case "instruments" | "barTypes", tuple() if all(isinstance(item, str) for item in value):
            return list(value)
        case _:
            return None


def decimal_text(value: float | str | Decimal) -> str | None:
    """Write a number exactly, without exponent; None when it is no finite number."""
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except ArithmeticError:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
        return None
    return f"{number:f}"


def _unsupported(found: _Field) -> Problem:
    span = found.module.span(found.annotation)
    error = TinoError(
        "parameter_unsupported",
        config=found.owner.name,
        name=found.name,
        annotation=ast.unparse(found.annotation),
        location=Location(path=found.module.path, line=span.line, column=span.column + 1),
        field=found.name,
    )
    return Problem(error.body, found.module.path, span, blocking=found.default is None)
