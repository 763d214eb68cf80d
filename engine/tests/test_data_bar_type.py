"""Bar types are read as NautilusTrader reads them."""

from __future__ import annotations

import itertools

import pytest
from nautilus_trader.model import BarType as NautilusBarType

from tino_engine.data import BarType
from tino_engine.errors import TinoError

AGGREGATIONS = (
    "MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH YEAR TICK TICK_IMBALANCE TICK_RUNS VOLUME VOLUME_IMBALANCE VOLUME_RUNS "
    "VALUE VALUE_IMBALANCE VALUE_RUNS RENKO FORTNIGHT"
).split()
STEPS = (0, 1, 2, 3, 5, 7, 8, 12, 15, 24, 30, 60, 90, 125, 500, 584, 585, 1000)
TEXTS = [
    *(f"AAPL.XNAS-{step}-{unit}-LAST-EXTERNAL" for step, unit in itertools.product(STEPS, AGGREGATIONS)),
    *(f"BTC-USDT.BINANCE-1-MINUTE-{price}-INTERNAL" for price in ("LAST", "MID", "BID", "ASK", "MARK", "CLOSE")),
    "ES.1.XCME-1-DAY-LAST-EXTERNAL",
    "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL",
    "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@7-MINUTE-EXTERNAL",
    "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@",
    "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@AAPL.XNAS-1-MINUTE-LAST-EXTERNAL",
    "AAPL-1-DAY-LAST-EXTERNAL",
    ".XNAS-1-DAY-LAST-EXTERNAL",
    "AAPL.-1-DAY-LAST-EXTERNAL",
    "AAPL.XNAS-1-DAY-LAST",
    "AAPL.XNAS-1-DAY-LAST-EXTERNAL ",
    "AAPL.XNAS",
    "",
]


def nautilus_reads(text: str) -> bool:
    try:
        return str(NautilusBarType.from_str(text)) == text
    except ValueError:
        return False


@pytest.mark.parametrize("text", [text for text in TEXTS if nautilus_reads(text)])
def test_what_nautilus_reads_is_read(text: str) -> None:
    assert str(BarType.parse(text)) == text


@pytest.mark.parametrize("text", [text for text in TEXTS if not nautilus_reads(text)])
def test_what_nautilus_refuses_is_refused(text: str) -> None:
    with pytest.raises(TinoError) as caught:
        BarType.parse(text, field="barType")
    assert (caught.value.code, caught.value.body.field) == ("bar_type_invalid", "barType")


def test_parts() -> None:
    assert BarType.parse("BTC-USDT.BINANCE-15-MINUTE-BID-INTERNAL@1-MINUTE-EXTERNAL") == BarType(
        "BTC-USDT.BINANCE", 15, "MINUTE", "BID", "INTERNAL", "1-MINUTE-EXTERNAL"
    )


def test_finest_first() -> None:
    order = [
        "1-SECOND-LAST",
        "30-SECOND-LAST",
        "1-MINUTE-LAST",
        "1-MINUTE-BID",
        "1-HOUR-LAST",
        "1-DAY-LAST",
        "100-TICK-LAST",
    ]
    read = [BarType.parse(f"A.B-{text}-EXTERNAL") for text in order]
    assert sorted(set(read), key=lambda bar_type: bar_type.fineness) == read


@pytest.mark.parametrize(
    ("text", "words"), [("1-DAY", "daily bars"), ("5-MINUTE", "5-minute bars"), ("100-TICK_RUNS", "100-tick runs bars")]
)
def test_in_words(text: str, words: str) -> None:
    assert BarType.parse(f"A.B-{text}-LAST-EXTERNAL").description == words
