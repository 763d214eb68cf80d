"""One CSV file of one-minute bars brought to Parquet: `python import_bars.py make|tino|pandas <file> <folder>`.

`make` writes a million seeded rows; `tino` imports them as the data worker does, checks, order, hash and durable write included; `pandas`
does what one would write by hand: `read_csv` with parsed times, `to_parquet`. Prints the milliseconds of the work, without imports.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tino_engine.contracts import ImportRequest
from tino_engine.data import bar_import

ROWS = 1_000_000


def make(file: Path) -> None:
    """Write a random walk with two decimals."""
    random = np.random.default_rng(20_260_101)
    closes = np.rint(10_000 * np.exp(np.cumsum(random.normal(0, 0.0005, ROWS)))) / 100
    opens = np.concatenate([[100.0], closes[:-1]])
    columns = {
        "timestamp": pd.date_range("2020-01-01", periods=ROWS, freq="min").strftime("%Y-%m-%d %H:%M:%S"),
        "open": opens,
        "high": np.maximum(opens, closes) + 0.02,
        "low": np.minimum(opens, closes) - 0.02,
        "close": closes,
        "volume": random.integers(100, 10_000, ROWS),
    }
    pd.DataFrame(columns).to_csv(file, index=False, float_format="%.2f")


def main(what: str, file: Path, folder: Path) -> None:
    """Do one of them and print how long it took."""
    if what == "make":
        make(file)
        return
    choices = {"symbol": "BENCH.XNAS", "zone": "UTC"}
    request = ImportRequest.model_validate({"paths": [str(file)], "choices": choices})
    started = time.perf_counter()
    if what == "tino":
        result = bar_import.import_files(folder, request, {}, {}, lambda _: None)
    else:
        frame = pd.read_csv(file, parse_dates=["timestamp"])
        frame.to_parquet(folder / "bars.parquet")
    elapsed = time.perf_counter() - started
    if what == "tino":
        assert result["series"][0]["bars"] == ROWS, result
    print(elapsed * 1000)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
