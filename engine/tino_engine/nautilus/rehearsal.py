"""A small run that nobody asked for, before the first one that somebody did.

Whatever a process does for the first time takes longer: NautilusTrader builds its tables of currencies and its runtime, pyarrow loads
its functions, pydantic its validators, Python specialises its bytecode. Together that is a third of a second of each run, since each has
a process of its own. A warm spare has it behind it.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from tino_engine.contracts import Instrument, VenueModel
from tino_engine.data.instruments import write_instrument
from tino_engine.data.series import Series
from tino_engine.data.store import Bars, write_bars
from tino_engine.errors import TinoError
from tino_engine.nautilus.backtest import Backtest
from tino_engine.nautilus.simulation import without_pandas

_BARS = 200
_MINUTE = 60 * 10**9
_BAR_TYPE = "REHEARSAL.XNAS-1-MINUTE-LAST-EXTERNAL"
_INSTRUMENT = Instrument.model_validate(
    {
        "id": "REHEARSAL.XNAS",
        "symbol": "REHEARSAL",
        "venue": "XNAS",
        "assetClass": "equity",
        "name": "Rehearsal",
        "currency": "USD",
        "pricePrecision": 2,
        "priceIncrement": "0.01",
        "sizePrecision": 0,
        "lotSize": "1",
        "multiplier": "1",
        "timeZone": "America/New_York",
        "periodsPerYear": 252,
    }
)
_STRATEGY = f"""
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model import BarType, InstrumentId, OrderSide, Quantity
from nautilus_trader.trading import Strategy


class Rehearsal(Strategy):
    def on_start(self):
        bar_type = BarType.from_str("{_BAR_TYPE}")
        self.average = ExponentialMovingAverage(10)
        self.register_indicator_for_bars(bar_type, self.average)
        self.subscribe_bars(bar_type)
        self.bars = 0

    def on_bar(self, bar):
        self.bars += 1
        if self.indicators_initialized() and self.bars % 20 == 0:
            side = OrderSide.BUY if self.bars % 40 else OrderSide.SELL
            self.submit_order(self.order_factory.market(bar.bar_type.instrument_id, side, Quantity.from_int(1)))
"""


def warm_up() -> None:
    """Do what only the first run of a process has to."""
    # pyarrow looks for pandas when it first makes an array, and again until it has found it: half a second. After this it knows of none.
    try:
        with without_pandas(), tempfile.TemporaryDirectory(prefix="tino-rehearsal-") as folder:
            pa.array(np.empty(0))
            _rehearse(Path(folder))
    except (TinoError, OSError) as error:
        # Without it the first run takes a little longer; what is wrong will be the run's to say.
        print(f"The rehearsal failed: {error}", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the way to the engine's log
    # What was made stays: a search for cycles need not go through it again.
    gc.collect()
    gc.freeze()


def _rehearse(folder: Path) -> None:
    path = folder / "rehearsal.py"
    path.write_text(_STRATEGY)
    catalog = folder / "catalog"
    prices = 10_000 + np.arange(_BARS) % 17
    bars = Bars(
        _MINUTE * np.arange(1, _BARS + 1), prices, prices + 2, prices - 2, prices + 1, np.full(_BARS, 1_000), 2, 0
    )
    stored = write_bars(catalog, _BAR_TYPE, _INSTRUMENT, bars)
    write_instrument(catalog, _INSTRUMENT)
    series = Series(_INSTRUMENT, _BAR_TYPE, (catalog / stored.file,), (), stored.hash)
    result = folder / "result"
    result.mkdir()
    params = {
        "folder": str(result),
        "path": str(path),
        "name": "Rehearsal",
        "configName": None,
        "roots": [str(folder)],
        "parameters": {},
        "schema": [],
        "data": [{**series.to_params(), "rows": _BARS, "source": "generated", "fromNs": None, "toNs": None}],
        "adjustment": "none",
        "cache": str(folder / "adjusted"),
        "venue": VenueModel().model_dump(mode="json"),
    }
    Backtest(params, lambda _: None).execute()
