"""What this desk's strategies have in common."""

from nautilus_trader.trading import Strategy

from lib.sizing import shares


class Base(Strategy):
    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

    def size(self, price):
        return shares(self.config.invest, price)
