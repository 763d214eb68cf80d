"""Instruments on disk, as NautilusTrader's Parquet catalog has them: `<catalog>/data/<class>/<instrument id>/<0>_<0>.parquet`, one row each.

They are written as bars are, complete or not at all; see `store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tino_engine.data.store import TIME, file_name, is_table, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import Instrument

_FOLDERS = {"Equity": "equity", "CurrencyPair": "currency_pair"}
"""Where NautilusTrader looks for the instruments of a class."""


def write_instrument(catalog: Path, instrument: Instrument) -> None:
    """Store an instrument where a backtest from the catalog looks for it; an earlier definition is replaced.

    Margins are one, which is 100 %: an instrument without margins lets a MARGIN account take any position, so the
    venue's leverage alone divides them. NautilusTrader takes only prices that are multiples of the price increment; it is
    therefore one unit of the last decimal. Raises `disk_full`, and ValueError for a class of instruments that is not stored yet.
    """
    kind, fields = _definition(instrument)
    metadata = {b"instrument_id": instrument.id, b"type_name": kind}
    table = pa.table(
        [pa.array([value], field.type) for field, value in fields],
        schema=pa.schema([field for field, _ in fields], metadata=metadata),
    )
    target = _instrument_file(catalog, instrument.id, _FOLDERS[kind])
    for other in set(_FOLDERS.values()) - {_FOLDERS[kind]}:
        # It may have been imported as something else before; NautilusTrader would find two.
        _instrument_file(catalog, instrument.id, other).unlink(missing_ok=True)
    if not is_table(target, table):
        write_table(catalog, target, table.schema, [table])


def has_instrument(catalog: Path, instrument_id: str) -> bool:
    """Tell whether an instrument is stored."""
    return any(_instrument_file(catalog, instrument_id, folder).is_file() for folder in _FOLDERS.values())


def _definition(instrument: Instrument) -> tuple[str, list[tuple[pa.Field, object]]]:
    """Give NautilusTrader's class for an instrument, and its row: what is paid for with another currency is a pair."""
    text, required = pa.string(), {"nullable": False}
    head: list[tuple[pa.Field, object]] = [
        (pa.field("id", text, **required), instrument.id),
        (pa.field("raw_symbol", text, **required), instrument.symbol),
    ]
    limits = ("max_quantity", "min_quantity", "max_notional", "min_notional", "max_price", "min_price")
    tail: list[tuple[pa.Field, object]] = [
        (pa.field("margin_init", text, **required), "1"),
        (pa.field("margin_maint", text, **required), "1"),
        (pa.field("tick_scheme", text), None),
        (pa.field("info", pa.json_()), None),
        (pa.field("ts_event", TIME, **required), 0),
        (pa.field("ts_init", TIME, **required), 0),
    ]
    if instrument.asset_class in ("crypto", "fx"):
        return "CurrencyPair", [
            *head,
            (pa.field("base_currency", text, **required), base_currency(instrument)),
            (pa.field("quote_currency", text, **required), instrument.currency),
            (pa.field("price_precision", pa.uint8(), **required), instrument.price_precision),
            (pa.field("size_precision", pa.uint8(), **required), instrument.size_precision),
            (pa.field("price_increment", text, **required), instrument.price_increment),
            (pa.field("size_increment", text, **required), increment(instrument.size_precision)),
            (pa.field("multiplier", text, **required), instrument.multiplier),
            (pa.field("lot_size", text), None),
            *((pa.field(name, text), None) for name in limits),
            *tail,
        ]
    if instrument.asset_class != "equity":
        raise ValueError(f"instruments of class {instrument.asset_class} are not stored yet")
    return "Equity", [
        *head,
        (pa.field("currency", text, **required), instrument.currency),
        (pa.field("price_precision", pa.uint8(), **required), instrument.price_precision),
        (pa.field("price_increment", text, **required), instrument.price_increment),
        (pa.field("lot_size", text), instrument.lot_size),
        *((pa.field(name, text), None) for name in ("isin", "max_quantity", "min_quantity", "max_price", "min_price")),
        *tail,
    ]


def base_currency(instrument: Instrument) -> str:
    """Give what a pair trades: its symbol without the currency that is paid. Raises ValueError when nothing is left."""
    base = instrument.symbol.upper().removesuffix(instrument.currency).rstrip("/-_")
    if not base or base == instrument.symbol.upper():
        raise ValueError(f"{instrument.symbol} is not a pair that ends with {instrument.currency}")
    return base


def increment(precision: int) -> str:
    """Give one unit of the last decimal as text."""
    return f"{10**-precision:.{precision}f}"


def _instrument_file(catalog: Path, instrument_id: str, folder: str) -> Path:
    return catalog / "data" / folder / instrument_id.replace("/", "") / file_name(0, 0)
