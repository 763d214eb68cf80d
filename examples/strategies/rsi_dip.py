"""Relative strength: buy a short weakness in a long rise, and leave when it is over."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt
from nautilus_trader.indicators import RelativeStrengthIndex, SimpleMovingAverage
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class RsiDipConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    period: Annotated[int, Ge(2), Le(50)] = 3  # Bars of the relative strength.
    trend: Annotated[int, Ge(10), Le(400)] = 200  # Bars of the average that the price must be above.
    weak: Annotated[float, Gt(0), Lt(100)] = 20.0  # Relative strength, from 0 to 100, to buy below.
    strong: Annotated[float, Gt(0), Lt(100)] = 65.0  # Relative strength to sell above.
    patience: Annotated[int, Ge(1), Le(250)] = 10  # Bars after which a position is closed in any case.
    invest: Annotated[float, Gt(0), Le(1)] = 0.95  # Share of the equity that goes into a position.

    def __post_init__(self) -> None:
        if self.weak >= self.strong:
            raise ValueError(f"weak ({self.weak}) must be less than strong ({self.strong})")


class RsiDip(Strategy):
    """Above the long average, buy when the relative strength is low, and sell when it is high or patience ends."""

    def __init__(self, config: RsiDipConfig) -> None:
        super().__init__(config)
        self.strength = RelativeStrengthIndex(config.period)
        self.trend = SimpleMovingAverage(config.trend)
        self.held = 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.strength)
        self.register_indicator_for_bars(self.config.bar_type, self.trend)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        instrument_id = self.config.instrument_id
        if self.portfolio.is_net_flat(instrument_id):
            if bar.close.as_double() > self.trend.value and self.strength.value < self.config.weak:
                self.buy(bar)
            return
        self.held += 1
        if self.strength.value > self.config.strong or self.held >= self.config.patience:
            self.log.info(f"Sell after {self.held} bars at relative strength {self.strength.value:.0f}")
            self.close_all_positions(instrument_id)

    def buy(self, bar: Bar) -> None:
        instrument = self.cache.instrument(self.config.instrument_id)
        equity = self.portfolio.equity(instrument.id.venue)[instrument.quote_currency].as_double()
        quantity = instrument.make_qty(equity * self.config.invest / bar.close.as_double(), True)
        if quantity.as_double() > 0:
            self.held = 0
            self.submit_order(self.order_factory.market(instrument.id, OrderSide.BUY, quantity))
