"""Lines that a strategy draws on the chart of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PRICE = "price"
"""The pane of the candles."""

sink: Callable[[str, float | None, str], None] | None = None
"""Who takes the values: set by tino for as long as a run lasts."""


def plot(name: str, value: float | None, pane: str = PRICE) -> None:
    """Draw a value of the line `name` at the current time.

    A line has one value a bar: the last one drawn counts. None or NaN leaves a gap. `pane` is "price" for the candles' own
    pane or any other name for a pane below it; the first call of a line decides. Registered indicators need no `plot`.
    """
    if sink is not None:
        sink(name, value, pane)
