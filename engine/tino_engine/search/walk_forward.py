"""Walk-forward: choose on the past, trade the next stretch, move on.

Days are the days on which the data has bars, numbered from 0. A window trains on `train` days, leaves `purge` days out and tests on
the next `test`; the next window starts `step` days later. *Rolling* windows keep their length, *anchored* ones all begin with the
first day. Of tests that overlap, because the step is shorter than the test, each counts until the next one begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Window:
    """Days by number, the ends exclusive. What is bought on training days is not judged by the test's, and the other way round."""

    train: tuple[int, int]
    test: tuple[int, int]


def make_windows(days: int, *, train: int, test: int, step: int, purge: int, anchored: bool) -> list[Window]:
    """Lay windows over so many days; a last test that is cut short stays out. Empty when not even one fits."""
    windows = []
    start = 0
    while (after := start + train + purge + test) <= days:
        windows.append(Window((0 if anchored else start, start + train), (after - test, after)))
        start += step
    return windows


def stitch(segments: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Chain the daily returns of the tests to one series: days (int64, rising) and returns (float64).

    A segment ends where the next one begins; days between two segments are not there.
    """
    days, returns = [], []
    for number, (own, values) in enumerate(segments):
        after = segments[number + 1][0] if number + 1 < len(segments) else own[:0]
        kept = own < after[0] if len(after) else np.ones(len(own), bool)
        days.append(own[kept])
        returns.append(values[kept])
    if not days:
        return np.empty(0, np.int64), np.empty(0)
    return np.concatenate(days), np.concatenate(returns)


def efficiency(inside: Sequence[float | None], outside: Sequence[float | None]) -> float | None:
    """Mean annual return of the tests over that of their training periods (R. Pardo, 2008); None where training lost money.

    One is a strategy that earns what its search promised, below one half is a warning.
    """
    pairs = [(a, b) for a, b in zip(inside, outside, strict=True) if a is not None and b is not None]
    trained = sum(a for a, _ in pairs)
    return sum(b for _, b in pairs) / trained if pairs and trained > 0 else None


def drift(chosen: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Say of each parameter how its chosen value moved: `changes` from window to window, `distinct` values, `low`, `high` and `spread`.

    The last three are of numbers alone, `spread` being their standard deviation over the absolute mean.
    """
    moved: dict[str, dict[str, Any]] = {}
    for name in chosen[0] if chosen else ():
        values = [choice.get(name) for choice in chosen]
        numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
        whole = len(numbers) == len(values)
        mean = float(np.mean(numbers)) if whole else 0.0
        moved[name] = {
            "changes": sum(a != b for a, b in pairwise(values)),
            "distinct": len({str(value) for value in values}),
            "low": min(numbers) if whole else None,
            "high": max(numbers) if whole else None,
            "spread": float(np.std(numbers)) / abs(mean) if whole and mean else None,
        }
    return moved
