"""Takes bars of two stored types, and a third that NautilusTrader makes of the first."""

from dataclasses import dataclass

from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model import BarType
from nautilus_trader.trading import Strategy


@dataclass
class TwoSpeedsConfig:
    minutes: BarType
    hours: BarType


class TwoSpeeds(Strategy):
    def __init__(self, config: TwoSpeedsConfig) -> None:
        super().__init__(config)
        self.fast = SimpleMovingAverage(2)
        self.slow = SimpleMovingAverage(2)
        self.own = SimpleMovingAverage(2)

    def on_start(self) -> None:
        made = BarType.from_str("TEST.XNAS-10-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL")
        for bar_type, indicator in ((self.config.minutes, self.fast), (self.config.hours, self.slow), (made, self.own)):
            self.register_indicator_for_bars(bar_type, indicator)
            self.subscribe_bars(bar_type)
