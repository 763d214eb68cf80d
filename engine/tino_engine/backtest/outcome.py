"""What became of a strategy's orders, and, when nothing was traded, the nearest reason for it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tino_engine.contracts import OrderOutcome, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.backtest.records import Orders

_KINDS = {"DENIED": "denied", "REJECTED": "rejected"}
_FINISHED = ("FILLED", "DENIED", "REJECTED", "CANCELED", "EXPIRED")

_DENIALS = {
    "CUMULATIVE_INITIAL_MARGIN_EXCEEDS_FREE_BALANCE": "Its margin, with that of the orders before it, is more than the free balance",
    "CUMULATIVE_NOTIONAL_EXCEEDS_FREE_BALANCE": "Its value, with that of the orders before it, is more than the free balance",
    "INITIAL_MARGIN_EXCEEDS_FREE_BALANCE": "Its margin is more than the free balance",
    "INSTRUMENT_NOT_FOUND": "The run has no such instrument",
    "MARKET_PRICE_UNAVAILABLE": "There was no price yet",
    "NOTIONAL_BELOW_MINIMUM": "Its value is less than the instrument allows",
    "NOTIONAL_EXCEEDS_FREE_BALANCE": "Its value is more than the free balance",
    "NOTIONAL_EXCEEDS_MAXIMUM": "Its value is more than the instrument allows",
    "NOTIONAL_EXCEEDS_MAX_PER_ORDER": "Its value is more than one order may have",
    "POSITION_NOT_FOUND": "It may only reduce a position, and there was none",
    "PRICE_NOT_POSITIVE": "Its price is not above zero",
    "PRICE_PRECISION_EXCEEDS_MAXIMUM": "Its price has more decimals than the instrument allows",
    "QUANTITY_BELOW_MINIMUM": "Its quantity is less than the instrument allows",
    "QUANTITY_EXCEEDS_MAXIMUM": "Its quantity is more than the instrument allows",
    "QUANTITY_PRECISION_EXCEEDS_MAXIMUM": "Its quantity has more decimals than the instrument allows",
    "RATE_LIMIT_EXCEEDED": "There were too many orders at once",
    "REDUCE_ONLY_WOULD_INCREASE_POSITION": "It may only reduce a position, and would have increased it",
}
"""The risk engine's codes in words; others are shown as they are."""

_NUMBER = re.compile(r"\d[\d,_]*(?:\.\d+)?")
_DETAIL = re.compile(r"(?: with position|: ).*", re.DOTALL)
"""Where a venue's sentence goes on to what is different each time."""


def judge(
    orders: Orders,
    *,
    bars: int,
    received: int,
    subscriptions: Sequence[str],
    bar_types: Sequence[str],
    not_ready: Sequence[str],
) -> OrderOutcome:
    """Sum up the orders. `bars` are the run's, `received` those that reached `on_bar`; `not_ready` names indicators."""
    status = Counter(orders.status)
    filled = sum(quantity > 0 for quantity in orders.filled)
    unfilled_ended = sum(
        state in ("CANCELED", "EXPIRED") and not quantity
        for state, quantity in zip(orders.status, orders.filled, strict=True)
    )
    outcome = OrderOutcome(
        orders=len(orders.ts),
        filled=filled,
        denied=status["DENIED"],
        rejected=status["REJECTED"],
        open=sum(count for state, count in status.items() if state not in _FINISHED),
        cancelled=unfilled_ended,
        reasons=_reasons(orders),
        no_trades=None,
    )
    if filled:
        return outcome
    if orders.ts:
        sentence = _why_unfilled(outcome, orders)
    else:
        sentence = _why_no_order(bars, received, subscriptions, bar_types, not_ready)
    return outcome.model_copy(update={"no_trades": sentence})


def _reasons(orders: Orders) -> list[RefusalReason]:
    """Group refusals by what they say without their numbers, most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for state, given in zip(orders.status, orders.reason, strict=True):
        if state in _KINDS:
            text = given or "no reason was given"
            key = (_KINDS[state], _word(text))
            counts[key] += 1
            examples.setdefault(key, text.partition(" and order ")[0])
    return [
        RefusalReason(kind=kind, reason=reason, count=count, example=examples[kind, reason])  # type: ignore[arg-type]
        for (kind, reason), count in counts.most_common()
    ]


def _word(reason: str) -> str:
    code, _, _ = reason.partition(":")
    if code in _DENIALS:
        return _DENIALS[code]
    if code.isupper():
        return code.replace("_", " ").capitalize()
    return _NUMBER.sub("…", _DETAIL.sub("", reason)).rstrip(" .")


def _why_unfilled(outcome: OrderOutcome, orders: Orders) -> str:
    total = outcome.orders
    refused = outcome.denied + outcome.rejected
    most = outcome.reasons[0].reason if outcome.reasons else ""
    if refused == total:
        verb = "denied" if not outcome.rejected else "rejected" if not outcome.denied else "denied or rejected"
        return f"{_all(total)} {verb}. {_more(most, outcome)}."
    waiting = Counter(type_ for type_, state in zip(orders.type, orders.status, strict=True) if state not in _KINDS)
    kinds = " and ".join(_count(count, _type(type_)) for type_, count in waiting.most_common())
    rest = f"; {refused} more {'was' if refused == 1 else 'were'} refused: {_lower(most)}" if refused else ""
    return f"No order was filled: {kinds} waited for a price that did not come{rest}."


def _why_no_order(
    bars: int, received: int, subscriptions: Sequence[str], bar_types: Sequence[str], not_ready: Sequence[str]
) -> str:
    if not received and not subscriptions:
        return "No order was submitted, and no bar reached the strategy: it subscribed to none."
    if not received:
        return (
            f"No order was submitted, and no bar reached the strategy: it subscribed to {', '.join(subscriptions)}, "
            f"and the run has {', '.join(bar_types)}."
        )
    if not_ready:
        verb = "was" if len(not_ready) == 1 else "were"
        return f"No order was submitted: after {_count(received, 'bar')}, {' and '.join(not_ready)} {verb} still not ready."
    of = "" if received >= bars else f" of {bars:,}"
    return f"No order was submitted in {_count(received, 'bar', of)}: the strategy's conditions were never met."


def _all(total: int) -> str:
    return "The only order was" if total == 1 else f"All {_count(total, 'order')} were"


def _more(most: str, outcome: OrderOutcome) -> str:
    return most if len(outcome.reasons) == 1 else f"Most often: {_lower(most)}"


def _count(number: int, noun: str, of: str = "") -> str:
    return f"{number:,}{of} {noun}" + ("" if number == 1 else "s")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _type(order_type: str) -> str:
    return f"{order_type.replace('_', ' ').lower()} order"
