"""What a run's numbers rest on, in words. `tests/test_nautilus_simulation.py` holds each sentence about fills to what happens."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tino_engine.contracts import Assumption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.contracts import Instrument, VenueModel

_ADJUSTMENTS = {
    "none": "As traded. Splits and dividends show as jumps.",
    "splits": "Adjusted for splits; dividends show as falls and are not paid out.",
    "splitsAndDividends": "Adjusted for splits and dividends.",
}


def state_assumptions(
    *,
    venue: VenueModel,
    venues: Sequence[str],
    currency: str,
    decimals: int,
    instruments: Sequence[Instrument],
    data: Sequence[tuple[str, int, str]],
    adjustment: str,
    daily_returns: int,
    simulator: str,
) -> list[Assumption]:
    """State them. `data` holds bar type, bars and source of each series; `decimals` are the currency's."""
    unit = f"{Decimal(1).scaleb(-decimals)} {currency}"
    return [
        Assumption(
            label="Market orders",
            value="Fill at the close of the bar on which they are submitted: a quarter of its volume at that price, the rest one price increment worse.",
        ),
        Assumption(
            label="Limit orders",
            value="Fill at their limit when a later bar touches it, also when that bar opens beyond it; at most a quarter of the bar's volume at each of its four prices. One that is marketable at once fills like a market order.",
        ),
        Assumption(
            label="Stop orders",
            value="Fill at their trigger price when a later bar reaches it, or at the open of a bar that opens beyond it; a quarter of the volume there, the rest one price increment worse.",
        ),
        Assumption(
            label="Inside a bar",
            value="Prices go from the open to the nearer of high and low, then to the other, then to the close.",
        ),
        Assumption(label="Slippage", value=_slippage(venue, instruments)),
        Assumption(label="Latency", value="None: an order reaches the venue at the moment it is submitted."),
        Assumption(
            label="Fees",
            value=f"{_percent(venue.taker_fee)} of the value of fills that take liquidity, {_percent(venue.maker_fee)} of those that rested; each rounded to {unit}.",
        ),
        Assumption(label="Account", value=_account(venue, venues, currency)),
        Assumption(label="Prices", value=_ADJUSTMENTS[adjustment]),
        Assumption(
            label="Data",
            value="; ".join(f"{bar_type}, {_grouped(bars)} bars, {source}" for bar_type, bars, source in data) + ".",
        ),
        Assumption(
            label="Daily returns",
            value=f"{_grouped(daily_returns)}, of days in {instruments[0].time_zone}, {instruments[0].periods_per_year} a year, risk-free rate 0.",
        ),
        Assumption(label="Simulator", value=f"NautilusTrader {simulator}, netting: one position an instrument."),
    ]


def _slippage(venue: VenueModel, instruments: Sequence[Instrument]) -> str:
    if not venue.slippage_probability:
        return "None beyond the volume of a bar."
    increments = sorted({f"{instrument.price_increment} {instrument.currency}" for instrument in instruments})
    return (
        f"Market and stop orders fill one price increment ({', '.join(increments)}) worse with a probability of "
        f"{_percent(venue.slippage_probability)}; random seed {venue.seed}."
    )


def _account(venue: VenueModel, venues: Sequence[str], currency: str) -> str:
    balance = f"{_grouped(Decimal(venue.starting_balance))} {currency}"
    divided = f", divided equally between one account each for {' and '.join(venues)}" if len(venues) > 1 else ""
    if venue.account_type == "CASH":
        return f"Cash, {balance}{divided}. An order to buy needs its value as free balance; short sales are refused."
    return (
        f"Margin, {balance}{divided}, leverage {venue.leverage}. An order needs its value divided by the leverage as free "
        "balance, all of it even when it turns a position around; what open positions have gained or lost is not balance. "
        "No margin calls, no interest, no cost of borrowing."
    )


def _percent(fraction: str | float) -> str:
    value = (Decimal(str(fraction)) * 100).normalize()
    return f"{value:f} %"


def _grouped(number: Decimal | int) -> str:
    return f"{number:,}"
