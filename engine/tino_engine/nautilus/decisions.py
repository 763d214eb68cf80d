"""What a strategy decided, as it decided it: every order, change and cancellation that it sent, with its time and its line.

Orders as they ended would not do to compare two runs: what became of an order after a cut is no decision before it. What is decided in
`on_stop` is left out, since a run that ends earlier stops earlier.
"""

from __future__ import annotations

import sys
from inspect import getattr_static
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.backtest.user_code import UserCode

_PRICES = (("price", "at"), ("trigger_price", "from"), ("trailing_offset", "trailing"))
_VERBS = {
    "modify_order": "change",
    "modify_orders": "change",
    "cancel_order": "cancel",
    "cancel_orders": "cancel",
    "cancel_all_orders": "cancel all of",
    "close_position": "close",
    "close_all_positions": "close all of",
    "market_exit": "leave the market",
}


class Decisions:
    """Watches one strategy. `rows` are [time in nanoseconds, what, file, line], in the order in which they were taken."""

    def __init__(self, code: UserCode) -> None:
        self.rows: list[list[Any]] = []
        self._code = code
        self._stopping = False

    def install(self, strategy_class: Any) -> None:
        """Wrap a class before it is instantiated, and before the recorder wraps it."""
        strategy_class.submit_order = self._watch(strategy_class.submit_order, lambda order, *_: [_describe(order)])
        strategy_class.submit_order_list = self._watch(strategy_class.submit_order_list, _describe_list)
        for name, verb in _VERBS.items():
            method = getattr(strategy_class, name, None)
            if method is not None:
                setattr(strategy_class, name, self._watch(method, _wording(verb)))
        if isinstance(getattr_static(strategy_class, "on_stop", None), FunctionType):
            strategy_class.on_stop = self._stops(strategy_class.on_stop)

    def _watch(self, method: Callable[..., Any], describe: Callable[..., list[str]]) -> Callable[..., Any]:
        def watched(strategy: Any, *arguments: Any, **keywords: Any) -> Any:
            if not self._stopping:
                path, line = self._code.find_caller(sys._getframe(1)) or (None, None)  # noqa: SLF001 - the one way to it
                ts = strategy.clock.timestamp_ns()
                self.rows += [[ts, text, path, line] for text in describe(*arguments, **keywords)]
            return method(strategy, *arguments, **keywords)

        return watched

    def _stops(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def on_stop(strategy: Any) -> Any:
            self._stopping = True
            return method(strategy)

        return on_stop


def _describe(order: Any, **_: Any) -> str:
    prices = [f"{word} {value}" for name, word in _PRICES if (value := getattr(order, name, None)) is not None]
    kind = order.order_type.name.lower().replace("_", " ")
    return " ".join([order.side.name.lower(), str(order.quantity), order.instrument_id.value, kind, *prices])


def _describe_list(orders: Any, *_: Any, **__: Any) -> list[str]:
    each: Any = getattr(orders, "orders", orders)
    listed: Any = each() if callable(each) else each
    return [_describe(order) for order in listed]


def _wording(verb: str) -> Callable[..., list[str]]:
    def describe(*arguments: Any, **keywords: Any) -> list[str]:
        said = [*map(_word, arguments), *(f"{name} {_word(value)}" for name, value in sorted(keywords.items()))]
        return [" ".join([verb, *said])]

    return describe


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_word, value))
    instrument, quantity = getattr(value, "instrument_id", None), getattr(value, "quantity", None)
    # A position says more about itself than it is: the moment at which it was opened, and its identifier.
    return str(value) if instrument is None else f"{quantity} {instrument.value}"
