"""Does a strategy look into the future? Run it on data that end earlier: up to there it must decide alike.

Whoever uses what lies behind the present bar, by an index that is one too high or by scaling with the whole sample, decides otherwise
when that is not there. So the run is repeated with the data ending at several bars: some spread evenly over the time, which finds who
uses the whole sample, and some at which something was decided, which finds who uses the next bar. The decisions, not what became of
the orders, are compared, up to the end of the shorter data; what is decided on stopping is none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Row = Sequence[Any]
    """Time in nanoseconds, what was decided, file, line."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first decision in which two runs differ: its time, and what each decided then, None being nothing."""

    ts: int
    whole: str | None
    cut: str | None
    path: str | None
    line: int | None


def choose_cuts(decided: Sequence[int], spread: Sequence[int], count: int) -> list[int]:
    """Choose times (nanoseconds, rising) at which data end: half of them at decisions, evenly among those, the rest `spread`."""
    times = sorted(set(decided))
    wanted = min(len(times), (count + 1) // 2)
    chosen = {times[(2 * number + 1) * len(times) // (2 * wanted)] for number in range(wanted)}
    others = [ts for ts in spread if ts not in chosen]
    left = count - len(chosen)
    chosen.update(others[number * len(others) // left] for number in range(left) if others)
    return sorted(chosen)


def compare(whole: Sequence[Row], cut: Sequence[Row], until: int) -> Difference | None:
    """Find the first difference up to a time, inclusive."""
    before, after = ([row for row in rows if row[0] <= until] for rows in (whole, cut))
    for number in range(max(len(before), len(after))):
        one = before[number] if number < len(before) else None
        other = after[number] if number < len(after) else None
        if one is not None and other is not None and (one[0], one[1]) == (other[0], other[1]):
            continue
        # Of two that differ in time the earlier one is what only one of the runs decided.
        if one is not None and (other is None or one[0] <= other[0]):
            shown = other[1] if other is not None and other[0] == one[0] else None
            return Difference(one[0], one[1], shown, one[2], one[3])
        assert other is not None
        return Difference(other[0], None, other[1], other[2], other[3])
    return None
