"""What a simulation leaves, taken out of NautilusTrader's objects.

Its own reports take ten times as long. Orders are taken one by one from the cache rather than all at once: each object is a
copy with its events, and all of them together would be the peak of the run's memory.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from nautilus_trader.model import MarketOrder, OrderFilled

from tino_engine.backtest.records import Account, Fills, Orders, Positions

if TYPE_CHECKING:
    from nautilus_trader.common import Cache


def harvest_orders(cache: Cache) -> tuple[Orders, Fills]:
    """Give every order and every fill."""
    found: list[tuple[int, tuple[Any, ...], list[Any]]] = []
    for order_id in cache.client_order_ids():
        order: Any = cache.order(order_id)
        last = order.last_event
        filled = order.filled_qty.as_double()
        # Most orders end with the one fill that fills them, which saves looking through their events.
        if type(last) is OrderFilled and last.last_qty.as_double() == filled:
            average, fills = last.last_px.as_double(), [last]
        elif filled:
            average, fills = float(order.avg_px), [event for event in order.events() if type(event) is OrderFilled]
        else:
            average, fills = None, []
        row = _order(order, last, filled, average)
        # The cache gives orders in no order. An id ends with a number that counts up, unless random ones were wanted.
        number = row[-1].rpartition("-")[2]
        found.append((int(number) if number.isdecimal() else row[0], row, [_fill(row, event) for event in fills]))
    found.sort(key=lambda entry: (entry[0], entry[1][-1]))
    fills = [fill for _, _, own in found for fill in own]
    fills.sort(key=itemgetter(0))
    return _columns(Orders, [row for _, row, _ in found]), _columns(Fills, fills)


def harvest_positions(cache: Cache) -> Positions:
    """Give every position, by opening time, instrument and entry order."""
    # With netting, the cache keeps one position for an instrument and a snapshot of it each time it was closed and reopened.
    rows = [_position(position) for position in (*cache.position_snapshots(), *cache.positions())]
    rows.sort(key=itemgetter(0, 2, 9))
    return _columns(Positions, rows)


def harvest_account(account: Any, start: float) -> Account:
    """Give the balance of an account with one currency over time."""
    events = account.events
    ts = np.fromiter((event.ts_event for event in events), np.int64, len(events))
    total = np.fromiter((event.balances[0].total.as_double() for event in events), np.float64, len(events))
    return Account(start, ts, total)


def _order(order: Any, last: Any, filled: float, average: float | None) -> tuple[Any, ...]:
    tags = order.tags
    limit = trigger = None
    if type(order) is not MarketOrder:
        # Only some types of order have these prices, and not each order of them: a trailing stop may wait for its own.
        limit, trigger = getattr(order, "price", None), getattr(order, "trigger_price", None)
    return (
        order.ts_init,
        order.instrument_id.value,
        order.side.name,
        order.order_type.name,
        order.quantity.as_double(),
        filled,
        average,
        None if limit is None else limit.as_double(),
        None if trigger is None else trigger.as_double(),
        order.status.name,
        None if type(last) is OrderFilled else getattr(last, "reason", None),
        ", ".join(tags) if tags else None,
        order.client_order_id.value,
    )


def _fill(order: tuple[Any, ...], event: Any) -> tuple[Any, ...]:
    return (
        event.ts_event,
        order[1],
        order[2],
        event.last_qty.as_double(),
        event.last_px.as_double(),
        0.0 if event.commission is None else event.commission.as_double(),
        event.liquidity_side.name,
        order[-1],
    )


def _position(position: Any) -> tuple[Any, ...]:
    is_open = position.is_open
    realized = position.realized_pnl
    long = position.entry.name == "BUY"
    quantity, entry_price, exit_price = position.peak_qty.as_double(), position.avg_px_open, position.avg_px_close
    opened, closed = position.ts_opened, None if is_open else position.ts_closed
    fills = None
    if closed is None or position.event_count > 2:
        fills = [
            (event.ts_event, event.last_qty.as_double() * (1 if event.is_buy else -1), event.last_px.as_double())
            for event in position.events()
        ]
    return (
        opened,
        closed,
        position.instrument_id.value,
        "LONG" if long else "SHORT",
        quantity,
        entry_price,
        exit_price,
        0.0 if realized is None else realized.as_double(),
        sum([fee.as_double() for fee in position.commissions()]),
        position.opening_order_id.value,
        None if is_open else position.closing_order_id.value,
        fills,
    )


def _columns[T](kind: type[T], rows: list[tuple[Any, ...]]) -> T:
    return kind(*map(list, zip(*rows, strict=True))) if rows else kind()
