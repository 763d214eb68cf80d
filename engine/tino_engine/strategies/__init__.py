"""Strategies: found, described and checked by reading their syntax tree; their code is never run here."""

from tino_engine.strategies.code_hash import CodeHash, code_hash
from tino_engine.strategies.discover import Found, find_strategies
from tino_engine.strategies.parameters import complete, describe_range, parse_text
from tino_engine.strategies.workspace import get_strategy, list_strategies

__all__ = [
    "CodeHash",
    "Found",
    "code_hash",
    "complete",
    "describe_range",
    "find_strategies",
    "get_strategy",
    "list_strategies",
    "parse_text",
]
