"""Subscribes to bars that the run does not have."""

from nautilus_trader.model import BarType
from nautilus_trader.trading import Strategy


class Elsewhere(Strategy):
    def on_start(self) -> None:
        self.subscribe_bars(BarType.from_str("NOPE.XNAS-1-DAY-LAST-EXTERNAL"))
