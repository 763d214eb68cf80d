"""A simulation over bars that are held in memory, for many runs over the same ones.

`Simulation` streams bars from Parquet, which is right for one run and a fifth of a short one. Here they are read once, as
NautilusTrader's own objects, and each run gets a new engine, configured from the very same description: what differs is where bars
come from. A test holds the two to the same result.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nautilus_trader.backtest import BacktestEngine
from nautilus_trader.model import Currency, Money, Venue
from nautilus_trader.persistence import ParquetDataCatalog

from tino_engine.errors import TinoError
from tino_engine.nautilus.simulation import Feed, Pulse, configure, divide, without_pandas
from tino_engine.nautilus.venue import has_latency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nautilus_trader.backtest import BacktestVenueConfig
    from nautilus_trader.common import Cache
    from nautilus_trader.portfolio import Portfolio
    from nautilus_trader.trading import Strategy

    from tino_engine.contracts import VenueModel

_SAME = (
    "oms_type",
    "account_type",
    "base_currency",
    "default_leverage",
    "leverages",
    "margin_model",
    "fill_model",
    "fee_model",
    "latency_model",
    "book_type",
    "routing",
    "reject_stop_orders",
    "support_gtd_orders",
    "support_contingent_orders",
    "use_position_ids",
    "use_random_ids",
    "use_reduce_only",
    "use_market_order_acks",
    "bar_execution",
    "bar_adaptive_high_low_ordering",
    "trade_execution",
    "liquidity_consumption",
    "queue_position",
    "allow_cash_borrowing",
    "frozen_account",
    "oto_trigger_mode",
)
"""What a venue's description and an engine's venue call by the same name."""


class Reel:
    """The bars of some feeds, and their instruments, in memory."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self.feeds = list(feeds)
        self.bars: list[Any] = []
        self.instruments: dict[str, Any] = {}
        for feed in feeds:
            catalog = ParquetDataCatalog(str(feed.catalog))
            try:
                self.bars.extend(catalog.query_bars([feed.bar_type], feed.from_ns, feed.to_ns))
                (instrument,) = catalog.instruments([feed.instrument.id])
            except (OSError, RuntimeError, ValueError) as error:
                reason = str(error).strip().partition("\n")[0].rstrip(".")
                raise TinoError("data_corrupt", barType=feed.bar_type, reason=reason) from error
            self.instruments[feed.instrument.id] = instrument


class Replay:
    """One run over a reel. Build it, `run` it once, read `cache` and `portfolio`, `close` it."""

    def __init__(self, reel: Reel, venue: VenueModel, currency: str) -> None:
        self.venues = list(dict.fromkeys(feed.instrument.venue for feed in reel.feeds))
        self.decimals = Currency.from_str(currency).precision
        self._balances = divide(Decimal(venue.starting_balance), len(self.venues), self.decimals)
        self._delayed = has_latency(venue)
        try:
            with without_pandas():
                config = configure(reel.feeds, venue, self.venues, self._balances, currency)
                self._engine = BacktestEngine(config.engine)
            for each in config.venues:
                _add_venue(self._engine, each)
        except ValueError as error:
            raise TinoError(
                "request_invalid", reason=f"the venue cannot be simulated: {error}", field="venue"
            ) from error
        for instrument in reel.instruments.values():
            self._engine.add_instrument(instrument)
        self._engine.add_data(reel.bars)

    def add(self, strategy: Strategy, pulse_ns: int, on_pulse: Callable[[int], None]) -> None:
        """Add the strategy, and a timer that calls `on_pulse` with the time in the run; none in a run with latency."""
        if not self._delayed:
            self._engine.add_actor(Pulse(pulse_ns, on_pulse))
        self._engine.add_strategy(strategy)

    def run(self) -> None:
        """Run to the end of the data, or until the strategy shuts the system down."""
        self._engine.run()

    @property
    def cache(self) -> Cache:
        """Orders and positions."""
        return self._engine.cache

    @property
    def portfolio(self) -> Portfolio:
        """Accounts."""
        return self._engine.portfolio

    def accounts(self, portfolio: Portfolio | None = None) -> list[tuple[Any, float]]:
        """Each venue's account, with what it had at the start; under way by the strategy's own `portfolio`."""
        portfolio = portfolio or self.portfolio
        return [
            (portfolio.account(Venue(name)), float(balance))
            for name, balance in zip(self.venues, self._balances, strict=True)
        ]

    def close(self) -> None:
        """Free everything; nothing that came from here may be used any more."""
        self._engine.dispose()


def _add_venue(engine: BacktestEngine, config: BacktestVenueConfig) -> None:
    engine.add_venue(
        venue=Venue(config.name),
        starting_balances=[Money.from_str(balance) for balance in config.starting_balances],
        **{name: getattr(config, name) for name in _SAME},
    )
