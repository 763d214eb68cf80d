"""One backtest in NautilusTrader: a simulated venue, bars streamed from Parquet, a strategy.

What is chosen here decides what the numbers mean, and is told with the result (`assumptions`); tests hold each sentence to
what NautilusTrader does.

- Every instrument has an initial and a maintenance margin of 100 %, so that the venue's leverage alone limits exposure. With
  no initial margin a MARGIN account allows any order; with no maintenance margin a position locks nothing, and adding to it
  goes on without end.
- Bars run through open, then the nearer of high and low, then the other, then close, unless the venue model says otherwise.
  NautilusTrader's default, high always first, favours targets of long positions.
- What takes time to reach the venue arrives with the first event after that time, and a timer is an event: then a market order would
  fill at the price of the bar before (nautilus_trader#5054). So tino sets no timer of its own in a run with latency.
- A run has one account a venue, each with an equal part of the starting balance: NautilusTrader keeps accounts by venue.
- The analysis after the run is off: tino computes metrics once, from the raw events.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

import nautilus_trader.model
from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
)
from nautilus_trader.common import Clock, DataActor, LoggerConfig
from nautilus_trader.model import ClientOrderId, Currency, InstrumentId, NautilusDataType, Venue
from nautilus_trader.risk import RiskEngineConfig

from tino_engine.errors import TinoError
from tino_engine.nautilus.venue import configure_venue, has_latency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from nautilus_trader.common import Cache
    from nautilus_trader.portfolio import Portfolio
    from nautilus_trader.trading import Strategy

    from tino_engine.contracts import Instrument, VenueModel

CHUNK_BARS = 10_000
"""Bars read ahead. Measured with 500 000: 1 000 to 100 000 take the same time, no chunks at all a quarter more memory."""

CLOCK = Clock
"""The class whose timers call the strategy."""

SIZERS = tuple(
    kind for kind in vars(nautilus_trader.model).values() if isinstance(kind, type) and hasattr(kind, "make_qty")
)
"""The classes that round a size to what an instrument allows."""

_RUN = "run"
_DATA = {"bars": NautilusDataType.Bar, "quotes": NautilusDataType.QuoteTick, "trades": NautilusDataType.TradeTick}
_ORDER_RATE = "2000/00:00:01"
"""NautilusTrader's own hundred orders a second would deny a portfolio that is rebalanced at one close. It keeps the time of as
many orders as the limit allows and moves them all at each order: a million cost an eighth of a run with 22 000 orders."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The bars of one type from one catalog, from one instant to another, nanoseconds, both inclusive.

    Of ticks, `kind` is `quotes` or `trades`, and `bar_type` names them for people.
    """

    catalog: Path
    bar_type: str
    instrument: Instrument
    from_ns: int
    to_ns: int
    kind: str = "bars"


class Simulation:
    """One run. Build it, `run` it once, read `cache` and `portfolio`, `close` it."""

    def __init__(self, feeds: Sequence[Feed], venue: VenueModel, currency: str) -> None:
        self.venues = list(dict.fromkeys(feed.instrument.venue for feed in feeds))
        self.decimals = Currency.from_str(currency).precision
        self._balances = divide(Decimal(venue.starting_balance), len(self.venues), self.decimals)
        self._bar_types = [feed.bar_type for feed in feeds]
        self._delayed = has_latency(venue)
        try:
            with without_pandas():  # NautilusTrader's configuration looks for it with each time that it is given.
                self._node = BacktestNode([configure(feeds, venue, self.venues, self._balances, currency)])
        except ValueError as error:
            # The amounts of a venue model are bounded by what NautilusTrader can hold, which it says itself.
            raise TinoError(
                "request_invalid", reason=f"the venue cannot be simulated: {error}", field="venue"
            ) from error
        with without_pandas():
            self._node.build()

    def observe(self, actor: DataActor) -> None:
        """Add an actor that sees what the strategies see, before they do."""
        self._node.add_actor(_RUN, actor)

    def add(self, strategies: Sequence[Strategy], pulse_ns: int, on_pulse: Callable[[int], None]) -> None:
        """Add the strategies, and a timer that calls `on_pulse` with the time in the run; none in a run with latency."""
        if not self._delayed:
            self._node.add_actor(_RUN, Pulse(pulse_ns, on_pulse))
        for strategy in strategies:
            self._node.add_strategy(_RUN, strategy)

    def run(self) -> None:
        """Run to the end of the data, or until the strategy shuts the system down. Raises `data_corrupt`."""
        try:
            self._node.run()
        except RuntimeError as error:
            reason = str(error).strip().partition("\n")[0]
            raise TinoError("data_corrupt", barType=", ".join(self._bar_types), reason=reason.rstrip(".")) from error

    @property
    def cache(self) -> Cache:
        """Orders and positions."""
        return self._node.get_engine_cache(_RUN)

    def owner(self, order_id: str) -> str:
        """Give the id of the strategy that made an order."""
        return str(self.cache.strategy_id_for_order(ClientOrderId(order_id)))

    @property
    def portfolio(self) -> Portfolio:
        """Accounts."""
        return self._node.get_engine_portfolio(_RUN)

    def accounts(self) -> list[tuple[Any, float]]:
        """Each venue's account, with what it had at the start."""
        return [
            (self.portfolio.account(Venue(name)), float(balance))
            for name, balance in zip(self.venues, self._balances, strict=True)
        ]

    def close(self) -> None:
        """Free everything; nothing that came from here may be used any more."""
        self._node.dispose()


class Pulse(DataActor):
    """Calls back at an interval of the run's time. A strategy without callbacks would hold the interpreter until the end."""

    def __new__(cls, *_arguments: Any) -> Pulse:
        """Make one; NautilusTrader's class takes a configuration there."""
        return super().__new__(cls)

    def __init__(self, interval_ns: int, on_pulse: Callable[[int], None]) -> None:
        super().__init__()
        self._interval_ns = interval_ns
        self._on_pulse = on_pulse

    def on_start(self) -> None:
        """Set the timer."""
        self.clock.set_timer_ns("pulse", self._interval_ns, callback=lambda event: self._on_pulse(event.ts_event))


def configure(
    feeds: Sequence[Feed], venue: VenueModel, venues: Sequence[str], balances: Sequence[Decimal], currency: str
) -> BacktestRunConfig:
    """Describe the run to NautilusTrader. Raises ValueError for amounts that it cannot hold."""
    return BacktestRunConfig(
        id=_RUN,
        venues=[
            configure_venue(
                name,
                venue,
                balance,
                currency,
                dict.fromkeys(feed.instrument.id for feed in feeds if feed.instrument.venue == name),
            )
            for name, balance in zip(venues, balances, strict=True)
        ],
        data=[
            BacktestDataConfig(
                data_type=_DATA[feed.kind],
                catalog_path=str(feed.catalog),
                instrument_id=InstrumentId.from_str(feed.instrument.id),
                bar_types=[feed.bar_type] if feed.kind == "bars" else None,
                start_time=feed.from_ns,
                end_time=feed.to_ns,
            )
            for feed in feeds
        ],
        engine=BacktestEngineConfig(
            # The engine's own `bypass_logging` does nothing; the logger's does.
            logging=LoggerConfig(bypass_logging=True),
            run_analysis=False,
            risk_engine=RiskEngineConfig(max_order_submit_rate=_ORDER_RATE, max_order_modify_rate=_ORDER_RATE),
        ),
        chunk_size=CHUNK_BARS,
        dispose_on_completion=False,
        # Without it a run that could not read its data returns as if there had been none.
        raise_exception=True,
    )


def divide(total: Decimal, parts: int, decimals: int) -> list[Decimal]:
    """Divide an amount without losing its smallest unit: the first part takes what is left over."""
    unit = Decimal(1).scaleb(-decimals)
    share = (total / parts).quantize(unit, rounding="ROUND_DOWN")
    return [total - share * (parts - 1), *[share] * (parts - 1)]


@contextmanager
def without_pandas() -> Iterator[None]:
    """Let pandas look as if it were not installed, unless it is loaded already.

    NautilusTrader's banner, which nobody sees, imports it for its version: one to two seconds, for each engine built.
    """
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
