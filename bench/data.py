"""Seeded one-minute bars in a catalog, for the benches: `python data.py <catalog> <bars>`.

A random walk of log prices around 100 with two decimals, each bar opening where the last one closed. The same number of bars is the
same file, byte for byte. Prints, as JSON, the item of a run's request that names the series.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tino_engine.contracts import Instrument
from tino_engine.data.series import Series
from tino_engine.data.store import Bars, write_bars, write_instrument

SEED = 20_260_101
FIRST = 1_577_836_800 * 10**9  # 2020-01-01T00:00:00Z
MINUTE = 60 * 10**9
BAR_TYPE = "BENCH.XNAS-1-MINUTE-LAST-EXTERNAL"

INSTRUMENT = Instrument.model_validate(
    {
        "id": "BENCH.XNAS",
        "symbol": "BENCH",
        "venue": "XNAS",
        "assetClass": "equity",
        "name": "Random walk",
        "currency": "USD",
        "pricePrecision": 2,
        "priceIncrement": "0.01",
        "sizePrecision": 0,
        "lotSize": "1",
        "multiplier": "1",
        "timeZone": "UTC",
        "periodsPerYear": 252,
    }
)


def make_bars(count: int) -> Bars:
    """Make the bars, prices in cents."""
    random = np.random.default_rng(SEED)
    closes = np.rint(10_000 * np.exp(np.cumsum(random.normal(0, 0.0005, count)))).astype(np.int64)
    opens = np.concatenate([[10_000], closes[:-1]])
    highs = np.maximum(opens, closes) + random.integers(0, 5, count)
    lows = np.minimum(opens, closes) - random.integers(0, 5, count)
    ts = FIRST + MINUTE * np.arange(1, count + 1, dtype=np.int64)
    return Bars(ts, opens, highs, lows, closes, random.integers(100, 10_000, count), 2, 0)


def main(catalog: Path, count: int) -> None:
    """Store the bars and say what they are."""
    stored = write_bars(catalog, BAR_TYPE, INSTRUMENT, make_bars(count))
    write_instrument(catalog, INSTRUMENT)
    series = Series(INSTRUMENT, BAR_TYPE, (catalog / stored.file,), (), stored.hash)
    print(json.dumps({**series.to_params(), "rows": count, "source": "generated", "fromNs": None, "toNs": None}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
