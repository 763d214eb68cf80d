"""The floor of the sweep's bench: NautilusTrader alone, bars in memory, an engine for each point: `python bare_sweep.py <catalog> <part> <parts>`.

It reads, says `READY`, waits for a line, runs every `parts`-th of the 200 points, and says how many orders there were.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from itertools import islice, product

from ema_flip import EmaFlip, EmaFlipConfig
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import AccountType, BarType, Currency, InstrumentId, Money, OmsType, Venue
from nautilus_trader.persistence import ParquetDataCatalog

FAST, SLOW = range(2, 22), range(25, 35)


def main(catalog: ParquetDataCatalog, part: int, parts: int) -> None:
    """Run this part of the points."""
    instrument_id = InstrumentId.from_str("BENCH.XNAS")
    bar_type = BarType.from_str("BENCH.XNAS-1-MINUTE-LAST-EXTERNAL")
    bars = catalog.query_bars([str(bar_type)])
    (instrument,) = catalog.instruments([str(instrument_id)])
    config = BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True), run_analysis=False)
    usd = Currency.from_str("USD")
    BacktestEngine(config).dispose()
    print("READY", flush=True)
    sys.stdin.readline()
    orders = 0
    for fast, slow in islice(product(FAST, SLOW), part, None, parts):
        engine = BacktestEngine(config)
        engine.add_venue(
            venue=Venue("XNAS"),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            starting_balances=[Money(100_000, usd)],
            base_currency=usd,
            default_leverage=Decimal(1),
            fee_model=MakerTakerFeeModel(Decimal("0.0005"), Decimal("0.0005")),
            bar_adaptive_high_low_ordering=True,
        )
        engine.add_instrument(instrument)
        engine.add_data(bars)
        engine.add_strategy(EmaFlip(EmaFlipConfig(instrument_id, bar_type, fast, slow)))
        engine.run()
        orders += engine.get_result().total_orders
        engine.dispose()
    print(json.dumps({"orders": orders, "bars": len(bars)}), flush=True)


if __name__ == "__main__":
    main(ParquetDataCatalog(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
