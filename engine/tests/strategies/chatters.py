"""Logs more than anybody reads."""

from dataclasses import dataclass

from nautilus_trader.model import BarType
from nautilus_trader.trading import Strategy


@dataclass
class ChattersConfig:
    bar_type: BarType
    lines: int = 10


class Chatters(Strategy):
    def on_start(self) -> None:
        for number in range(self.config.lines):
            self.log.info(f"line {number}")

    def __init__(self, config: ChattersConfig) -> None:
        super().__init__(config)
