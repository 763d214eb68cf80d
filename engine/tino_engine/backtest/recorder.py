"""The one place where tino stands between NautilusTrader and the user's strategy.

**Errors.** NautilusTrader catches what a callback raises, logs it and goes on, so that a crashed strategy looks like a
finished run; `KeyboardInterrupt` and `SystemExit` too, and in `on_dispose` it aborts the process. So every `on_*` that
the user's class defines is wrapped, and every function it hands over (timers, topics, requests): the first error is kept with its
traceback, the run is ended with `shutdown_system`, and no callback of the user's runs after that.

**Cancelling and progress.** Another thread may not touch a strategy: that aborts the process. It only sets `wanted`, which the
wrappers look at before each callback: the main thread then does what is to be done, in `_beat`. Who sets the flag writes
what it wants first and the flag last, and `_beat` lowers the flag first and looks afterwards, so that nothing asked for is
missed. A ticker raises it ten times a second for progress; cancelling raises it for good.

**Several strategies.** One recorder watches all strategies of a run; each has a seat, which keeps what is its own: its drawings, its bars,
what it subscribed to. An error in one of them ends the run for all.

**Warm-up.** Until the first bar that counts, orders are not sent: they are counted and forgotten, as if the strategy had not made
them. The flag stays raised meanwhile, so that `_beat` sees the end of it and nothing has to be asked at each bar afterwards.

**Cost.** A run calls `on_bar` half a million times and more. Its wrapper looks at the flag, counts, and calls the sampler of
the drawings if there is one: 0.1 µs and 0.2 µs.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import getattr_static
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tino import drawing
from tino_engine.backtest.drawings import Drawings
from tino_engine.backtest.run_log import RunLog, StrategyLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tino_engine.backtest.user_code import Place, UserCode

BEAT_SECONDS = 0.1
"""Time between two looks at the progress."""

_TIMERS = (
    "set_time_alert",
    "set_time_alert_ns",
    "set_timer",
    "set_timer_ns",
    "set_timer_zoned",
    "register_default_handler",
)
_TOPICS = ("subscribe_topic", "unsubscribe_topic")
_TICKS = ("subscribe_quotes", "subscribe_trades")
_CLOSES = ("close_position", "close_all_positions", "market_exit")


@dataclass(frozen=True, slots=True)
class Failure:
    """What the user's code raised, and from which callback of which strategy it came; None where that cannot be told."""

    callback: str
    error: BaseException
    strategy: str | None = None


class Seat:
    """What is recorded of one strategy.

    `bars` counts those that reached its `on_bar`, `warm_up_bars` those of them before the first that counts; `subscriptions` are the bar
    types it asked for, `ticks` the instruments whose quotes or trades; `handles_bars` tells whether it has an `on_bar` of its own.
    """

    __slots__ = (
        "bars",
        "drawings",
        "handles_bars",
        "label",
        "numbered",
        "strategy",
        "subscriptions",
        "tag",
        "ticks",
        "warm_up_bars",
        "withheld",
    )

    def __init__(self, label: str, drawings: Drawings, *, handles_bars: bool) -> None:
        self.label = label
        self.drawings = drawings
        self.handles_bars = handles_bars
        self.strategy: Any = None
        self.tag = ""
        self.bars = 0
        self.warm_up_bars = 0
        self.withheld = 0
        self.subscriptions: list[str] = []
        self.ticks: list[str] = []
        self.numbered: dict[int, Place] = {}


class Recorder:
    """Watches the strategies of one run. Everything but `cancel` belongs to the main thread.

    `drawings` are those of the first strategy; `seats` are in the order of installing.
    """

    __slots__ = (
        "_cancelled",
        "_current",
        "_guards",
        "_on_beat",
        "_originals",
        "_over",
        "_places",
        "_running",
        "_strategy",
        "_thread",
        "_ts",
        "_warm_until",
        "code",
        "drawings",
        "failure",
        "log",
        "seats",
        "sizes_of_zero",
        "wanted",
    )

    def __init__(self, code: UserCode, on_beat: Callable[[int], None]) -> None:
        self.code = code
        self.failure: Failure | None = None
        self.drawings = Drawings()
        self.log = RunLog(code, self.now)
        self.seats: list[Seat] = []
        self.sizes_of_zero = 0
        self.wanted = True
        self._current: Seat | None = None
        self._warm_until: int | None = None
        self._cancelled = False
        self._over = False
        self._running = False
        self._ts = 0
        self._on_beat = on_beat
        self._strategy: Any = None
        self._thread = threading.get_ident()
        self._guards: dict[Any, Callable[..., Any]] = {}
        self._places: dict[str, Place] = {}

    # -- from any thread -------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End the run at the next callback."""
        self._cancelled = True
        self.wanted = True

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants the run to end."""
        return self._cancelled

    # -- around the run --------------------------------------------------------------------------------------------

    def install(self, strategy_class: Any, base: Any, start: int, label: str | None = None) -> Seat:
        """Wrap a class derived from `base`, NautilusTrader's Strategy, once, before it is instantiated; a class for each strategy.

        `start`, in nanoseconds, stands for the time until the run has one; `label` names the strategy among several.
        """
        self._ts = start
        seat = Seat(
            label or strategy_class.__name__,
            Drawings() if self.seats else self.drawings,
            handles_bars=strategy_class.on_bar is not base.on_bar,
        )
        self.seats.append(seat)
        for name in dir(strategy_class):
            if (
                name.startswith("on_")
                and name != "on_bar"
                and isinstance(getattr_static(strategy_class, name), FunctionType)
            ):
                setattr(strategy_class, name, self._guard(getattr(strategy_class, name), name, seat))
        strategy_class.on_bar = self._on_bar(strategy_class.on_bar, seat)
        strategy_class.submit_order = self._submit_order(strategy_class.submit_order, seat)
        strategy_class.submit_order_list = self._submit_order_list(strategy_class.submit_order_list, seat)
        strategy_class.subscribe_bars = self._subscribe_bars(strategy_class.subscribe_bars, seat)
        strategy_class.register_indicator_for_bars = self._register_indicator(
            strategy_class.register_indicator_for_bars, seat
        )
        for name in _TICKS:
            setattr(strategy_class, name, self._subscribe_ticks(getattr(strategy_class, name), seat))
        for name in _CLOSES:
            setattr(strategy_class, name, self._closes(getattr(strategy_class, name), seat))
        for name in _TOPICS:
            setattr(strategy_class, name, self._takes_functions(getattr(strategy_class, name), named_again=True))
        if strategy_class.log is base.log:
            log = StrategyLog(self.log, seat.label)
            strategy_class.log = property(lambda _strategy: log)
        return seat

    @contextmanager
    def recording(
        self, strategies: Any, clock: Any, *, instruments: Iterable[Any] = (), warm_until: int | None = None
    ) -> Iterator[None]:
        """Take what the strategies print and plot, and guard their timers, while they run.

        `strategies` is one, or a list of them in the order of installing. `clock` and `instruments` are NautilusTrader's classes, of
        timers and of what rounds sizes. Orders made before `warm_until`, nanoseconds, are not sent.
        """
        strategies = strategies if isinstance(strategies, list) else [strategies]
        for seat, strategy in zip(self.seats, strategies, strict=True):
            seat.strategy = strategy
        self._strategy = strategies[0]
        self._warm_until = warm_until
        self._running = True
        originals = [
            *((clock, name, getattr(clock, name)) for name in _TIMERS),
            *((kind, "make_qty", kind.make_qty) for kind in instruments),
        ]
        for owner, name, method in originals:
            setattr(owner, name, self._takes_functions(method) if owner is clock else self._makes_size(method))
        drawing.sink = self._plot
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(stop,), name="ticker", daemon=True)
        ticker.start()
        try:
            yield
        finally:
            stop.set()
            ticker.join()
            drawing.sink = None
            for owner, name, method in originals:
                setattr(owner, name, method)
            for seat in self.seats:
                seat.tag = str(seat.strategy.strategy_id).rpartition("-")[2]
            self.now()  # The time that counts from here on: what is still printed belongs to the end.
            self._running = False

    def tick(self, ts: int) -> None:
        """Look at the flag at a time of the run: for a strategy whose callbacks are seldom called or not at all."""
        if self.wanted:
            self._beat(ts)

    def release(self) -> None:
        """Let go of the strategies: they may die only on the thread that made them, and not when another one looks for cycles."""
        self._strategy = None
        for seat in self.seats:
            seat.strategy = None

    # -- what was recorded -----------------------------------------------------------------------------------------

    def now(self) -> int:
        """Give the time in the run, nanoseconds; between bars to other threads, which may not ask the strategy's clock."""
        if self._running and threading.get_ident() == self._thread:
            self._ts = self._strategy.clock.timestamp_ns()
        return self._ts

    def find_places(self, order_ids: Iterable[str | None]) -> list[Place | tuple[None, None]]:
        """Give the line of the user's code that submitted each order; no line where there was no order."""
        places = self._places
        return [places.get(order_id) or self._find_numbered(order_id) for order_id in order_ids]  # type: ignore[arg-type]

    # -- wrappers --------------------------------------------------------------------------------------------------

    def _on_bar(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        drawings = seat.drawings

        def on_bar(strategy: Any, bar: Any) -> None:
            if self.wanted and self._beat(bar.ts_event):
                return
            seat.bars += 1
            self._current = seat
            try:
                method(strategy, bar)
                if drawings.sample is not None:
                    drawings.sample(bar)
            except BaseException as error:  # noqa: BLE001 - the run fails with it, whatever it is
                self._fail("on_bar", error, seat)

        return on_bar

    def _guard(self, function: Callable[..., Any], name: str, seat: Seat | None) -> Callable[..., Any]:
        def guarded(*arguments: Any, **keywords: Any) -> Any:
            if self.wanted and self._beat(None):
                return None
            if seat is not None:
                self._current = seat
            try:
                return function(*arguments, **keywords)
            except BaseException as error:  # noqa: BLE001 - the run fails with it, whatever it is
                self._fail(name, error, seat)

        return guarded

    def _takes_functions(self, method: Callable[..., Any], *, named_again: bool = False) -> Callable[..., Any]:
        """Guard the functions among a method's arguments; the same one alike each time if the strategy will name it again."""

        def guard(argument: Any) -> Any:
            if not callable(argument):
                return argument
            known = self._guards.get(argument) if named_again else None
            if known is None:
                name = getattr(argument, "__name__", type(argument).__name__)
                known = self._guard(argument, name, self._find_seat(argument))
                if named_again:
                    self._guards[argument] = known
            return known

        def taking(owner: Any, *arguments: Any, **keywords: Any) -> Any:
            return method(owner, *map(guard, arguments), **{name: guard(value) for name, value in keywords.items()})

        return taking

    def _submit_order(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        def submit_order(strategy: Any, order: Any, *arguments: Any, **keywords: Any) -> Any:
            if self._warm_until is not None:
                seat.withheld += 1
                return None
            place = self.code.find_caller(sys._getframe(1))  # noqa: SLF001 - the one way to it
            if place is not None:
                self._places[str(order.client_order_id)] = place
            return method(strategy, order, *arguments, **keywords)

        return submit_order

    def _submit_order_list(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        def submit_order_list(strategy: Any, orders: Any, *arguments: Any, **keywords: Any) -> Any:
            if self._warm_until is not None:
                seat.withheld += 1
                return None
            place = self.code.find_caller(sys._getframe(1))  # noqa: SLF001 - the one way to it
            if place is not None:
                listed = hasattr(orders, "client_order_ids")
                ids = orders.client_order_ids() if listed else [order.client_order_id for order in orders]
                self._places.update(dict.fromkeys(map(str, ids), place))
            return method(strategy, orders, *arguments, **keywords)

        return submit_order_list

    def _closes(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        """Wrap what makes its orders inside NautilusTrader: they are the ones counted during the call."""

        def closes(strategy: Any, *arguments: Any, **keywords: Any) -> Any:
            place = self.code.find_caller(sys._getframe(1))  # noqa: SLF001 - the one way to it
            before = strategy.order_factory.get_client_order_id_count()
            try:
                return method(strategy, *arguments, **keywords)
            finally:
                if place is not None:
                    made = range(before + 1, strategy.order_factory.get_client_order_id_count() + 1)
                    seat.numbered.update(dict.fromkeys(made, place))

        return closes

    def _subscribe_bars(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        def subscribe_bars(strategy: Any, bar_type: Any, *arguments: Any, **keywords: Any) -> Any:
            result = method(strategy, bar_type, *arguments, **keywords)
            seat.subscriptions.append(str(bar_type))
            seat.drawings.subscribe(bar_type.standard())
            return result

        return subscribe_bars

    def _subscribe_ticks(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        def subscribe_ticks(strategy: Any, instrument_id: Any, *arguments: Any, **keywords: Any) -> Any:
            seat.ticks.append(str(instrument_id))
            return method(strategy, instrument_id, *arguments, **keywords)

        return subscribe_ticks

    def _register_indicator(self, method: Callable[..., Any], seat: Seat) -> Callable[..., Any]:
        def register_indicator_for_bars(strategy: Any, bar_type: Any, indicator: Any) -> Any:
            result = method(strategy, bar_type, indicator)
            seat.drawings.register(bar_type.standard(), indicator)
            return result

        return register_indicator_for_bars

    def _makes_size(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Count the sizes that are too small for an instrument: a strategy may take care not to trade them, and then trades nothing."""

        def make_qty(instrument: Any, *arguments: Any, **keywords: Any) -> Any:
            try:
                size = method(instrument, *arguments, **keywords)
            except ValueError as error:
                self.sizes_of_zero += "rounded to zero" in str(error)
                raise
            self.sizes_of_zero += size.is_zero()
            return size

        return make_qty

    # -- parts -----------------------------------------------------------------------------------------------------

    def _find_numbered(self, order_id: str | None) -> Place | tuple[None, None]:
        """Find an order by its number; its id ends with its strategy's tag and that number."""
        head, _, number = ("" if order_id is None else order_id).rpartition("-")
        if not number.isdecimal():
            return None, None
        for seat in self.seats:
            if len(self.seats) == 1 or seat.tag == head.rpartition("-")[2]:
                return seat.numbered.get(int(number)) or (None, None)
        return None, None

    def _find_seat(self, function: Any) -> Seat | None:
        owner = getattr(function, "__self__", None)
        return next((seat for seat in self.seats if seat.strategy is owner), self._current)

    def _plot(self, name: str, value: float | None, pane: str) -> None:
        seat = self._current or self.seats[0]
        seat.drawings.plot(self.now(), name, value, pane)

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT_SECONDS):
            self.wanted = True

    def _beat(self, ts: int | None) -> bool:
        """Do what is wanted; tell whether the run is over for the strategy."""
        self.wanted = False
        if self._cancelled and not self._over:
            self._end("cancelled")
        if self._over:
            self.wanted = True
            return True
        if self._running:
            self._ts = self.now() if ts is None else ts
            if self._warm_until is None or self._has_warmed_up(self._warm_until):
                self._on_beat(self._ts)
        return False

    def _has_warmed_up(self, until: int) -> bool:
        if self._ts < until:
            self.wanted = True
            return False
        self._warm_until = None
        for seat in self.seats:
            seat.warm_up_bars = seat.bars
        return True

    def _fail(self, callback: str, error: BaseException, seat: Seat | None) -> None:
        if self.failure is None:
            self.failure = Failure(callback, error, seat and seat.label)
        self._end(f"{callback} failed")

    def _end(self, reason: str) -> None:
        self._over = True
        self.wanted = True
        if self._running:
            self._strategy.shutdown_system(reason)
