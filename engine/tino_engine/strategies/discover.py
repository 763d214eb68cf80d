"""Find the strategies in one file: the classes derived from NautilusTrader's `Strategy`.

A base may come from the same file or, through imports, from other files below the trusted root. A class that only serves
as a base is not offered. It counts as such when
- it says so: it is abstract (`ABC`, `ABCMeta`, `@abstractmethod`) or its name starts with an underscore, or
- another class derives from it, and neither it nor a base of its own handles market data: with nothing but helpers,
  order events and a life cycle (`on_start`, `on_stop`, …) it could not decide anything. Here only classes of the same
  file are known to derive from it; `list_strategies` knows those of other files too.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tino_engine.contracts import Strategy
from tino_engine.strategies.lineage import Lineage, lineage
from tino_engine.strategies.module import Module, parse_expression
from tino_engine.strategies.schema import Problem, Schema, read_schema
from tino_engine.strategies.scope import Definition, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tino_engine.strategies.scope import Key

STRATEGY_NAMES = frozenset(
    {
        "nautilus_trader.trading.Strategy",
        "nautilus_trader.trading.strategy.Strategy",
        "nautilus_trader._libnautilus.trading.Strategy",
    }
)
"""Where NautilusTrader keeps the class: the second generation, the first, the compiled module."""

MARKET_HANDLERS = frozenset(
    "on_bar on_quote on_quote_tick on_trade on_trade_tick on_data on_signal on_event on_time_event on_book on_book_deltas on_book_depth "
    "on_order_book on_order_book_deltas on_order_book_depth on_mark_price on_index_price on_funding_rate on_instrument "
    "on_instrument_status on_instrument_close on_option_greeks on_option_chain on_historical_data on_historical_bars".split()
)
"""Callbacks that bring what a strategy decides on."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds.

    `bases` are the names of the classes that only serve as a base, `problems` those of each strategy's config. `reads` are the other files that had a say, with the
    key of each, or None where a file was looked for in vain: the answer stands as long as these are the same.
    `idle` are the names of the strategies that handle no market data, `ancestors` the classes of other files, as resolved
    path and name, that the strategies derive from.
    """

    strategies: tuple[Strategy, ...] = ()
    bases: tuple[str, ...] = ()
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    reads: Mapping[str, Key | None] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()
    ancestors: frozenset[tuple[str, str]] = frozenset()

    @property
    def all_problems(self) -> list[Problem]:
        """Each problem once: strategies may share a config."""
        unique = {(problem.path, problem.span): problem for group in self.problems.values() for problem in group}
        return list(unique.values())


def find_strategies(path: str, source: str, roots: Iterable[str] = ()) -> Found:
    """Find the strategies in the text of a file, in its order. Imports are followed below the root that holds the file.

    Raises `strategy_syntax_error`.
    """
    return find_in(Module.parse(path, source), Scope(path, roots))


def find_in(module: Module, scope: Scope) -> Found:
    """The same for a file that is parsed already."""
    derived = list(_derived(module, scope))
    parents = {ancestor.name for _, line in derived for ancestor in line.definitions[1:] if ancestor.module is module}
    strategies: list[Strategy] = []
    bases: list[str] = []
    problems: dict[str, tuple[Problem, ...]] = {}
    idle: set[str] = set()
    ancestors: set[tuple[str, str]] = set()
    for node, line in derived:
        ancestors |= {(other.module.path, other.name) for other in line.definitions if other.module is not module}
        deciding = _handles_market(line)
        if _is_abstract(node, line) or (node.name in parents and not deciding):
            bases.append(node.name)
            continue
        if not deciding:
            idle.add(node.name)
        name, config = _config(scope, line)
        schema = Schema() if config is None else read_schema(scope, config)
        strategies.append(
            Strategy(
                path=module.path,
                name=node.name,
                line=node.lineno,
                description=_first_paragraph(node),
                config_name=name,
                parameters=list(schema.parameters),
            )
        )
        problems[node.name] = schema.problems
    return Found(tuple(strategies), tuple(bases), problems, dict(scope.reads), frozenset(idle), frozenset(ancestors))


def _derived(module: Module, scope: Scope) -> Iterator[tuple[ast.ClassDef, Lineage]]:
    for name, node in sorted(module.classes.items(), key=lambda item: item[1].lineno):
        line = lineage(scope, Definition(module, name, node))
        if line.outside & STRATEGY_NAMES:
            yield node, line


def _is_abstract(node: ast.ClassDef, line: Lineage) -> bool:
    if node.name.startswith("_"):
        return True
    named = {ast.unparse(base) for base in [*node.bases, *(keyword.value for keyword in node.keywords)]}
    if named & {"ABC", "abc.ABC", "ABCMeta", "abc.ABCMeta"}:
        return True
    # An abstract method of a base counts until a class nearer to this one defines it.
    settled: set[str] = set()
    for ancestor in line.classes:
        methods = [statement for statement in ancestor.body if isinstance(statement, ast.FunctionDef)]
        if any(method.name not in settled and _is_abstract_method(method) for method in methods):
            return True
        settled |= {method.name for method in methods}
    return False


def _is_abstract_method(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator).rpartition(".")[2] == "abstractmethod" for decorator in method.decorator_list)


def _handles_market(line: Lineage) -> bool:
    return any(
        isinstance(statement, ast.FunctionDef) and statement.name in MARKET_HANDLERS
        for ancestor in line.classes
        for statement in ancestor.body
    )


def _config(scope: Scope, line: Lineage) -> tuple[str | None, Definition | None]:
    """Find the config class: by the annotation of `config`, else by its name.

    The name given is the one it has in the file of the class that mentions it, dotted if need be.
    """
    for definition in line.definitions:
        assert isinstance(definition.node, ast.ClassDef)
        for argument, annotation in _annotations(definition.node):
            for candidate in _alternatives(annotation):
                meaning = scope.resolve(definition.module, candidate)
                if isinstance(meaning, Definition) and isinstance(meaning.node, ast.ClassDef):
                    return ast.unparse(candidate), meaning
                if argument == "config" and isinstance(meaning, str) and _is_library_class(meaning):
                    return ast.unparse(candidate), None
        for name in _conventional_names(definition):
            expression = parse_expression(name)
            meaning = None if expression is None else scope.resolve(definition.module, expression)
            if isinstance(meaning, Definition) and isinstance(meaning.node, ast.ClassDef):
                return name, meaning
    return None, None


def _is_library_class(name: str) -> bool:
    """Say whether a name is a class of some installed library, whose fields cannot be read here."""
    return name.partition(".")[0] not in sys.stdlib_module_names | {"builtins", "nautilus_trader", "typing_extensions"}


def _annotations(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Give the annotation of the argument of `__init__` that is the config, and of an attribute `config`."""
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name="__init__", args=arguments):
                given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs][1:]
                named = [argument for argument in given if argument.arg == "config"]
                for argument in (named or given)[:1]:
                    if argument.annotation is not None:
                        yield argument.arg, argument.annotation
            case ast.AnnAssign(target=ast.Name(id="config"), annotation=annotation):
                yield "config", annotation
            case _:
                pass


def _alternatives(annotation: ast.expr) -> Iterator[ast.expr]:
    """Give the members of `EmaConfig | None`, `Optional[EmaConfig]`, `"EmaConfig"`."""
    match annotation:
        case ast.Constant(value=str() as text):
            quoted = parse_expression(text)
            if quoted is not None and not isinstance(quoted, ast.Constant):
                yield from _alternatives(quoted)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _alternatives(left)
            yield from _alternatives(right)
        case ast.Subscript(slice=ast.Tuple(elts=elements)):
            for element in elements:
                yield from _alternatives(element)
        case ast.Subscript(slice=inner):
            yield from _alternatives(inner)
        case ast.Name() | ast.Attribute():
            yield annotation
        case _:
            pass


def _conventional_names(definition: Definition) -> Iterator[str]:
    name = definition.name
    yield f"{name}.Config"
    yield f"{name}Config"
    if name.endswith("Strategy"):
        yield f"{name.removesuffix('Strategy')}Config"
    yield "Config"


def _first_paragraph(node: ast.ClassDef) -> str | None:
    text = ast.get_docstring(node) or ""
    return " ".join(text.strip().partition("\n\n")[0].split()) or None
