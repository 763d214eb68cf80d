"""Bollinger bands, both ways: fade a close outside the bands, leave at the middle, with a stop order at the venue."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le
from nautilus_trader.indicators import AverageTrueRange, BollingerBands
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderFilled, OrderSide
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class BollingerReversionConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    period: Annotated[int, Ge(5), Le(200)] = 20  # Bars of the bands.
    width: Annotated[float, Gt(0), Le(5)] = 2.0  # Standard deviations from the middle to a band.
    stop: Annotated[float, Gt(0), Le(20)] = 3.0  # Average true ranges from the entry to the stop.
    invest: Annotated[float, Gt(0), Le(1)] = 0.45  # Share of the equity that goes into a position.
    short: bool = True  # Whether to sell short above the upper band.


class BollingerReversion(Strategy):
    """Buy below the lower band, sell short above the upper one, and leave at the middle or at the stop."""

    def __init__(self, config: BollingerReversionConfig) -> None:
        super().__init__(config)
        self.bands = BollingerBands(config.period, config.width)
        self.range = AverageTrueRange(config.period)

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.bands)
        self.register_indicator_for_bars(self.config.bar_type, self.range)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        close = bar.close.as_double()
        held = self.portfolio.net_position(self.config.instrument_id)
        if held == 0:
            if close < self.bands.lower:
                self.enter(OrderSide.BUY, close)
            elif close > self.bands.upper and self.config.short:
                self.enter(OrderSide.SELL, close)
        elif (close >= self.bands.middle) if held > 0 else (close <= self.bands.middle):
            self.log.info(f"Back at the middle: {bar.close}")
            self.cancel_all_orders(self.config.instrument_id)
            self.close_all_positions(self.config.instrument_id)

    def enter(self, side: OrderSide, close: float) -> None:
        instrument = self.cache.instrument(self.config.instrument_id)
        equity = self.portfolio.equity(instrument.id.venue)[instrument.quote_currency]
        quantity = instrument.make_qty(equity.as_double() * self.config.invest / close, True)
        if quantity.as_double() > 0:
            order = self.order_factory.market(
                instrument_id=instrument.id, order_side=side, quantity=quantity, tags=["entry"]
            )
            self.submit_order(order)

    def on_order_filled(self, event: OrderFilled) -> None:
        order = self.cache.order(event.client_order_id)
        if order.tags != ["entry"] or not order.is_closed:
            return
        # The stop is placed when the whole entry is filled: it must be as large as the position.
        long = order.side == OrderSide.BUY
        distance = self.config.stop * self.range.value
        instrument = self.cache.instrument(event.instrument_id)
        stop = self.order_factory.stop_market(
            instrument_id=instrument.id,
            order_side=OrderSide.SELL if long else OrderSide.BUY,
            quantity=order.filled_qty,
            trigger_price=instrument.make_price(event.last_px.as_double() + (-distance if long else distance)),
            reduce_only=True,
            tags=["stop"],
        )
        self.submit_order(stop)
