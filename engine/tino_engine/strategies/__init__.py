"""Strategies: found, described and checked by reading their syntax tree; their code is never run here.

The engine needs the upper half of these names; the lower half is for the language host, which works on texts that are open in
an editor instead of files.
"""

from tino_engine.strategies.code_hash import CodeHash, code_hash, join_code
from tino_engine.strategies.discover import MARKET_HANDLERS, STRATEGY_NAMES, Found, find_in, find_strategies
from tino_engine.strategies.literal import nautilus_name
from tino_engine.strategies.module import Module, SourceSyntaxError, Span, split_lines
from tino_engine.strategies.parameters import Value, check_value, complete, describe_range, is_instrument_id, parse_text
from tino_engine.strategies.schema import Problem
from tino_engine.strategies.scope import MAX_SOURCE_BYTES, Definition, Scope
from tino_engine.strategies.workspace import get_strategy, list_strategies

__all__ = [  # noqa: RUF022 - the two halves
    "check_value",
    "CodeHash",
    "code_hash",
    "complete",
    "describe_range",
    "find_strategies",
    "Found",
    "get_strategy",
    "join_code",
    "list_strategies",
    "parse_text",
    "Value",
    #
    "Definition",
    "MARKET_HANDLERS",
    "MAX_SOURCE_BYTES",
    "Module",
    "Problem",
    "STRATEGY_NAMES",
    "Scope",
    "SourceSyntaxError",
    "Span",
    "find_in",
    "is_instrument_id",
    "nautilus_name",
    "split_lines",
]
