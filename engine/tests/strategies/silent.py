"""Does nothing at all."""

from nautilus_trader.trading import Strategy


class Silent(Strategy):
    pass
