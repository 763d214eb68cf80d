"""Registers indicators of every kind and plots lines of its own."""

from dataclasses import dataclass

from nautilus_trader.indicators import (
    BollingerBands,
    ExponentialMovingAverage,
    RelativeStrengthIndex,
    SimpleMovingAverage,
)
from nautilus_trader.model import Bar, BarType
from nautilus_trader.trading import Strategy

import tino


class Middle:
    """An indicator in Python whose values are prices."""

    name = "Middle"

    def __init__(self, scale: float = 1) -> None:
        self.scale = scale
        self.value = None
        self.initialized = False
        self.has_inputs = False

    def handle_bar(self, bar: Bar) -> None:
        self.has_inputs = self.initialized = True
        self.value = (bar.high.as_double() + bar.low.as_double()) / 2 * self.scale

    def reset(self) -> None:
        self.value = None


class Tiny(Middle):
    """The same with values that are no prices."""

    def __init__(self) -> None:
        super().__init__(0.001)


@dataclass
class DrawsConfig:
    bar_type: BarType


class Draws(Strategy):
    def __init__(self, config: DrawsConfig) -> None:
        super().__init__(config)
        self.average = SimpleMovingAverage(5)
        self.bands = BollingerBands(20, 2.0)
        self.strength = RelativeStrengthIndex(14)
        self.many = [self.average, ExponentialMovingAverage(9)]
        self.middle = Middle()
        self.tiny = Tiny()
        self.seen = 0

    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)
        for indicator in (self.average, self.bands, self.strength, self.many[1], self.middle, self.tiny):
            self.register_indicator_for_bars(self.config.bar_type, indicator)
        self.register_indicator_for_bars(self.config.bar_type, self.average)

    def on_bar(self, bar: Bar) -> None:
        if self.seen == 9:
            self.register_indicator_for_bars(self.config.bar_type, ExponentialMovingAverage(3))
        if self.seen == 60:
            self.average.reset()
        tino.plot("mine", 1.0)
        tino.plot("mine", bar.close.as_double() / 2)
        tino.plot("every fifth", self.seen if self.seen % 5 == 0 else None, pane="below")
        self.seen += 1
