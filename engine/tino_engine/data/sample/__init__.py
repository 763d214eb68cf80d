"""The samples that come with tino, daily and real: five US stocks as traded, and closes of 20 of the S&P 500; see README.md beside this file."""

from __future__ import annotations

import importlib.util
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

SP500_SOURCE = "Embedded sample: skfolio's S&P 500 closes, adjusted by their source"
_SP500 = {
    "AAPL": "Apple",
    "AMD": "Advanced Micro Devices",
    "BAC": "Bank of America",
    "BBY": "Best Buy",
    "CVX": "Chevron",
    "GE": "General Electric",
    "HD": "Home Depot",
    "JNJ": "Johnson & Johnson",
    "JPM": "JPMorgan Chase",
    "KO": "Coca-Cola",
    "LLY": "Eli Lilly",
    "MRK": "Merck",
    "MSFT": "Microsoft",
    "PEP": "PepsiCo",
    "PFE": "Pfizer",
    "PG": "Procter & Gamble",
    "RRC": "Range Resources",
    "UNH": "UnitedHealth",
    "WMT": "Walmart",
    "XOM": "Exxon Mobil",
}
SP500_INSTRUMENTS = tuple(
    _stock(symbol, "SP500", f"{name}, adjusted closes").model_copy(
        update={"price_precision": 3, "price_increment": "0.001"}
    )
    for symbol, name in _SP500.items()
)
"""Of a venue of their own: these are not the prices that AAPL.XNAS was traded at."""


def find_sp500() -> Path:
    """Find the file of closes inside of skfolio, without importing it. Raises FileNotFoundError."""
    package = importlib.util.find_spec("skfolio")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("skfolio is not installed")
    return Path(package.submodule_search_locations[0]) / "datasets" / "data" / "sp500_dataset.csv.gz"
