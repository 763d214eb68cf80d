"""Seeded one-minute bars in a home of tino, as if they had been imported, for the benches: `python data.py <home> <bars>`.

A random walk of log prices around 100 with two decimals, each bar opening where the last one closed. The same number of bars is the
same file, byte for byte. No engine may run in the home: the file is written, and recorded in the database, as the engine does it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import numpy as np

from tino_engine.contracts import Instrument
from tino_engine.data.instruments import write_instrument
from tino_engine.data.store import Bars, write_bars
from tino_engine.ledger import Database, Writer, tables
from tino_engine.settings import Home

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


async def main(home: Home, count: int) -> None:
    """Store the bars and record them."""
    os.umask(0o077)
    catalog = home.data / "catalog"
    bars = make_bars(count)
    stored = write_bars(catalog, BAR_TYPE, INSTRUMENT, bars)
    write_instrument(catalog, INSTRUMENT)
    instrument = {"id": INSTRUMENT.id, "definition": INSTRUMENT.model_dump(mode="json"), "updated_at": 0}
    coverage = {
        "bar_type": BAR_TYPE,
        "instrument_id": INSTRUMENT.id,
        "bars": count,
        "from_at": int(bars.ts[0]) // 1_000_000,
        "to_at": int(bars.ts[-1]) // 1_000_000,
        "source": "generated",
        "hash": stored.hash,
        "files": [stored.file],
        "imported_at": 0,
    }
    home.database.parent.mkdir(parents=True, exist_ok=True)
    database = Database.open(home.database)
    writer = Writer(database)
    writer.start()
    await writer.write(
        lambda connection: connection.execute(tables.instruments.insert().values(instrument)), "instrument"
    )
    await writer.write(lambda connection: connection.execute(tables.coverage.insert().values(coverage)), "coverage")
    await writer.close()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(Home(Path(sys.argv[1]).resolve()), int(sys.argv[2])))
