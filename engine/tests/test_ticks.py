"""Quotes, trades, book changes and instruments of every class on disk, read back by NautilusTrader itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from nautilus_trader import model
from nautilus_trader.model import NautilusDataType
from nautilus_trader.persistence import ParquetDataCatalog
from pyarrow import ipc

from tino_engine.contracts import Instrument
from tino_engine.data.instruments import has_instrument, write_instrument
from tino_engine.data.store import DECIMAL, TIME
from tino_engine.data.ticks import (
    DAY_NS,
    SCHEMAS,
    check_ticks,
    hash_ticks,
    make_quotes,
    make_trades,
    read_ticks,
    write_ticks,
)

if TYPE_CHECKING:
    from pathlib import Path


def instrument(id_: str = "BTCUSDT.BINANCE", **change: object) -> Instrument:
    symbol, _, venue = id_.rpartition(".")
    fields: dict[str, object] = {
        "id": id_,
        "symbol": symbol,
        "venue": venue,
        "asset_class": "crypto",
        "name": None,
        "currency": "USDT",
        "price_precision": 2,
        "price_increment": "0.01",
        "size_precision": 3,
        "lot_size": "0.001",
        "multiplier": "1",
        "time_zone": "UTC",
        "periods_per_year": 365,
    }
    return Instrument.model_validate(fields | change)


PAIR = instrument()
MIDNIGHT = 20_000 * DAY_NS


def trades(rows: list[tuple[int, int, int, str, str]]) -> pa.Table:
    ts, price, size = (np.array([row[place] for row in rows], np.int64) for place in range(3))
    return make_trades(ts, price, size, [row[3] for row in rows], [row[4] for row in rows], PAIR)


def nautilus_rows(catalog: Path, kind: NautilusDataType) -> list[dict[str, object]]:
    stream = ParquetDataCatalog(str(catalog)).query_data_arrow_bytes(kind, [PAIR.id], display=False)
    return ipc.open_stream(pa.py_buffer(stream)).read_all().to_pylist()


def test_trades_are_read_back_by_nautilus_and_a_span_replaces_what_was_there(tmp_path: Path) -> None:
    before = MIDNIGHT - 5
    rows = [
        (before + 3, 10001, 500, "SELL", "b"),
        (before, 10002, 1, "BUY", "a"),
        (before + 9, 7, 2, "NO_AGGRESSOR", "c"),
    ]
    # Overlapping pages bring a trade twice; a trade of no size is none.
    table = trades([*rows, rows[0], (before + 4, 10001, 0, "SELL", "z")])
    checked = check_ticks("trades", table, PAIR)
    assert checked.left_out == {"without a size": 1, "that stood there already": 1}
    first = write_ticks(tmp_path, "trades", PAIR, [], checked.table, before, before + 9)
    assert (first.rows, first.first, first.last, len(first.files)) == (3, before, before + 9, 2)

    files = [tmp_path / file for file in first.files]
    again = write_ticks(tmp_path, "trades", PAIR, files, checked.table, before, before + 9)
    assert again == first
    assert len(list(tmp_path.rglob("*.parquet"))) == 2

    got = nautilus_rows(tmp_path, NautilusDataType.TradeTick)
    assert [(row["trade_id"], row["aggressor_side"], row["price"], row["size"]) for row in got] == [
        ("a", "BUY", Decimal("100.02"), Decimal("0.001")),
        ("b", "SELL", Decimal("100.01"), Decimal("0.500")),
        ("c", "NO_AGGRESSOR", Decimal("0.07"), Decimal("0.002")),
    ]

    # The source corrects the middle: what lies outside stays, also within the same day, and the other day's file is not touched.
    new = check_ticks("trades", trades([(before + 2, 5, 5, "BUY", "n")]), PAIR).table
    third = write_ticks(tmp_path, "trades", PAIR, files, new, before + 1, before + 4)
    left = read_ticks([tmp_path / file for file in third.files], "trades", PAIR.id)
    assert left["trade_id"].to_pylist() == ["a", "n", "c"]
    assert third.hash != first.hash
    assert third.files[-1] == first.files[-1]
    assert all(file.is_file() for file in files), "the old files stay until the database says otherwise"


def test_quotes_and_book_changes_are_read_back_by_nautilus(tmp_path: Path) -> None:
    ts = np.array([MIDNIGHT, MIDNIGHT, MIDNIGHT + 1], np.int64)
    bid, ask, bid_size, ask_size = (np.array([a, a, b], np.int64) for a, b in ((1, 3), (2, 4), (5, 7), (6, 8)))
    quotes = make_quotes(ts, bid, ask, bid_size, ask_size, PAIR)
    checked = check_ticks("quotes", quotes, PAIR)
    assert checked.left_out == {"that stood there already": 1}
    write_ticks(tmp_path, "quotes", PAIR, [], checked.table, MIDNIGHT, MIDNIGHT + 1)
    got = nautilus_rows(tmp_path, NautilusDataType.QuoteTick)
    assert [(row["bid_price"], row["ask_size"]) for row in got] == [
        (Decimal("0.01"), Decimal("0.006")),
        (Decimal("0.03"), Decimal("0.008")),
    ]

    times = pa.array([MIDNIGHT] * 3, pa.int64()).view(TIME)
    one = Decimal("1.50")
    word = SCHEMAS["deltas"].field("action").type
    columns = [
        pa.array(["CLEAR", "ADD", "DELETE"]).dictionary_encode().cast(word),
        pa.array(["NO_ORDER_SIDE", "BUY", "BUY"]).dictionary_encode().cast(word),
        pa.array([None, one, one], DECIMAL),
        pa.array([None, one, Decimal(0)], DECIMAL),
        pa.array([0, 1, 1], pa.uint64()),
        pa.array([32, 0, 128], pa.uint8()),
        pa.array([1, 2, 3], pa.uint64()),
        times,
        times,
    ]
    deltas = check_ticks("deltas", pa.table(columns, schema=SCHEMAS["deltas"]), PAIR).table
    write_ticks(tmp_path, "deltas", PAIR, [], deltas, MIDNIGHT, MIDNIGHT)
    got = nautilus_rows(tmp_path, NautilusDataType.OrderBookDelta)
    assert [(row["action"], row["side"], row["flags"]) for row in got] == [
        ("CLEAR", "NO_ORDER_SIDE", 32),
        ("ADD", "BUY", 0),
        ("DELETE", "BUY", 128),
    ]
    assert len({hash_ticks("deltas", deltas), hash_ticks("deltas", deltas.slice(1)), hash_ticks("quotes", quotes)}) == 3
    with pytest.raises(ValueError, match="decimals"):
        check_ticks("quotes", quotes, instrument(price_precision=1))


_SPAN = {"activation_ns": "0", "expiration_ns": "1000000000000000001"}
_SETTLED = {"underlying": "BTC", "settlement_currency": "USDT", "is_inverse": False}
_BETTING = {
    "event_type_id": 6423,
    "event_type_name": "American Football",
    "competition_id": 1,
    "competition_name": "NFL",
    "event_id": 2,
    "event_name": "NFL",
    "event_country_code": "GB",
    "event_open_date": 0,
    "betting_type": "ODDS",
    "market_id": "1.1",
    "market_name": "AFC",
    "market_type": "SPECIAL",
    "market_start_time": 0,
    "selection_id": 50214,
    "selection_name": "Kansas",
    "selection_handicap": 0.5,
    "currency": "GBP",
}
KINDS: dict[str, dict[str, Any]] = {
    "BettingInstrument": _BETTING,
    "BinaryOption": {**_SPAN, "asset_class": "ALTERNATIVE", "outcome": "Yes"},
    "Cfd": {"asset_class": "INDEX"},
    "Commodity": {"asset_class": "COMMODITY"},
    "CryptoFuture": _SETTLED | _SPAN,
    "CryptoFuturesSpread": _SETTLED | _SPAN | {"strategy_type": "FS"},
    "CryptoOption": _SETTLED | _SPAN | {"option_kind": "CALL", "strike_price": "1.00"},
    "CryptoOptionSpread": _SETTLED | _SPAN | {"strategy_type": "CS"},
    "CryptoPerpetual": {"base_currency": "BTC", "settlement_currency": "USDT", "is_inverse": False},
    "CurrencyPair": {},
    "Equity": {"isin": "US0378331005"},
    "FuturesContract": _SPAN | {"underlying": "ES", "asset_class": "INDEX", "exchange": "XCME"},
    "FuturesSpread": _SPAN | {"underlying": "ES", "asset_class": "INDEX", "strategy_type": "EQ"},
    "IndexInstrument": {},
    "OptionContract": _SPAN
    | {"underlying": "A", "asset_class": "EQUITY", "option_kind": "PUT", "strike_price": "9.50"},
    "OptionSpread": _SPAN | {"underlying": "A", "asset_class": "EQUITY", "strategy_type": "V"},
    "PerpetualContract": {"underlying": "BTC", "settlement_currency": "USDT", "is_inverse": False},
    "TokenizedAsset": {"base_currency": "BTC"},
}


def test_instruments_of_every_class_are_read_back_by_nautilus(tmp_path: Path) -> None:
    assert set(KINDS) == set(Instrument.model_json_schema()["properties"]["kind"]["anyOf"][0]["enum"])
    whole = {"Equity", "FuturesContract", "FuturesSpread", "OptionContract", "OptionSpread"}
    made = {}
    for kind, details in KINDS.items():
        sizes = {"size_precision": 0, "lot_size": "1"} if kind in whole else {}
        made[kind] = instrument(f"{kind[:3].upper()}{len(made)}USDT.X", kind=kind, details=details, **sizes)
        write_instrument(tmp_path, made[kind])
    found = {type(item).__name__: item for item in ParquetDataCatalog(str(tmp_path)).instruments()}
    assert set(found) == set(KINDS)
    for kind, item in found.items():
        told = item.to_dict()
        expected = {
            "id": made[kind].id,
            "price_precision": 2,
            "price_increment": "0.01",
            **({} if kind == "IndexInstrument" else {"margin_init": "1", "margin_maint": "1"}),
            **{key: int(value) if key.endswith("_ns") else value for key, value in KINDS[kind].items()},
        }
        assert expected.items() <= told.items(), kind
        assert getattr(model, kind).from_dict(told) == item

    # Stored as something else later, there is one of it.
    again = instrument(made["Cfd"].id, kind="CurrencyPair")
    write_instrument(tmp_path, again)
    assert has_instrument(tmp_path, again.id)
    assert len(ParquetDataCatalog(str(tmp_path)).instruments([again.id])) == 1
    with pytest.raises(ValueError, match="lacks its underlying"):
        write_instrument(tmp_path, instrument(kind="FuturesContract"))
