"""Strategies that trade nothing, each for a reason of its own."""

from dataclasses import dataclass

from nautilus_trader.indicators import ExponentialMovingAverage, RelativeStrengthIndex
from nautilus_trader.model import Bar, BarType, InstrumentId, OrderSide, Price, Quantity
from nautilus_trader.trading import Strategy


@dataclass
class IdleConfig:
    bar_type: BarType
    instrument: InstrumentId


class Idle(Strategy):
    def __init__(self, config: IdleConfig) -> None:
        super().__init__(config)

    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        pass


class NoSubscription(Idle):
    def on_start(self) -> None:
        pass


class OtherBars(Idle):
    def on_start(self) -> None:
        self.subscribe_bars(BarType.from_str("TEST.XNAS-5-MINUTE-LAST-EXTERNAL"))


class NoTicks(Idle):
    def on_start(self) -> None:
        self.subscribe_quotes(self.config.instrument)


class NoHandler(Strategy):
    def __init__(self, config: IdleConfig) -> None:
        super().__init__(config)

    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)


class Unfed(Idle):
    def __init__(self, config: IdleConfig) -> None:
        super().__init__(config)
        self._rsi = RelativeStrengthIndex(5)

    def on_bar(self, bar: Bar) -> None:
        if self._rsi.initialized:
            raise AssertionError("it cannot be")


class NotReady(Unfed):
    def on_start(self) -> None:
        self.slow = ExponentialMovingAverage(200)
        self.register_indicator_for_bars(self.config.bar_type, self._rsi)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        super().on_start()

    def on_bar(self, bar: Bar) -> None:
        if self.slow.initialized:
            raise AssertionError("it cannot be")


class TooSmall(Idle):
    def on_bar(self, bar: Bar) -> None:
        instrument = self.cache.instrument(self.config.instrument)
        try:
            instrument.make_qty(20 / float(bar.close))
        except ValueError:
            return
        raise AssertionError("it cannot be")


class Refused(Idle):
    def on_bar(self, bar: Bar) -> None:
        self.submit_order(self.order_factory.market(self.config.instrument, OrderSide.BUY, Quantity(1_000_000, 0)))


class TooLow(Idle):
    def on_bar(self, bar: Bar) -> None:
        order = self.order_factory.limit(self.config.instrument, OrderSide.BUY, Quantity(1, 0), Price(9, 2))
        self.submit_order(order)


class SizeOfZero(Idle):
    def on_bar(self, bar: Bar) -> None:
        self.cache.instrument(self.config.instrument).make_qty(0.4)
