"""Does at each bar what its plan says: `{"0": [["market", "BUY", 10]], "2": [["close"]]}`; notes what it sees."""

import json
from dataclasses import dataclass

from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide, Price, Quantity, Venue
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class ScriptedConfig:
    bar_types: list[BarType]
    instruments: list[InstrumentId]
    plan: str = "{}"


class Scripted(Strategy):
    def __init__(self, config: ScriptedConfig) -> None:
        super().__init__(config)
        self.plan = json.loads(config.plan)
        self.seen = 0

    def on_start(self) -> None:
        for bar_type in self.config.bar_types:
            self.subscribe_bars(bar_type)

    def on_bar(self, bar: Bar) -> None:
        for step in self.plan.get(str(self.seen), []):
            getattr(self, step[0])(bar.bar_type.instrument_id, *step[1:])
        self.seen += 1

    def on_stop(self) -> None:
        for step in self.plan.get("stop", []):
            getattr(self, step[0])(self.config.instruments[0], *step[1:])

    def market(self, instrument_id, side, quantity, of=None):
        instrument_id = InstrumentId.from_str(of) if of else instrument_id
        self.submit_order(self.order_factory.market(instrument_id, OrderSide.from_str(side), Quantity(quantity, 0)))

    def limit(self, instrument_id, side, quantity, price):
        order = self.order_factory.limit(
            instrument_id, OrderSide.from_str(side), Quantity(quantity, 0), Price(price, 2)
        )
        self.submit_order(order)

    def stop_market(self, instrument_id, side, quantity, price):
        order = self.order_factory.stop_market(
            instrument_id, OrderSide.from_str(side), Quantity(quantity, 0), Price(price, 2)
        )
        self.submit_order(order)

    def bracket(self, instrument_id, side, quantity, stop, target):
        orders = self.order_factory.bracket(
            instrument_id,
            OrderSide.from_str(side),
            Quantity(quantity, 0),
            sl_trigger_price=Price(stop, 2),
            tp_price=Price(target, 2),
        )
        self.submit_order_list(orders)

    def cancel(self, instrument_id):
        self.cancel_all_orders(instrument_id)

    def close(self, instrument_id):
        self.close_all_positions(instrument_id)

    def equity(self, instrument_id):
        """Log NautilusTrader's own idea of the equity, of all venues together."""
        venues = {instrument.venue for instrument in self.config.instruments}
        total = sum(
            money.as_decimal() for venue in venues for money in self.portfolio.equity(Venue(str(venue))).values()
        )
        self.log.info(f"equity {total}")
