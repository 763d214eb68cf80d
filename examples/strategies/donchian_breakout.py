"""Donchian channel, the turtles' way: buy a new high, leave at a new low, and risk the same share of the equity each time."""

from collections import deque
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le
from nautilus_trader.indicators import AverageTrueRange
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide
from nautilus_trader.trading import Strategy

import tino


@dataclass(frozen=True)
class DonchianBreakoutConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    entry: Annotated[int, Ge(2), Le(400)] = 55  # Bars whose highest high is the entry.
    exit: Annotated[int, Ge(2), Le(400)] = 20  # Bars whose lowest low is the exit.
    risk: Annotated[float, Gt(0), Le(0.1)] = 0.01  # Share of the equity that two average true ranges may cost.
    invest: Annotated[float, Gt(0), Le(1)] = 0.95  # Share of the equity that a position may take at most.


class DonchianBreakout(Strategy):
    """Buy a close above the highest high of the bars before, sell a close below the lowest low of fewer bars."""

    def __init__(self, config: DonchianBreakoutConfig) -> None:
        super().__init__(config)
        self.range = AverageTrueRange(20)
        self.highs: deque[float] = deque(maxlen=config.entry)
        self.lows: deque[float] = deque(maxlen=config.exit)

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.range)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if len(self.highs) == self.config.entry and self.indicators_initialized():
            # The channel of the bars before this one: a bar cannot break out of what it is part of itself.
            highest, lowest = max(self.highs), min(self.lows)
            tino.plot("Entry", highest)
            tino.plot("Exit", lowest)
            self.trade(bar, highest, lowest)
        self.highs.append(bar.high.as_double())
        self.lows.append(bar.low.as_double())

    def trade(self, bar: Bar, highest: float, lowest: float) -> None:
        close = bar.close.as_double()
        instrument_id = self.config.instrument_id
        if self.portfolio.is_net_flat(instrument_id):
            if close > highest:
                self.buy(close)
        elif close < lowest:
            self.log.info(f"New low of {self.config.exit} bars at {bar.close}")
            self.close_all_positions(instrument_id)

    def buy(self, close: float) -> None:
        instrument = self.cache.instrument(self.config.instrument_id)
        equity = self.portfolio.equity(instrument.id.venue)[instrument.quote_currency].as_double()
        by_risk = equity * self.config.risk / (2 * self.range.value)
        quantity = instrument.make_qty(min(by_risk, equity * self.config.invest / close), True)
        if quantity.as_double() > 0:
            self.log.info(f"New high of {self.config.entry} bars: buy {quantity}")
            self.submit_order(self.order_factory.market(instrument.id, OrderSide.BUY, quantity))
