"""The sample that comes with tino: five US stocks, daily, real; see README.md beside this file."""

from __future__ import annotations

from pathlib import Path

from tino_engine.contracts import Instrument

DATA = Path(__file__).parent / "us-stocks-daily.csv.gz"
SOURCE = "Embedded sample: Quandl WIKI Prices, public domain"
"""Where the bars came from, for people."""

PRICE_PRECISION = 4
"""Decimals of the stored prices: four occur in every one of the five series."""


def _stock(symbol: str, venue: str, name: str) -> Instrument:
    return Instrument(
        id=f"{symbol}.{venue}",
        symbol=symbol,
        venue=venue,
        asset_class="equity",
        name=name,
        currency="USD",
        price_precision=PRICE_PRECISION,
        price_increment="0.0001",
        size_precision=0,
        lot_size="1",
        multiplier="1",
        time_zone="America/New_York",
        periods_per_year=252,
    )


INSTRUMENTS = (
    _stock("AAPL", "XNAS", "Apple Inc."),
    _stock("FB", "XNAS", "Facebook, Inc."),
    _stock("GOOG", "XNAS", "Google Inc."),
    _stock("IBM", "XNYS", "International Business Machines Corporation"),
    _stock("MSFT", "XNAS", "Microsoft Corporation"),
)
"""As they were named then. `symbol` is the file's ticker."""
