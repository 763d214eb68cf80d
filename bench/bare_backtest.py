"""The floor of the backtest bench: the same strategy over the same catalog in NautilusTrader alone, and nothing else.

`python bare_backtest.py <catalog>` imports, says `READY`, waits for a line, builds, runs, and says how many orders there were. Whoever calls
it takes the time from the line that was sent to the line that comes back: a warm worker has its imports behind it, so they
count on neither side. The venue is tino's default one, but for what tino adds to record and to show.
"""

from __future__ import annotations

import json
import resource
import sys
from decimal import Decimal
from pathlib import Path

from ema_flip import EmaFlip, EmaFlipConfig
from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngine,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import AccountType, BarType, Currency, InstrumentId, NautilusDataType, OmsType


def main(catalog: Path) -> None:
    """Run, with logging off and chunks as tino has them."""
    instrument_id = InstrumentId.from_str("BENCH.XNAS")
    bar_type = BarType.from_str("BENCH.XNAS-1-MINUTE-LAST-EXTERNAL")
    venue = BacktestVenueConfig(
        name="XNAS",
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        starting_balances=["100000 USD"],
        base_currency=Currency.from_str("USD"),
        default_leverage=Decimal(1),
        fee_model=MakerTakerFeeModel(Decimal("0.0005"), Decimal("0.0005")),
        bar_adaptive_high_low_ordering=True,
    )
    data = BacktestDataConfig(
        data_type=NautilusDataType.Bar,
        catalog_path=str(catalog),
        instrument_id=instrument_id,
        bar_types=[str(bar_type)],
    )
    engine = BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True), run_analysis=False)
    config = BacktestRunConfig(
        id="bare",
        venues=[venue],
        data=[data],
        engine=engine,
        chunk_size=10_000,
        dispose_on_completion=False,
        raise_exception=True,
    )
    node = BacktestNode([config])
    node.build()
    node.add_strategy("bare", EmaFlip(EmaFlipConfig(instrument_id, bar_type)))
    (result,) = node.run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"orders": result.total_orders, "bars": result.iterations, "peak": peak}), flush=True)


if __name__ == "__main__":
    # The first engine of a process imports more, asyncio among it.
    BacktestEngine(BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True))).dispose()
    print("READY", flush=True)
    sys.stdin.readline()
    main(Path(sys.argv[1]).resolve())
