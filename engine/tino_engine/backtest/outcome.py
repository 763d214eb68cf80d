"""What became of a strategy's orders; when nothing was traded, `why` finds the cause."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tino_engine.backtest.why import explain, state_seen
from tino_engine.contracts import OrderOutcome, RefusalReason

if TYPE_CHECKING:
    from tino_engine.backtest.records import Orders
    from tino_engine.backtest.why import Seen

_KINDS = {"DENIED": "denied", "REJECTED": "rejected"}
_NEVER_ACCEPTED = ("DENIED", "REJECTED", "INITIALIZED", "SUBMITTED", "EMULATED", "RELEASED")
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


def judge(orders: Orders, seen: Seen) -> OrderOutcome:
    """Sum up the orders of a strategy, or of all strategies of a run."""
    status = Counter(orders.status)
    filled = sum(quantity > 0 for quantity in orders.filled)
    unfilled_ended = sum(
        state in ("CANCELED", "EXPIRED") and not quantity
        for state, quantity in zip(orders.status, orders.filled, strict=True)
    )
    outcome = OrderOutcome(
        orders=len(orders.ts),
        accepted=len(orders.ts) - sum(status[state] for state in _NEVER_ACCEPTED),
        filled=filled,
        denied=status["DENIED"],
        rejected=status["REJECTED"],
        open=sum(count for state, count in status.items() if state not in _FINISHED),
        cancelled=unfilled_ended,
        reasons=_reasons(orders),
        no_trades=None,
    )
    update: dict[str, Any] = {"seen": state_seen(seen, outcome)}
    if not filled:
        update["cause"], update["no_trades"] = explain(seen, outcome, orders)
    return outcome.model_copy(update=update)


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
