"""Never comes back, from the place its config names; says so to whoever reads the pipe before."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nautilus_trader.model import Bar, BarType
from nautilus_trader.trading import Strategy


@dataclass
class LoopsConfig:
    bar_type: BarType
    where: Literal["on_start", "on_bar", "init"] = "on_bar"
    pipe: str = ""


class Loops(Strategy):
    def __init__(self, config: LoopsConfig) -> None:
        super().__init__(config)
        if config.where == "init":
            self.spin(config)

    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)
        if self.config.where == "on_start":
            self.spin(self.config)

    def on_bar(self, bar: Bar) -> None:
        self.spin(self.config)

    def spin(self, config: LoopsConfig) -> None:
        if config.pipe:
            Path(config.pipe).write_text("spinning")
        while True:  # here
            pass
