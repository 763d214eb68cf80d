"""Two exponential moving averages: hold the instrument while the fast one is above the slow one."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class EmaCrossConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    fast: Annotated[int, Ge(2), Le(200)] = 10  # Bars of the fast average.
    slow: Annotated[int, Ge(3), Le(500)] = 20  # Bars of the slow average.
    invest: Annotated[float, Gt(0), Le(1)] = 0.95  # Share of the equity that goes into a position.


class EmaCross(Strategy):
    """Buy when the fast average rises above the slow one, sell when it falls below."""

    def __init__(self, config: EmaCrossConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(config.fast)
        self.slow = ExponentialMovingAverage(config.slow)

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        instrument_id = self.config.instrument_id
        flat = self.portfolio.is_net_flat(instrument_id)
        if flat and self.fast.value > self.slow.value:
            self.buy(bar)
        elif not flat and self.fast.value < self.slow.value:
            self.log.info(f"Averages crossed down at {bar.close}")
            self.close_all_positions(instrument_id)

    def buy(self, bar: Bar) -> None:
        instrument = self.cache.instrument(self.config.instrument_id)
        equity = self.portfolio.equity(self.config.instrument_id.venue)[instrument.quote_currency]
        quantity = instrument.make_qty(equity.as_double() * self.config.invest / bar.close.as_double())
        if quantity.as_double() > 0:
            self.log.info(f"Averages crossed up at {bar.close}: buy {quantity}")
            self.submit_order(
                self.order_factory.market(instrument_id=instrument.id, order_side=OrderSide.BUY, quantity=quantity)
            )
