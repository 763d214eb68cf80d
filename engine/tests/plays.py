"""Runs of the scripted strategy on a few bars: what happens to its orders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runs import DAY, START, STRATEGIES, Finished, request, run, store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Open, high, low, close. Bar 1's low is nearer to its open than its high, bar 2 gaps down, bar 3 gaps up.
BARS = [(100, 105, 95, 102), (103, 108, 99, 104), (90, 93, 88, 91), (120, 125, 115, 118), (118, 119, 117, 118)]

NO_FEES = {"makerFee": "0", "takerFee": "0"}


def play(
    tmp_path: Path,
    plan: dict[str, list[list[Any]]],
    bars: Sequence[tuple[float, float, float, float]] = BARS,
    volume: int = 1_000_000,
    **venue: Any,
) -> Finished:
    data = store(tmp_path / "catalog", bars, volume=volume)
    parameters = {"plan": json.dumps(plan)}
    return run(
        request(tmp_path / "run", STRATEGIES / "scripted.py", [data], parameters=parameters, venue={**NO_FEES, **venue})
    )


def fills(result: Finished) -> list[tuple[int, str, float, float, str]]:
    """Bar, side, quantity, price and liquidity of each fill."""
    table = result.table("fills")
    bars = [(int(ts.value) - START) // DAY - 1 for ts in table["ts"]]
    return list(zip(bars, table["side"], table["quantity"], table["price"], table["liquidity"], strict=True))
