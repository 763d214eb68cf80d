"""What is stored: NautilusTrader's own layout, whole or not there."""

from __future__ import annotations

import errno
import os
import signal
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    BarType,
    BookType,
    Currency,
    InstrumentId,
    NautilusDataType,
    OmsType,
    OrderSide,
    OrderStatus,
    Quantity,
)
from nautilus_trader.persistence import ParquetDataCatalog
from nautilus_trader.trading import Strategy, StrategyConfig

from data.rig import DAY_NS, imported_series, make_bars, run_python, source_rows, store_series
from tino_engine.contracts import CorporateAction
from tino_engine.data import day_of, prices, sample, store
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tino_engine.data import Series
    from tino_engine.data.prices import Prepared

AAPL = sample.INSTRUMENTS[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def samples(folder: Path) -> dict[str, Series]:
    return imported_series(folder)


@pytest.mark.parametrize("precision", range(17))
def test_every_number_is_stored_exactly(tmp_path: Path, precision: int) -> None:
    """As decimals of 128 bits: Python's own say what they are."""
    edges = [1, 2**27 - 1, 2**27, 2**53 - 1, 123_456_789_012_345]
    values = np.array([*edges, *np.random.default_rng(precision).integers(1, 2**53, 500)], np.int64)
    ts = np.arange(1, len(values) + 1, dtype=np.int64)
    stored = store.write_bars(
        tmp_path,
        "A.X-1-DAY-LAST-EXTERNAL",
        AAPL,
        store.Bars(ts, values, values, values, values, values, precision, precision),
    )
    written = pq.read_table(tmp_path / stored.file)["close"].to_pylist()
    assert written == [Decimal(int(value)).scaleb(-precision) for value in values]


# -- NautilusTrader reads it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT"])
def test_nautilus_reads_exactly_the_source(samples: dict[str, Series], folder: Path, symbol: str) -> None:
    catalog = ParquetDataCatalog(str(folder / "catalog"))
    bars = catalog.query_bars([samples[symbol].bar_type])
    read = [tuple(value.as_decimal() for value in (b.open, b.high, b.low, b.close, b.volume)) for b in bars]
    assert read == [(row.open, row.high, row.low, row.close, Decimal(row.volume)) for row in source_rows()[symbol]]
    assert {(str(bar.bar_type), bar.close.precision, bar.volume.precision) for bar in bars} == {
        (samples[symbol].bar_type, 4, 0)
    }
    stored = prices.read(samples[symbol].files)["ts"].tolist()
    assert [bar.ts_event for bar in bars] == [bar.ts_init for bar in bars] == stored


def test_nautilus_reads_the_instruments(folder: Path, samples: dict[str, Series]) -> None:
    read = {str(item.id): item for item in ParquetDataCatalog(str(folder / "catalog")).instruments()}
    assert set(read) == {series.instrument.id for series in samples.values()}
    for series in samples.values():
        item = read[series.instrument.id].to_dict()
        assert (item["type"], item["raw_symbol"], item["currency"]) == ("Equity", series.instrument.symbol, "USD")
        assert (item["price_precision"], item["price_increment"], item["lot_size"]) == (4, "0.0001", "1")
        assert (item["margin_init"], item["margin_maint"]) == ("1", "1")


@pytest.mark.parametrize("adjustment", ["none", "splits", "splitsAndDividends"])
def test_nautilus_trades_on_prepared_bars(samples: dict[str, Series], folder: Path, adjustment: str) -> None:
    prepared = prices.prepare(samples["AAPL"], adjustment, folder / "adjusted")
    closes = [Decimal(repr(close)) for close in prices.read(prepared)["close"].tolist()]
    seen, fills = trade(prepared, buy_at=1000)
    assert seen == closes
    # A market order fills at the close it saw: the price has the instrument's decimals and is a multiple of its increment.
    assert fills == [(OrderStatus.FILLED, closes[1000])]


def trade(prepared: Prepared, buy_at: int) -> tuple[list[Decimal], list[tuple[OrderStatus, Decimal]]]:
    """Run a backtest from a catalog; give the closes that the strategy saw and what became of its orders."""
    bar_type, instrument_id = prepared.bar_type, InstrumentId.from_str(prepared.instrument.id)
    usd = Currency.from_str("USD")

    class Once(Strategy):
        def __init__(self) -> None:
            super().__init__(StrategyConfig())
            self.closes: list[Decimal] = []

        def on_start(self) -> None:
            self.subscribe_bars(BarType.from_str(bar_type))

        def on_bar(self, bar) -> None:
            if len(self.closes) == buy_at:
                self.submit_order(self.order_factory.market(instrument_id, OrderSide.BUY, Quantity.from_int(1)))
            self.closes.append(bar.close.as_decimal())

    venue = BacktestVenueConfig(
        name=prepared.instrument.venue,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        book_type=BookType.L1_MBP,
        starting_balances=["100000 USD"],
        base_currency=usd,
        default_leverage=Decimal(1),
        fee_model=MakerTakerFeeModel(Decimal(0), Decimal(0)),
    )
    data = BacktestDataConfig(
        data_type=NautilusDataType.Bar,
        catalog_path=str(prepared.catalog),
        bar_types=[bar_type],
        instrument_id=instrument_id,
    )
    engine = BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True), run_analysis=False)
    config = BacktestRunConfig(
        id="run", engine=engine, venues=[venue], data=[data], chunk_size=1000, dispose_on_completion=False
    )
    node = BacktestNode([config])
    node.build()
    strategy = Once()
    node.add_strategy("run", strategy)
    node.run()
    outcome = [(order.status, order.avg_px) for order in node.get_engine_cache("run").orders()]
    node.dispose()
    return strategy.closes, outcome


# -- whole or not there --------------------------------------------------------------------------------------------------


def test_the_hash_is_of_the_rows_not_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = store_series(tmp_path / "one", make_bars(500))
    monkeypatch.setattr(store, "_ROW_GROUP", 10)
    other = store_series(tmp_path / "other", make_bars(500))
    assert one.files[0].read_bytes() != other.files[0].read_bytes()
    assert one.hash == other.hash
    assert store_series(tmp_path / "third", make_bars(500, seed=2)).hash != one.hash


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda bars: bars.ts.__setitem__(3, bars.ts[2]), "do not rise"),
        (lambda bars: bars.low.__setitem__(3, bars.close[3] + 1), "outside low and high"),
        (lambda bars: bars.high.__setitem__(3, bars.open[3] - 1), "outside low and high"),
        (lambda bars: bars.volume.__setitem__(3, -1), "negative"),
        (lambda bars: bars.high.__setitem__(3, 2**53), "15 digits"),
    ],
)
def test_what_cannot_be_bars_is_not_stored(tmp_path: Path, change: Callable[[store.Bars], None], words: str) -> None:
    bars = make_bars(10)
    change(bars)
    with pytest.raises(ValueError, match=words):
        store_series(tmp_path, bars)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = store_series(tmp_path, make_bars(100))
    split = CorporateAction(ex_day=day_of(AAPL, int(make_bars(100).ts[0]) + DAY_NS), kind="split", value=2.0)
    split_in_two = store_series(tmp_path / "daily", make_bars(5, step=DAY_NS), actions=(split,))

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TinoError) as caught:
        store_series(tmp_path, make_bars(200))
    assert caught.value.code == "disk_full"
    with pytest.raises(TinoError) as caught:
        prices.prepare(split_in_two, "splits", tmp_path / "adjusted")
    assert caught.value.code == "disk_full"
    monkeypatch.undo()
    assert len(prices.read(series.files)["ts"]) == 100
    assert not list((tmp_path / "catalog" / ".incoming").iterdir())
    assert not list((tmp_path / "adjusted").iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from tino_engine.data.importing import import_sample
step, name, left = getattr(os, sys.argv[2]), sys.argv[2], int(sys.argv[3])
def counted(*arguments, **options):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*arguments, **options)
setattr(os, name, counted)
import_sample(Path(sys.argv[1]))
"""


# Two files a series: each is synced, renamed, and its folder is synced.
@pytest.mark.parametrize(("call", "which"), [("fsync", 1), ("fsync", 2), ("fsync", 7), ("replace", 1), ("replace", 6)])
def test_an_import_that_is_killed_leaves_whole_files_only(tmp_path: Path, call: str, which: int) -> None:
    killed = run_python(KILLED, str(tmp_path / "catalog"), call, str(which))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = [file for file in (tmp_path / "catalog").rglob("*.parquet") if ".incoming" not in file.parts]
    for file in left:
        if "bars" in file.parts:
            assert len(prices.read([file])["ts"]) in (196, 2148, 3270)
    again = imported_series(tmp_path)
    assert sum(len(prices.read(series.files)["ts"]) for series in again.values()) == 12_154
    assert not (tmp_path / "catalog" / ".incoming").exists() or not list((tmp_path / "catalog" / ".incoming").iterdir())


def test_children_s_modules_load_no_database() -> None:
    code = "import sys, tino_engine.data.importing, tino_engine.data.serving; print(*{'sqlalchemy', 'pandas', 'nautilus_trader'} & set(sys.modules))"
    ran = run_python(code)
    assert (ran.returncode, ran.stdout.strip()) == (0, "")
