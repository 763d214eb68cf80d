"""Trades each time its average is ready; notes what it sees."""

from dataclasses import dataclass

from nautilus_trader.indicators import MovingAverageConvergenceDivergence, SimpleMovingAverage
from nautilus_trader.model import Bar, BarType, OrderSide, Quantity
from nautilus_trader.trading import Strategy


@dataclass
class WarmsConfig:
    bar_type: BarType
    period: int = 5
    size: int = 1


class Warms(Strategy):
    def __init__(self, config: WarmsConfig) -> None:
        super().__init__(config)
        self.average = SimpleMovingAverage(config.period)

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.average)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        self.log.info(f"{bar.close} {self.average.initialized}")
        instrument_id = bar.bar_type.instrument_id
        self.submit_order(self.order_factory.market(instrument_id, OrderSide.BUY, Quantity(self.config.size, 0)))


class Slow(Warms):
    """An indicator that needs more bars than any of its periods says."""

    def __init__(self, config: WarmsConfig) -> None:
        super().__init__(config)
        self.macd = MovingAverageConvergenceDivergence(3, 6)

    def on_start(self) -> None:
        if self.macd.has_inputs or self.average.has_inputs:
            raise AssertionError("what was tried out has to be reset")
        self.register_indicator_for_bars(self.config.bar_type, self.macd)
        super().on_start()
