"""The bench's generated bars as arrays, for the peers, and what the rules come to on them: `python prices.py <bars> <file.npz>`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crossing import follow

from data import make_bars


def main(count: int, file: str) -> None:
    """Write the file; say orders and profit."""
    bars = make_bars(count)
    prices = {name: getattr(bars, name) / 10**bars.price_precision for name in ("open", "high", "low", "close")}
    np.savez(file, ts=bars.ts, volume=bars.volume.astype(float), **prices)
    orders, profit = follow(prices["close"])
    print(json.dumps({"orders": orders, "profit": round(profit, 6)}))


main(int(sys.argv[1]), sys.argv[2])
