"""What all peers of the bench share: the prices, the strategy's decisions in plain Python, and how the bench speaks to a script.

The strategy is that of `bench/ema_flip.py`: two exponential averages; from the 20th bar on, long one share
while the fast one is at or above the slow one, else short one, by one market order filled at the close of the bar that decides.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

FAST, SLOW = 10, 20
CASH = 1_000_000.0


class Average:
    """An exponential average that begins, as NautilusTrader's does, with the mean of the first `period` closes."""

    def __init__(self, period: int) -> None:
        self.value = 0.0
        self._period, self._weight, self._count = period, 2 / (period + 1), 0

    def add(self, close: float) -> None:
        """Take a close."""
        self._count += 1
        if self._count <= self._period:
            self.value += close / self._period
        else:
            self.value = self._weight * close + (1 - self._weight) * self.value


class Crossing:
    """The two averages, fed close by close."""

    def __init__(self) -> None:
        self._fast, self._slow = Average(FAST), Average(SLOW)
        self._bars = 0
        self.position = 0

    def decide(self, close: float) -> int:
        """Give the order after this close: how many shares to buy, negative to sell, 0 for none."""
        self._bars += 1
        self._fast.add(close)
        self._slow.add(close)
        if self._bars < SLOW:
            return 0
        wanted = 1 if self._fast.value >= self._slow.value else -1
        order, self.position = wanted - self.position, wanted
        return order


def load(path: str) -> dict[str, np.ndarray]:
    """Read `ts` (int64, nanoseconds) and `open`, `high`, `low`, `close`, `volume` (float64)."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def follow(closes: np.ndarray) -> tuple[int, float]:
    """Give the orders and the profit that the rules come to, without any engine."""
    crossing, orders, cash = Crossing(), 0, 0.0
    for close in closes.tolist():
        order = crossing.decide(close)
        orders += order != 0
        cash -= order * close
    return orders, cash + crossing.position * float(closes[-1])


def serve(
    run: Callable[[Any], tuple[int, float]],
    prepare: Callable[[dict[str, np.ndarray]], Any] = lambda bars: bars,
    count: Callable[[Any], int] = lambda bars: len(bars["ts"]),
) -> None:
    """Prepare, say `READY`, wait for a line, run, say what came of it."""
    prepared = prepare(load(sys.argv[1]))
    print("READY", flush=True)
    sys.stdin.readline()
    orders, profit = run(prepared)
    print(json.dumps({"bars": count(prepared), "orders": orders, "profit": round(profit, 6)}), flush=True)
