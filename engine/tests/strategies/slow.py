"""Takes its time at each bar."""

import time
from dataclasses import dataclass

from nautilus_trader.model import Bar, BarType
from nautilus_trader.trading import Strategy


@dataclass
class SlowConfig:
    bar_type: BarType


class Slow(Strategy):
    def __init__(self, config: SlowConfig) -> None:
        super().__init__(config)

    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        time.sleep(0.01)
