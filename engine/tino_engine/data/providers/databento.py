"""Databento's historical service: bars, trades, quotes and order books of stocks, futures and options, as DBN that NautilusTrader reads.

Symbols are `DATASET:SYMBOL`, such as `XNAS.ITCH:AAPL` or `GLBX.MDP3:ESZ5`. Every request costs money by its size, so that nothing
is asked for twice.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from tino_engine.contracts import Instrument, ProviderSymbol
from tino_engine.data.instruments import from_nautilus
from tino_engine.data.providers.access import Refused, Truncated
from tino_engine.data.providers.provider import Capabilities, Provider
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tino_engine.data.providers.access import Access, Decoder
    from tino_engine.data.providers.provider import DataKind, Span

_BASE = "https://hist.databento.com/v0"
_STEPS = {"1-SECOND": "ohlcv-1s", "1-MINUTE": "ohlcv-1m", "1-HOUR": "ohlcv-1h", "1-DAY": "ohlcv-1d"}
_SCHEMAS = {"trades": "trades", "quotes": "mbp-1", "deltas": "mbo"}
_REFUSED = (401, 403)
_UNKNOWN = (400, 404, 422)


class Databento(Provider):
    """databento.com."""

    capabilities = Capabilities(
        name="databento",
        title="Databento",
        kinds=("bars", "trades", "quotes", "deltas"),
        steps=tuple(_STEPS),
        key="required",
        example="XNAS.ITCH:AAPL",
        note="Charged by the size of what is downloaded.",
        requests_a_second=5.0,
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._instruments: dict[str, Instrument] = {}

    def search(self, text: str, limit: int) -> Sequence[ProviderSymbol]:
        """List datasets: Databento has no list of symbols to search in."""
        wanted = text.partition(":")[0].upper()
        try:
            names = self.access.get_json(f"{_BASE}/metadata.list_datasets", headers=self._headers())
        except Refused as refused:
            raise self._translate(refused, text) from refused
        found = [name for name in names if wanted in name]
        return [ProviderSymbol(symbol=f"{name}:", name=None, asset_class=None, venue=None) for name in found[:limit]]

    def instrument(self, symbol: str) -> Instrument:
        """Describe a symbol by its latest definition."""
        if symbol not in self._instruments:
            dataset, name = self._split(symbol)
            try:
                whole = self.access.get_json(
                    f"{_BASE}/metadata.get_dataset_range", {"dataset": dataset}, headers=self._headers()
                )
            except Refused as refused:
                raise self._translate(refused, symbol) from refused
            end = datetime.fromisoformat(whole["end"]).astimezone(UTC)
            # Definitions come once a day; those of a week outlast any holiday.
            path = self._load(dataset, name, "definition", end - timedelta(days=7), end, symbol)
            try:
                found = self._decoder.instruments(path, self._load_publishers())
            except ValueError as error:
                raise self._invalid(symbol, error) from error
            finally:
                path.unlink(missing_ok=True)
            if not found:
                raise self._unknown(symbol, "")
            self._instruments[symbol] = from_nautilus(found[-1])
        return self._instruments[symbol]

    def days_a_part(self, kind: DataKind, step: str) -> int:
        """A day of ticks, a month of minutes, years of days."""
        return 1 if kind != "bars" or step == "1-SECOND" else 30 if step == "1-MINUTE" else 3_650

    def fetch(self, symbol: str, kind: DataKind, step: str, span: Span) -> Iterator[pa.Table]:
        """Fetch a span in one request."""
        dataset, name = self._split(symbol)
        instrument = self.instrument(symbol)
        schema = _STEPS[step] if kind == "bars" else _SCHEMAS[kind]
        path = self._load(dataset, name, schema, span.start, span.end, symbol)
        try:
            digits = instrument.price_precision
            yield self._decoder.databento(path, kind, instrument.id, digits, self._load_publishers())
        except ValueError as error:
            raise self._invalid(symbol, error) from error
        finally:
            path.unlink(missing_ok=True)

    def _load_publishers(self) -> Path:
        """Give the list of who publishes what, which NautilusTrader takes venues from; Databento has it."""
        assert self.access.scratch is not None
        target = self.access.scratch / "publishers.json"
        if not target.exists():
            listed = self.access.get_json(f"{_BASE}/metadata.list_publishers", headers=self._headers())
            target.write_text(json.dumps(listed))
        return target

    def _load(self, dataset: str, name: str, schema: str, start: datetime, end: datetime, symbol: str) -> Path:
        assert self.access.scratch is not None
        target = self.access.scratch / f"{schema}.dbn.zst"
        form = {
            "dataset": dataset,
            "symbols": name,
            "schema": schema,
            "stype_in": "raw_symbol",
            "stype_out": "instrument_id",
            "start": start.isoformat(),
            "end": end.isoformat(),
            "encoding": "dbn",
            "compression": "zstd",
        }
        try:
            self.access.download(
                f"{_BASE}/timeseries.get_range", target, form=form, headers=self._headers(), check=_check_zstd
            )
        except Refused as refused:
            raise self._translate(refused, symbol) from refused
        return target

    @property
    def _decoder(self) -> Decoder:
        return cast("Decoder", self.access.decode)

    def _headers(self) -> dict[str, str]:
        return self.access.basic(self.access.require_key())

    def _split(self, symbol: str) -> tuple[str, str]:
        dataset, colon, name = symbol.partition(":")
        if not colon or not name:
            raise self._unknown(symbol, " (it is written as DATASET:SYMBOL, such as XNAS.ITCH:AAPL)")
        return dataset.upper(), name

    def _translate(self, refused: Refused, symbol: str) -> TinoError:
        if refused.status in _REFUSED:
            return TinoError("provider_key_refused", provider=self.access.name, reason=refused.words)
        if refused.status in _UNKNOWN:
            return self._unknown(symbol, f": {refused.words}")
        return TinoError("provider_down", provider=self.access.name, reason=refused.words)

    def _unknown(self, symbol: str, near: str) -> TinoError:
        return TinoError(
            "provider_symbol_unknown", field="symbols", provider=self.access.name, symbol=symbol, near=near
        )

    def _invalid(self, symbol: str, error: ValueError) -> TinoError:
        return TinoError("provider_data_invalid", provider=self.access.name, symbol=symbol, reason=str(error))


def _check_zstd(path: Path) -> None:
    """Read a file to its end: a stream that is cut off is noticed there."""
    try:
        with pa.input_stream(str(path), compression="zstd") as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, pa.ArrowException) as error:
        raise Truncated("a compressed file is not whole") from error
