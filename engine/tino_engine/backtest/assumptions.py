"""What a run's numbers rest on, in words. `tests/test_nautilus_venue.py` and its neighbours hold each sentence about fills to what happens."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tino_engine.contracts import FILL_MODELS, Assumption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tino_engine.backtest.several import Setting
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
    setting: Setting,
    ready: Sequence[Sequence[str]],
) -> list[Assumption]:
    """State them. `data` holds bar type, bars and source of each series; `decimals` are the currency's; `ready` names what never was."""
    stated = {
        **dict(_fills(venue)),
        "Slippage": _slippage(venue, instruments),
        "Latency": _latency(venue),
        "Fees": _fees(venue, currency, decimals),
        "Account": _account(venue, venues, currency, [instrument.id for instrument in instruments]),
        "Positions": _positions(venue),
        "Prices": _ADJUSTMENTS[adjustment],
        "Data": "; ".join(
            [
                *(f"{bar_type}, {_grouped(bars)} bars, {source}" for bar_type, bars, source in data),
                *(f"{name}, {_grouped(count)}, as stored" for name, count in setting.ticks),
            ]
        )
        + ".",
        "Warm-up": _warm_up(setting, ready),
        **({"Strategies": _strategies(setting)} if len(setting.strategies) > 1 else {}),
        "Daily returns": f"{_grouped(daily_returns)}, of days in {instruments[0].time_zone}, {instruments[0].periods_per_year} a year, risk-free rate 0.",
        "Simulator": f"NautilusTrader {simulator}.",
    }
    return [Assumption(label=label, value=value) for label, value in stated.items()]


def _fills(venue: VenueModel) -> Iterator[tuple[str, str]]:
    if not venue.bar_execution:
        yield "Bars", "Fill no orders: quotes and trades alone move the market."
    if venue.fill_model == "standard":
        yield (
            "Market orders",
            "Fill at the close of the bar on which they are submitted: a quarter of its volume at that price, the rest one price increment worse.",
        )
        yield (
            "Limit orders",
            "Fill at their limit when a later bar touches it, also when that bar opens beyond it; at most a quarter of the bar's volume at each of its four prices. One that is marketable at once fills like a market order."
            + _touched(venue),
        )
        yield (
            "Stop orders",
            "Fill at their trigger price when a later bar reaches it, or at the open of a bar that opens beyond it; a quarter of the volume there, the rest one price increment worse.",
        )
    else:
        does = FILL_MODELS[venue.fill_model]
        yield "Market orders", f"Fill at the close of the bar on which they are submitted, whatever its volume. {does}"
        yield (
            "Limit orders",
            "Fill when one of a later bar's four prices is at their limit or beyond it, at that price, in the same steps and never worse than the limit."
            + _touched(venue),
        )
        yield (
            "Stop orders",
            "Are triggered when one of a later bar's four prices reaches them, and fill at that price rather than at the trigger, in the same steps.",
        )
    yield (
        "Inside a bar",
        "Prices go from the open to the nearer of high and low, then to the other, then to the close."
        if venue.adaptive_high_low
        else "Prices go from the open to the high, then to the low, then to the close.",
    )


def _touched(venue: VenueModel) -> str:
    if venue.limit_fill_probability == 1:
        return ""
    return (
        f" A price that only touches the limit fills it with a probability of {_percent(venue.limit_fill_probability)}."
    )


def _slippage(venue: VenueModel, instruments: Sequence[Instrument]) -> str:
    if not venue.slippage_probability:
        seed = f"; random seed {venue.seed}" if _draws(venue) else ""
        return f"None beyond what is said of market orders{seed}."
    increments = sorted({f"{instrument.price_increment} {instrument.currency}" for instrument in instruments})
    return (
        f"Market and stop orders fill one price increment ({', '.join(increments)}) worse with a probability of "
        f"{_percent(venue.slippage_probability)}; random seed {venue.seed}."
    )


def _draws(venue: VenueModel) -> bool:
    return venue.fill_model == "probabilistic" or 0 < venue.limit_fill_probability < 1


def _latency(venue: VenueModel) -> str:
    further = {
        "orders": venue.submit_latency_ms,
        "changes": venue.modify_latency_ms,
        "cancellations": venue.cancel_latency_ms,
    }
    times = {what: venue.latency_ms + own for what, own in further.items()}
    if not any(times.values()):
        return "None: an order reaches the venue at the moment it is submitted."
    told = (
        f"{times['orders']:,} ms"
        if len(set(times.values())) == 1
        else ", ".join(f"{time:,} ms for {what}" for what, time in times.items())
    )
    return (
        f"{told}. What is sent reaches the venue with the first bar, tick or timer of the strategy after that time, once that bar's prices are over: "
        "a market order then fills at its close, a limit order from the bar after it."
    )


def _fees(venue: VenueModel, currency: str, decimals: int) -> str:
    if venue.fee_model == "fixed":
        return f"{venue.fee_amount} {currency} an order, with its first fill."
    unit = f"{Decimal(1).scaleb(-decimals)} {currency}"
    if venue.fee_model == "perContract":
        return f"{venue.fee_amount} {currency} for each unit traded; each fill's fee rounded to {unit}."
    return (
        f"{_percent(venue.taker_fee)} of the value of fills that take liquidity, {_percent(venue.maker_fee)} of those "
        f"that rested; each rounded to {unit}."
    )


def _account(venue: VenueModel, venues: Sequence[str], currency: str, instruments: Sequence[str]) -> str:
    balance = f"{_grouped(Decimal(venue.starting_balance))} {currency}"
    divided = f", divided equally between one account each for {' and '.join(venues)}" if len(venues) > 1 else ""
    if venue.account_type == "CASH":
        return f"Cash, {balance}{divided}. An order to buy needs its value as free balance; short sales are refused."
    own = "".join(
        f" {instrument} needs {_percent(margin)} of its value instead, initial and maintenance."
        for instrument, margin in sorted(venue.margins.items())
        if instrument in instruments
    )
    return (
        f"Margin, {balance}{divided}, leverage {venue.leverage}. An order needs its value divided by the leverage as free "
        "balance, all of it even when it turns a position around; what open positions have gained or lost is not balance."
        f"{own} No margin calls, no interest, no cost of borrowing."
    )


def _positions(venue: VenueModel) -> str:
    if venue.oms_type == "HEDGING":
        return "Hedging: each order that names no position opens one of its own."
    return "Netting: one position an instrument and strategy."


def _warm_up(setting: Setting, ready: Sequence[Sequence[str]]) -> str:
    if not setting.warm_up_bars:
        none = "None: the strategy's first bar is the first of the data above"
        never = [name for names in ready for name in names]
        return f"{none}; {' and '.join(never)} never had enough of them." if never else f"{none}."
    return (
        f"{_grouped(setting.warm_up_bars)} bars of each series at most were fed before the first that counts; "
        "orders made meanwhile were not sent."
    )


def _strategies(setting: Setting) -> str:
    several = "; ".join(
        f"{info.label} on {' and '.join(info.bar_types) or 'its own data'}" for info in setting.strategies
    )
    return (
        f"{several}. They trade in one portfolio: each has positions of its own, and their orders draw on the same balance. "
        "The figures of one are those of an account with the whole starting balance that only it traded."
    )


def _percent(fraction: str | float) -> str:
    value = (Decimal(str(fraction)) * 100).normalize()
    return f"{value:f} %"


def _grouped(number: Decimal | int) -> str:
    return f"{number:,}"
