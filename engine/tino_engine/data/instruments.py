"""Instruments on disk, as NautilusTrader's Parquet catalog has them: `<catalog>/data/<class>/<instrument id>/<0>_<0>.parquet`, one row each.

They are written as bars are, complete or not at all; see `store`. Which columns a class has is NautilusTrader's affair and stands
here as a table, so that no child has to load it for one row; a test reads every class back with NautilusTrader itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tino_engine.contracts import Instrument
from tino_engine.data.store import TIME, file_name, is_table, write_table

if TYPE_CHECKING:
    from pathlib import Path

type Value = str | float | bool | None

_TYPES = {
    "text": pa.string(),
    "u8": pa.uint8(),
    "u64": pa.uint64(),
    "f64": pa.float64(),
    "bool": pa.bool_(),
    "time": TIME,
    "json": pa.json_(),
}

_PRICE = "price_precision:u8 price_increment:text "
_PRICE_SIZE = "price_precision:u8 size_precision:u8 price_increment:text size_increment:text "
_BOUNDS = "max_quantity?:text min_quantity?:text max_price?:text min_price?:text "
_LIMITS = "max_quantity?:text min_quantity?:text max_notional?:text min_notional?:text max_price?:text min_price?:text "
_HEAD = "id:text raw_symbol:text "
_MARGINS = "margin_init:text margin_maint:text "
_TAIL = "tick_scheme?:text info?:json ts_event:time ts_init:time"
_SPAN = "activation_ns:time expiration_ns:time "
_LOT = "multiplier:text lot_size?:text "
_FIXED_LOT = "multiplier:text lot_size:text "
_SETTLED = "underlying:text quote_currency:text settlement_currency:text is_inverse:bool "
_OPTION = "option_kind:text strike_price:text "
_LISTED = "asset_class:text exchange?:text "

_COLUMNS = {
    "BettingInstrument": _HEAD
    + "venue_name:text currency:text event_type_id:u64 event_type_name:text competition_id:u64 competition_name:text "
    "event_id:u64 event_name:text event_country_code:text event_open_date:time betting_type:text market_id:text "
    "market_name:text market_type:text market_start_time:time selection_id:u64 selection_name:text selection_handicap:f64 "
    + _PRICE_SIZE
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "BinaryOption": _HEAD
    + "asset_class:text currency:text "
    + _PRICE_SIZE
    + _SPAN
    + "outcome?:text description?:text "
    + _LIMITS
    + _MARGINS
    + _TAIL
    + " event_id?:text",
    "Cfd": _HEAD
    + "asset_class:text base_currency?:text quote_currency:text "
    + _PRICE_SIZE
    + "lot_size?:text "
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "Commodity": _HEAD
    + "asset_class:text quote_currency:text "
    + _PRICE_SIZE
    + "lot_size?:text "
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "CryptoFuture": _HEAD + _SETTLED + _SPAN + _PRICE_SIZE + _LOT + _LIMITS + _MARGINS + _TAIL,
    "CryptoFuturesSpread": _HEAD
    + _SETTLED
    + "strategy_type:text "
    + _SPAN
    + _PRICE_SIZE
    + _FIXED_LOT
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "CryptoOption": _HEAD + _SETTLED + _OPTION + _SPAN + _PRICE_SIZE + _LOT + _LIMITS + _MARGINS + _TAIL,
    "CryptoOptionSpread": _HEAD
    + _SETTLED
    + "strategy_type:text "
    + _SPAN
    + _PRICE_SIZE
    + _FIXED_LOT
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "CryptoPerpetual": _HEAD
    + "base_currency:text quote_currency:text settlement_currency:text is_inverse:bool "
    + _PRICE_SIZE
    + _LOT
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "CurrencyPair": _HEAD + "base_currency:text quote_currency:text " + _PRICE_SIZE + _LOT + _LIMITS + _MARGINS + _TAIL,
    "Equity": _HEAD + "currency:text " + _PRICE + "lot_size?:text isin?:text " + _BOUNDS + _MARGINS + _TAIL,
    "FuturesContract": _HEAD
    + "underlying:text "
    + _LISTED
    + "currency:text "
    + _PRICE_SIZE
    + _FIXED_LOT
    + _SPAN
    + _BOUNDS
    + _MARGINS
    + _TAIL,
    "FuturesSpread": _HEAD
    + "underlying:text strategy_type:text "
    + _LISTED
    + "currency:text "
    + _PRICE_SIZE
    + _FIXED_LOT
    + _BOUNDS
    + _SPAN
    + _MARGINS
    + _TAIL,
    "IndexInstrument": _HEAD + "currency:text " + _PRICE + "size_precision:u8 size_increment:text " + _TAIL,
    "OptionContract": _HEAD
    + "underlying:text "
    + _LISTED
    + _OPTION
    + "currency:text "
    + _SPAN
    + _PRICE_SIZE
    + _FIXED_LOT
    + _BOUNDS
    + _MARGINS
    + _TAIL,
    "OptionSpread": _HEAD
    + "underlying:text strategy_type:text "
    + _LISTED
    + "currency:text "
    + _PRICE_SIZE
    + _FIXED_LOT
    + _BOUNDS
    + _SPAN
    + _MARGINS
    + _TAIL,
    "PerpetualContract": _HEAD
    + "underlying:text asset_class:text base_currency?:text quote_currency:text settlement_currency:text is_inverse:bool "
    + _PRICE_SIZE
    + _FIXED_LOT
    + _LIMITS
    + _MARGINS
    + _TAIL,
    "TokenizedAsset": _HEAD
    + "asset_class:text base_currency:text quote_currency:text isin?:text "
    + _PRICE_SIZE
    + _LOT
    + _LIMITS
    + _MARGINS
    + _TAIL,
}
"""Columns of each class in their order: name, `?` where it may be empty, type."""

_ASSET_CLASSES = {"equity": "EQUITY", "crypto": "CRYPTOCURRENCY", "fx": "FX", "index": "INDEX"}
"""NautilusTrader's word for an asset class; what a future or an option is on, `details` say."""


def kind_of(instrument: Instrument) -> str:
    """Give NautilusTrader's class of an instrument. Raises ValueError where nothing says which."""
    if instrument.kind is not None:
        return instrument.kind
    if instrument.asset_class in ("crypto", "fx"):
        return "CurrencyPair"
    if instrument.asset_class == "equity":
        return "Equity"
    raise ValueError(f"which kind of {instrument.asset_class} {instrument.id} is, is not said")


def write_instrument(catalog: Path, instrument: Instrument) -> None:
    """Store an instrument where a backtest from the catalog looks for it; an earlier definition is replaced.

    Margins are one, which is 100 %: an instrument without margins lets a MARGIN account take any position, so the
    venue's leverage alone divides them. NautilusTrader takes only prices that are multiples of the price increment; of
    imported prices it is therefore one unit of the last decimal. Raises `disk_full`, and ValueError for an instrument that
    lacks what its class must have.
    """
    kind = kind_of(instrument)
    fields, row = _definition(kind, instrument)
    metadata = {b"instrument_id": instrument.id, b"type_name": kind}
    table = pa.table(
        [pa.array([value], field.type) for field, value in zip(fields, row, strict=True)],
        schema=pa.schema(fields, metadata=metadata),
    )
    target = _instrument_file(catalog, instrument.id, kind)
    for other in _COLUMNS.keys() - {kind}:
        # It may have been imported as something else before; NautilusTrader would find two.
        _instrument_file(catalog, instrument.id, other).unlink(missing_ok=True)
    if not is_table(target, table):
        write_table(catalog, target, table.schema, [table])


def from_nautilus(values: dict[str, Any], *, name: str | None = None) -> Instrument:
    """Make an instrument of what NautilusTrader's `to_dict` gives."""
    kind, instrument_id = values["type"], values["id"]
    symbol, _, venue = instrument_id.rpartition(".")
    class_ = {
        "CurrencyPair": {"FX": "fx"}.get(str(values.get("asset_class")), "crypto"),
        "Equity": "equity",
        "IndexInstrument": "index",
    }.get(kind, "option" if "Option" in kind else "future" if "Future" in kind else "other")
    if kind in ("CryptoPerpetual", "TokenizedAsset"):
        class_ = "crypto"
    named = {column.partition(":")[0].removesuffix("?") for column in _COLUMNS[kind].split()}
    own = {"id", "venue_name", "price_precision", "price_increment", "size_precision", "size_increment", "multiplier"}
    own |= {"lot_size", "margin_init", "margin_maint", "info", "ts_event", "ts_init", "currency", "quote_currency"}
    size = int(values.get("size_precision") or 0)
    return Instrument(
        id=instrument_id,
        symbol=symbol,
        venue=venue,
        asset_class=class_,  # type: ignore[arg-type]
        name=name,
        currency=values.get("quote_currency") or values["currency"],
        price_precision=values["price_precision"],
        price_increment=values["price_increment"],
        size_precision=size,
        lot_size=values.get("lot_size") or increment(size),
        multiplier=values.get("multiplier") or "1",
        time_zone="UTC" if class_ in ("crypto", "fx") else "America/New_York",
        periods_per_year=365 if class_ == "crypto" else 252,
        kind=kind,
        details={
            key: str(values[key]) if key.endswith("_ns") else values[key]
            for key in sorted(named - own)
            if values.get(key) is not None
        },
    )


def has_instrument(catalog: Path, instrument_id: str) -> bool:
    """Tell whether an instrument is stored."""
    return any(_instrument_file(catalog, instrument_id, kind).is_file() for kind in _COLUMNS)


def _definition(kind: str, instrument: Instrument) -> tuple[list[pa.Field], list[Value]]:
    """Give the columns of an instrument, and its row."""
    known = _common(kind, instrument) | instrument.details
    fields: list[pa.Field] = []
    row: list[Value] = []
    for column in _COLUMNS[kind].split():
        name, _, type_ = column.partition(":")
        optional, name = name.endswith("?"), name.removesuffix("?")
        value = known.get(name)
        if value is None and not optional:
            raise ValueError(f"{instrument.id} is a {kind} and lacks its {name}")
        fields.append(pa.field(name, _TYPES[type_], nullable=optional))
        # Nanoseconds are more than a number in JSON holds, so that `details` have them as text.
        row.append(int(value) if type_ in ("time", "u64") and value is not None else value)
    return fields, row


def _common(kind: str, instrument: Instrument) -> dict[str, Value]:
    """Give what every class takes from the instrument's own fields, by NautilusTrader's names."""
    pair = kind == "CurrencyPair"
    return {
        "id": instrument.id,
        "raw_symbol": instrument.symbol,
        "venue_name": instrument.venue,
        "currency": instrument.currency,
        "quote_currency": instrument.currency,
        "base_currency": None if not pair or "base_currency" in instrument.details else base_currency(instrument),
        "asset_class": _ASSET_CLASSES.get(instrument.asset_class),
        "price_precision": instrument.price_precision,
        "price_increment": instrument.price_increment,
        "size_precision": instrument.size_precision,
        "size_increment": increment(instrument.size_precision),
        "multiplier": instrument.multiplier,
        "lot_size": None if pair else instrument.lot_size,
        "margin_init": "1",
        "margin_maint": "1",
        "ts_event": 0,
        "ts_init": 0,
    }


def base_currency(instrument: Instrument) -> str:
    """Give what a pair trades: its symbol without the currency that is paid. Raises ValueError when nothing is left."""
    base = instrument.symbol.upper().removesuffix(instrument.currency).rstrip("/-_")
    if not base or base == instrument.symbol.upper():
        raise ValueError(f"{instrument.symbol} is not a pair that ends with {instrument.currency}")
    return base


def increment(precision: int) -> str:
    """Give one unit of the last decimal as text."""
    return f"{10**-precision:.{precision}f}"


def _instrument_file(catalog: Path, instrument_id: str, kind: str) -> Path:
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    return catalog / "data" / folder / instrument_id.replace("/", "") / file_name(0, 0)
