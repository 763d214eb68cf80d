"""What a simulation leaves, as plain columns: orders, fills, positions, balances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class Orders:
    """Orders in the order of their making. Times in nanoseconds; None where an order has no such price."""

    ts: list[int] = field(default_factory=list)
    instrument: list[str] = field(default_factory=list)
    side: list[str] = field(default_factory=list)
    type: list[str] = field(default_factory=list)
    quantity: list[float] = field(default_factory=list)
    filled: list[float] = field(default_factory=list)
    average_price: list[float | None] = field(default_factory=list)
    limit_price: list[float | None] = field(default_factory=list)
    trigger_price: list[float | None] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    reason: list[str | None] = field(default_factory=list)
    tags: list[str | None] = field(default_factory=list)
    order_id: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Fills:
    """Fills in the order of time, those of one instant in the order of their orders. `fee` in the account's currency."""

    ts: list[int] = field(default_factory=list)
    instrument: list[str] = field(default_factory=list)
    side: list[str] = field(default_factory=list)
    quantity: list[float] = field(default_factory=list)
    price: list[float] = field(default_factory=list)
    fee: list[float] = field(default_factory=list)
    liquidity: list[str] = field(default_factory=list)
    order_id: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Positions:
    """Round trips, and positions still open: from flat to flat or to the opposite side.

    `closed`, `exit_price`, `exit_order_id` are None for an open one; `exit_price` is the mean of what was already closed.
    `result` is what was realised, after fees. `fills` holds, for each, its own part of each fill: time, signed quantity, price;
    None for one that was entered by one fill and left by one.
    """

    opened: list[int] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)
    instrument: list[str] = field(default_factory=list)
    side: list[str] = field(default_factory=list)
    quantity: list[float] = field(default_factory=list)
    entry_price: list[float] = field(default_factory=list)
    exit_price: list[float | None] = field(default_factory=list)
    result: list[float] = field(default_factory=list)
    fees: list[float] = field(default_factory=list)
    entry_order_id: list[str] = field(default_factory=list)
    exit_order_id: list[str | None] = field(default_factory=list)
    fills: list[list[tuple[int, float, float]] | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its starting balance, and `total` (float64) after each change at `ts` (int64, nanoseconds, not falling)."""

    start: float
    ts: np.ndarray
    total: np.ndarray
