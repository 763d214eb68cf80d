"""Waits for an indicator that needs more bars than there are."""

from dataclasses import dataclass

from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model import Bar, BarType
from nautilus_trader.trading import Strategy


@dataclass
class ColdConfig:
    bar_type: BarType


class Cold(Strategy):
    def __init__(self, config: ColdConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(3)
        self.slow = ExponentialMovingAverage(200)

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if self.indicators_initialized():
            raise AssertionError("it cannot be")
