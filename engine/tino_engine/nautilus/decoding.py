"""Files of Databento and Tardis, read by NautilusTrader's own loaders and given as Arrow tables.

Its objects become a table by way of its own Parquet writer: that is its layout to the last column, at its own speed.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from nautilus_trader.adapters import tardis
from nautilus_trader.adapters.databento import DatabentoDataLoader
from nautilus_trader.model import InstrumentId
from nautilus_trader.persistence import ParquetDataCatalog

from tino_engine.data.providers import BARS
from tino_engine.data.ticks import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CHUNK = 200_000
_WRITERS = {"trades": "write_trade_ticks", "quotes": "write_quote_ticks", "deltas": "write_order_book_deltas"}


class Decoding:
    """Implements `data.providers.access.Decoder`."""

    def tardis(self, path: Path, kind: str, instrument_id: str) -> pa.Table:
        """Give the ticks of a day's file (.csv.gz), with as many decimals as it has."""
        with _damaged():
            stream = getattr(tardis, f"stream_tardis_{kind}")
            chunks = stream(str(path), _CHUNK, instrument_id=InstrumentId.from_str(instrument_id))
            return _join(kind, chunks)

    def databento(self, path: Path, kind: str, instrument_id: str, price_digits: int, publishers: Path) -> pa.Table:
        """Give the bars or ticks of a file (.dbn.zst); times of bars are their openings."""
        with _damaged():
            loader = DatabentoDataLoader(str(publishers))
            name = InstrumentId.from_str(instrument_id)
            if kind != "bars":
                loads = {
                    "trades": loader.load_trades,
                    "quotes": loader.load_quotes,
                    "deltas": loader.load_order_book_deltas,
                }
                return _join(kind, [loads[kind](str(path), instrument_id=name, price_precision=price_digits)])
            bars = loader.load_bars(
                str(path), instrument_id=name, price_precision=price_digits, timestamp_on_close=False
            )
            if not bars:
                return BARS.empty_table()
            with tempfile.TemporaryDirectory() as folder:
                ParquetDataCatalog(folder).write_bars(bars)
                table = _read(Path(folder))
            columns = [table["ts_event"], *(table[column].cast(pa.float64()) for column in BARS.names[1:])]
            return pa.table(columns, schema=BARS)

    def instruments(self, path: Path, publishers: Path) -> list[dict[str, Any]]:
        """Give the instruments of a file of Databento's definitions."""
        with _damaged():
            loader = DatabentoDataLoader(str(publishers))
            return [item.to_dict() for item in loader.load_instruments(str(path), use_exchange_as_venue=False)]


@contextmanager
def _damaged() -> Iterator[None]:
    """Turn what a damaged file raises into ValueError."""
    try:
        yield
    except (RuntimeError, OSError, pa.ArrowException) as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def _join(kind: str, chunks: Iterable[Sequence[Any] | None]) -> pa.Table:
    tables = [SCHEMAS[kind].empty_table()]
    tables += [_table(kind, chunk).select(SCHEMAS[kind].names).cast(SCHEMAS[kind]) for chunk in chunks if chunk]
    return pa.concat_tables(tables).unify_dictionaries()


def _table(kind: str, ticks: Sequence[Any]) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        getattr(ParquetDataCatalog(folder), _WRITERS[kind])(sorted(ticks, key=lambda tick: tick.ts_init))
        return _read(Path(folder))


def _read(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.ParquetFile(file).read() for file in sorted(folder.rglob("*.parquet"))])
