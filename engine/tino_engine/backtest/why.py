"""Why a strategy traded nothing: what it had in front of it, and the nearest cause in it.

A run without trades looks like a flat line, whatever the reason. The causes are asked for in the order in which they stand between a
strategy and its first fill: data, handlers, indicators, sizes, conditions, risk engine, venue, price. The first that holds is
the nearest; what it rests on is given with every run, also with one that traded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tino_engine.contracts import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.backtest.recorder import Seat
    from tino_engine.backtest.records import Orders
    from tino_engine.contracts import OrderOutcome


@dataclass(frozen=True, slots=True)
class Seen:
    """What one strategy had in front of it.

    `bars` are the run's, `received` those of them that reached `on_bar`, after `warm_up` earlier ones, in which `withheld` orders were
    made; `bar_types` are the run's and `ticks` the instruments of which it has any. `subscriptions` are the bar types that
    the strategy asked for, `asked_ticks` the instruments. `not_ready` and `unfed` name indicators: those that wanted more bars, and those
    that nothing was fed to. `sizes_of_zero` counts sizes too small for an instrument.
    """

    bars: int
    received: int
    bar_types: Sequence[str]
    subscriptions: Sequence[str]
    handles_bars: bool = True
    ticks: Sequence[str] = ()
    asked_ticks: Sequence[str] = ()
    not_ready: Sequence[str] = ()
    unfed: Sequence[str] = ()
    sizes_of_zero: int = 0
    warm_up: int = 0
    withheld: int = 0


@dataclass(slots=True)
class Indicators:
    """The names of indicators that were of no use: see `Seen`."""

    not_ready: list[str] = field(default_factory=list)
    unfed: list[str] = field(default_factory=list)


def combine(seen: Sequence[Seen]) -> Seen:
    """Give what all strategies of a run had in front of them, together."""
    first = seen[0]
    if len(seen) == 1:
        return first
    return Seen(
        bars=first.bars,
        received=sum(one.received for one in seen),
        bar_types=first.bar_types,
        subscriptions=[name for one in seen for name in one.subscriptions],
        handles_bars=any(one.handles_bars for one in seen),
        ticks=first.ticks,
        asked_ticks=[name for one in seen for name in one.asked_ticks],
        not_ready=[name for one in seen for name in one.not_ready],
        unfed=[name for one in seen for name in one.unfed],
        sizes_of_zero=first.sizes_of_zero,
        warm_up=sum(one.warm_up for one in seen),
        withheld=sum(one.withheld for one in seen),
    )


def look_at_indicators(seat: Seat) -> Indicators:
    """Find what keeps a strategy's indicators from having values; while NautilusTrader's objects are there."""
    not_ready = seat.drawings.not_ready(seat.strategy)
    return Indicators(not_ready, _find_unfed(seat.strategy))


def explain(seen: Seen, outcome: OrderOutcome, orders: Orders) -> tuple[str, str]:
    """Give the cause and one sentence, for a strategy of which no order was filled."""
    if outcome.orders:
        return _why_unfilled(outcome, orders)
    return _why_no_order(seen)


def state_seen(seen: Seen, outcome: OrderOutcome) -> list[Statement]:
    """Word what the strategy had in front of it, in the order in which it matters."""
    warm_up = f", after {_count(seen.warm_up, 'bar')} of warm-up" if seen.warm_up else ""
    facts = {
        "Bars of the run": f"{seen.bars:,}, of {_list(seen.bar_types)}",
        "Bars received": f"{seen.received:,}{warm_up}",
        "Subscribed to": _list([*seen.subscriptions, *(f"ticks of {name}" for name in seen.asked_ticks)]) or "nothing",
        "Indicators not ready": _list(seen.not_ready),
        "Indicators fed with nothing": _list(seen.unfed),
        "Sizes rounded to zero": f"{seen.sizes_of_zero:,}" if seen.sizes_of_zero else "",
        "Orders withheld in the warm-up": f"{seen.withheld:,}" if seen.withheld else "",
        "Orders submitted": f"{outcome.orders:,}",
    }
    return [Statement(label=label, value=value) for label, value in facts.items() if value]


def _why_unfilled(outcome: OrderOutcome, orders: Orders) -> tuple[str, str]:
    total = outcome.orders
    refused = outcome.denied + outcome.rejected
    most = outcome.reasons[0].reason if outcome.reasons else ""
    if refused == total:
        verb = "denied" if not outcome.rejected else "rejected" if not outcome.denied else "denied or rejected"
        cause = "denied" if outcome.denied >= outcome.rejected else "rejected"
        return cause, f"{_all(total)} {verb}. {_more(most, outcome)}."
    refusals = ("DENIED", "REJECTED")
    waiting = Counter(type_ for type_, state in zip(orders.type, orders.status, strict=True) if state not in refusals)
    kinds = " and ".join(_count(count, _type(type_)) for type_, count in waiting.most_common())
    rest = f"; {refused} more {'was' if refused == 1 else 'were'} refused: {_lower(most)}" if refused else ""
    return "unfilled", f"No order was filled: {kinds} waited for a price that did not come{rest}."


def _why_no_order(seen: Seen) -> tuple[str, str]:
    none = "No order was submitted"
    if not seen.received and not seen.subscriptions:
        missing = [name for name in seen.asked_ticks if name not in seen.ticks]
        if missing:
            return "noTicks", f"{none}: the strategy subscribed to ticks of {_list(missing)}, and the run has none."
        if not seen.asked_ticks:
            return "noSubscription", f"{none}, and no bar reached the strategy: it subscribed to none."
    elif not seen.received:
        asked, had = ", ".join(seen.subscriptions), ", ".join(seen.bar_types)
        return "otherBars", f"{none}, and no bar reached the strategy: it subscribed to {asked}, and the run has {had}."
    elif not seen.handles_bars:
        return "noHandler", f"{none}: {_count(seen.received, 'bar')} came, and the strategy has no on_bar to take them."
    if seen.unfed:
        verb = "was" if len(seen.unfed) == 1 else "were"
        return (
            "indicatorsUnfed",
            f"{none}: {_and(seen.unfed)} {verb} never fed. register_indicator_for_bars does it, before subscribe_bars.",
        )
    if seen.not_ready:
        verb = "was" if len(seen.not_ready) == 1 else "were"
        bars = _count(seen.received + seen.warm_up, "bar")
        return "notReady", f"{none}: after {bars}, {_and(seen.not_ready)} {verb} still not ready."
    if seen.sizes_of_zero:
        return (
            "sizeOfZero",
            f"{none}: {_count(seen.sizes_of_zero, 'time')} the size was too small for the instrument and rounded to zero.",
        )
    if seen.withheld:
        return (
            "neverSubmitted",
            f"{none} after the warm-up, in which {_count(seen.withheld, 'order')} {'was' if seen.withheld == 1 else 'were'} withheld.",
        )
    of = "" if seen.received >= seen.bars else f" of {seen.bars:,}"
    return "neverSubmitted", f"{none} in {_count(seen.received, 'bar', of)}: the strategy's conditions were never met."


def _find_unfed(strategy: object) -> list[str]:
    """Name the indicators that a strategy keeps and that never had an input."""
    found = []
    for name, kept in vars(strategy).items():
        entries = kept.values() if isinstance(kept, dict) else kept if isinstance(kept, list | tuple) else (kept,)
        if any(_is_unfed(entry) for entry in entries):
            found.append(name.lstrip("_"))
    return found


def _is_unfed(kept: object) -> bool:
    return (
        type(kept).__module__ == "nautilus_trader.indicators"
        and not getattr(kept, "has_inputs", True)
        and not getattr(kept, "initialized", True)
    )


def _all(total: int) -> str:
    return "The only order was" if total == 1 else f"All {_count(total, 'order')} were"


def _more(most: str, outcome: OrderOutcome) -> str:
    return most if len(outcome.reasons) == 1 else f"Most often: {_lower(most)}"


def _count(number: int, noun: str, of: str = "") -> str:
    return f"{number:,}{of} {noun}" + ("" if number == 1 else "s")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _list(names: Sequence[str], most: int = 5) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _type(order_type: str) -> str:
    return f"{order_type.replace('_', ' ').lower()} order"
