"""The simulated venue: from a venue model to NautilusTrader's fee, fill and latency models, accounts and margins.

Left out is what cannot be told honestly. `MarketHoursFillModel` differs from the best price only in hours that nobody can tell it
from Python. A maintenance margin of its own: it belongs to the stored instrument, whose margins are 100 %, so that leverage alone,
the account's or an instrument's own, decides what a position needs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from nautilus_trader.backtest import BacktestVenueConfig
from nautilus_trader.execution import (
    BestPriceFillModel,
    CompetitionAwareFillModel,
    DefaultFillModel,
    FeeModel,
    FixedFeeModel,
    LimitOrderPartialFillModel,
    MakerTakerFeeModel,
    OneTickSlippageFillModel,
    ProbabilisticFillModel,
    SizeAwareFillModel,
    StaticLatencyModel,
    ThreeTierFillModel,
    TwoTierFillModel,
    VolumeSensitiveFillModel,
)
from nautilus_trader.model import AccountType, Currency, InstrumentId, Money, OmsType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nautilus_trader.model import Price, Quantity

    from tino_engine.contracts import VenueModel

_FILL_MODELS: dict[str, Any] = {
    "standard": DefaultFillModel,
    "bestPrice": BestPriceFillModel,
    "oneTick": OneTickSlippageFillModel,
    "probabilistic": ProbabilisticFillModel,
    "twoTier": TwoTierFillModel,
    "threeTier": ThreeTierFillModel,
    "sizeAware": SizeAwareFillModel,
    "partialLimit": LimitOrderPartialFillModel,
    "volumeSensitive": VolumeSensitiveFillModel,
    "competitionAware": CompetitionAwareFillModel,
}

_MILLISECOND = 1_000_000


def has_latency(venue: VenueModel) -> bool:
    """Tell whether anything that is sent to the venue takes time."""
    return any((venue.latency_ms, venue.submit_latency_ms, venue.modify_latency_ms, venue.cancel_latency_ms))


def configure_venue(
    name: str, venue: VenueModel, balance: Decimal, currency: str, instruments: Iterable[str]
) -> BacktestVenueConfig:
    """Give the configuration of one venue, with an account of one currency; `instruments` are those that it trades.

    Raises ValueError for amounts that NautilusTrader cannot hold.
    """
    margin = venue.account_type == "MARGIN"
    own = {item: Decimal(1) / Decimal(venue.margins[item]) for item in instruments if item in venue.margins}
    return BacktestVenueConfig(
        name=name,
        oms_type=OmsType.HEDGING if venue.oms_type == "HEDGING" else OmsType.NETTING,
        account_type=AccountType.MARGIN if margin else AccountType.CASH,
        starting_balances=[f"{balance} {currency}"],
        base_currency=Currency.from_str(currency),
        default_leverage=Decimal(venue.leverage) if margin else Decimal(1),
        leverages={InstrumentId.from_str(item): leverage for item, leverage in own.items()} if margin else None,
        fee_model=_fee_model(venue, currency),
        fill_model=_FILL_MODELS[venue.fill_model](
            venue.limit_fill_probability, venue.slippage_probability, random_seed=venue.seed
        ),
        latency_model=_latency_model(venue) if has_latency(venue) else None,
        bar_execution=venue.bar_execution,
        bar_adaptive_high_low_ordering=venue.adaptive_high_low,
    )


class _PerUnit(FeeModel):
    """An amount for each unit traded. NautilusTrader's own rounds the amount itself to the currency: half a cent would be free."""

    def __new__(cls, *_arguments: Any) -> _PerUnit:
        return super().__new__(cls)

    def __init__(self, amount: Decimal) -> None:
        super().__init__()
        self._amount = amount

    def get_commission(self, _order: Any, fill_quantity: Quantity, _fill_px: Price, instrument: Any) -> Money:
        return Money.from_decimal(self._amount * fill_quantity.as_decimal(), instrument.quote_currency)


def _fee_model(venue: VenueModel, currency: str) -> FeeModel:
    match venue.fee_model:
        case "makerTaker":
            return MakerTakerFeeModel(Decimal(venue.maker_fee), Decimal(venue.taker_fee))
        case "fixed":
            amount = Money.from_str(f"{venue.fee_amount} {currency}")
            return FixedFeeModel(amount, charge_commission_once=True)
        case "perContract":
            return _PerUnit(Decimal(venue.fee_amount))


def _latency_model(venue: VenueModel) -> StaticLatencyModel:
    parts = (venue.latency_ms, venue.submit_latency_ms, venue.modify_latency_ms, venue.cancel_latency_ms)
    return StaticLatencyModel(*(part * _MILLISECOND for part in parts))
