"""The benches' strategy: always in the market, one order at each crossing of two averages, about 4.5 for 100 bars."""

from dataclasses import dataclass

from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide, Quantity
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class EmaFlipConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    fast: int = 10
    slow: int = 20


class EmaFlip(Strategy):
    """Long one share while the fast average is above the slow one, else short one."""

    def __init__(self, config: EmaFlipConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(config.fast)
        self.slow = ExponentialMovingAverage(config.slow)
        self.position = 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        wanted = 1 if self.fast.value >= self.slow.value else -1
        if wanted != self.position:
            side = OrderSide.BUY if wanted > 0 else OrderSide.SELL
            quantity = Quantity(float(abs(wanted - self.position)), 0)
            self.submit_order(self.order_factory.market(self.config.instrument_id, side, quantity))
            self.position = wanted
