from nautilus_trader.trading import Strategy


class BlockedConfig:
    table: dict[str, int]


class Blocked(Strategy):
    def __init__(self, config: BlockedConfig): ...
