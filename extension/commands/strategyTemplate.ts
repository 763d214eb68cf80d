/** The file that “New strategy” creates: small, runs as it is, shows where things go. Pure. */

/** Why a text is no class name, null when it is one. */
export function whyNotAName(name: string): string | null {
  if (name === "") return "Give it a name";
  if (!/^[A-Za-z_]\w*$/.test(name)) return "Letters, digits and underscores only, and no digit first";
  if (/^[a-z_]/.test(name)) return "A class begins with a capital letter";
  if (RESERVED.has(name)) return `${name} means something else in Python or NautilusTrader`;
  return null;
}

const RESERVED = new Set(["None", "True", "False", "Strategy", "Bar", "BarType", "InstrumentId", "OrderSide", "RelativeStrengthIndex"]);

/** `MeanReversion` → `mean_reversion.py`; a run of capitals is one word. */
export const fileNameOf = (name: string): string =>
  `${name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()}.py`;

/** Source of a strategy of that name. */
export const strategySource = (name: string): string => `from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le
from nautilus_trader.indicators import RelativeStrengthIndex
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class ${name}Config:
    """What can be set from outside: each field becomes a row of the form. The first two receive the chosen data."""

    instrument_id: InstrumentId
    bar_type: BarType
    period: Annotated[int, Ge(2), Le(200)] = 14  # Bars of the relative strength index.
    buy_below: Annotated[float, Ge(0), Le(100)] = 30.0  # Buy when the index falls below this.
    sell_above: Annotated[float, Ge(0), Le(100)] = 70.0  # Sell when it rises above this.
    invest: Annotated[float, Gt(0), Le(1)] = 0.95  # Share of the equity that goes into a position.


class ${name}(Strategy):
    """Buy what has fallen far, sell it when it has recovered."""

    def __init__(self, config: ${name}Config) -> None:
        super().__init__(config)
        self.rsi = RelativeStrengthIndex(config.period)

    def on_start(self) -> None:
        # A registered indicator is updated with each bar before on_bar, and drawn in the chart.
        self.register_indicator_for_bars(self.config.bar_type, self.rsi)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        flat = self.portfolio.is_net_flat(self.config.instrument_id)
        if flat and self.rsi.value < self.config.buy_below:
            self.buy(bar)
        elif not flat and self.rsi.value > self.config.sell_above:
            self.close_all_positions(self.config.instrument_id)

    def buy(self, bar: Bar) -> None:
        instrument = self.cache.instrument(self.config.instrument_id)
        equity = self.portfolio.equity(self.config.instrument_id.venue)[instrument.quote_currency]
        quantity = instrument.make_qty(equity.as_double() * self.config.invest / bar.close.as_double())
        if quantity.as_double() > 0:
            self.submit_order(
                self.order_factory.market(instrument_id=instrument.id, order_side=OrderSide.BUY, quantity=quantity)
            )
`;
