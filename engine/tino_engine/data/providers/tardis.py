"""Tardis: trades, quotes and order books of crypto exchanges, one file for a day and symbol, read by NautilusTrader.

Files of the first day of each month are free; the others want a key. Symbols are `exchange:SYMBOL`, as Tardis writes them.
"""

from __future__ import annotations

import gzip
import re
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from tino_engine.contracts import Instrument, ProviderSymbol
from tino_engine.data.instruments import increment
from tino_engine.data.providers.access import Refused, Truncated
from tino_engine.data.providers.provider import Capabilities, Provider
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tino_engine.data.providers.access import Access, Decoder
    from tino_engine.data.providers.provider import DataKind, Span

_DATASETS = "https://datasets.tardis.dev/v1"
_API = "https://api.tardis.dev/v1"
_TYPES = {"trades": "trades", "quotes": "quotes", "deltas": "incremental_book_L2"}
_KINDS = {"spot": "CurrencyPair", "perpetual": "CryptoPerpetual", "future": "CryptoFuture", "option": "CryptoOption"}
_REFUSED = (401, 403)
_MISSING = (404,)
_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USD", "EUR", "BTC", "ETH")
_CHUNK = 1 << 20


class Tardis(Provider):
    """tardis.dev."""

    capabilities = Capabilities(
        name="tardis",
        title="Tardis",
        kinds=("trades", "quotes", "deltas"),
        key="optional",
        example="binance:BTCUSDT",
        note="Without a key the first day of each month.",
        requests_a_second=5.0,
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._exchanges: dict[str, list[dict[str, Any]]] = {}

    def search(self, text: str, limit: int) -> Sequence[ProviderSymbol]:
        """Find symbols of an exchange: `binance:BTC`; without an exchange name the exchanges themselves."""
        exchange, colon, wanted = text.strip().partition(":")
        if not colon:
            listed = self._get(f"{_API}/exchanges")
            names = [item["id"] for item in listed if exchange.lower() in item["id"].lower()]
            return [
                ProviderSymbol(symbol=f"{name}:", name=None, asset_class=None, venue=None) for name in names[:limit]
            ]
        found = [item for item in self._symbols(exchange.lower(), text) if wanted.lower() in item["id"].lower()]
        return [
            ProviderSymbol(
                symbol=f"{exchange.lower()}:{item['id']}",
                name=item.get("type"),
                asset_class=cast("Any", {"future": "future", "option": "option"}.get(item.get("type", ""), "crypto")),
                venue=_venue(exchange),
            )
            for item in found[:limit]
        ]

    def instrument(self, symbol: str) -> Instrument:
        """Describe a symbol: with a key by Tardis' own description, without one by what the public list says."""
        exchange, name = self._split(symbol)
        told = self._told(exchange, name, symbol)
        kind = _KINDS.get(told["type"], "CurrencyPair")
        base, quote = told["baseCurrency"].upper(), told["quoteCurrency"].upper()
        plain = re.sub(r"[^A-Z0-9_-]", "", name.upper())
        plain += "-PERP" if kind == "CryptoPerpetual" and not plain.endswith(("PERP", "PERPETUAL")) else ""
        # Without a key nobody says how many decimals there are; those that the first ticks have will do.
        price, size = _digits(told.get("priceIncrement", 1)), _digits(told.get("amountIncrement", 1))
        details: dict[str, str | float | bool] = {"raw_symbol": name}
        if kind in ("CurrencyPair", "CryptoPerpetual"):
            details |= {"base_currency": base}
        if kind != "CurrencyPair":
            details |= {
                "is_inverse": bool(told.get("inverse")),
                "settlement_currency": base if told.get("inverse") else quote,
            }
        if kind in ("CryptoFuture", "CryptoOption"):
            details |= {
                "underlying": base,
                "activation_ns": str(_instant(told.get("availableSince"))),
                "expiration_ns": str(_instant(told.get("expiry"))),
            }
        if kind == "CryptoOption":
            details |= {
                "option_kind": str(told.get("optionType", "call")).upper(),
                "strike_price": f"{told.get('strikePrice', 0):.{price}f}",
            }
        return Instrument(
            id=f"{plain}.{_venue(exchange)}",
            symbol=plain,
            venue=_venue(exchange),
            asset_class=cast("Any", {"CryptoFuture": "future", "CryptoOption": "option"}.get(kind, "crypto")),
            name=None,
            currency=quote,
            price_precision=price,
            price_increment=increment(price),
            size_precision=size,
            lot_size=increment(size),
            multiplier=f"{told.get('contractMultiplier') or 1:g}",
            time_zone="UTC",
            periods_per_year=365,
            kind=cast("Any", kind),
            details=details,
        )

    def days_a_part(self, _kind: DataKind, _step: str) -> int:
        """A file is a day."""
        return 1

    def fetch(self, symbol: str, kind: DataKind, step: str, span: Span) -> Iterator[pa.Table]:
        """Fetch the file of each day; ticks have no step."""
        del step
        exchange, name = self._split(symbol)
        instrument = self.instrument(symbol)
        decoder = cast("Decoder", self.access.decode)
        assert self.access.scratch is not None
        for day in span.days:
            target = self.access.scratch / "day.csv.gz"
            url = f"{_DATASETS}/{exchange}/{_TYPES[kind]}/{day:%Y/%m/%d}/{_file_name(name)}.csv.gz"
            try:
                self.access.download(url, target, headers=self._headers(), check=_check_gzip)
            except Refused as refused:
                if refused.status in _MISSING:
                    continue
                raise self._translate(refused, symbol) from refused
            try:
                # Decimals are those of the file: without a key nobody says how many there are.
                yield decoder.tardis(target, kind, instrument.id)
            except ValueError as error:
                raise TinoError(
                    "provider_data_invalid", provider=self.access.name, symbol=symbol, reason=str(error)
                ) from error
            finally:
                target.unlink(missing_ok=True)

    def _told(self, exchange: str, name: str, symbol: str) -> dict[str, Any]:
        listed = {item["id"].lower(): item for item in self._symbols(exchange, symbol)}
        found = listed.get(name.lower())
        if found is None:
            near = [item for item in listed if name.lower()[:3] in item][:3]
            words = f" (similar: {', '.join(near)})" if near else ""
            raise TinoError(
                "provider_symbol_unknown", field="symbols", provider=self.access.name, symbol=symbol, near=words
            )
        if self.access.key is not None:
            try:
                return found | self._get(f"{_API}/instruments/{exchange}/{found['id']}")
            except Refused as refused:
                if refused.status in _REFUSED:
                    raise self._translate(refused, symbol) from refused
        bare = re.sub(r"[^A-Z0-9]|PERP(ETUAL)?$", "", name.upper())
        quote = next((text for text in _QUOTES if bare.endswith(text) and bare != text), "USD")
        return found | {"baseCurrency": bare.removesuffix(quote) or bare, "quoteCurrency": quote}

    def _symbols(self, exchange: str, symbol: str) -> list[dict[str, Any]]:
        if exchange not in self._exchanges:
            try:
                self._exchanges[exchange] = self._get(f"{_API}/exchanges/{exchange}")["availableSymbols"]
            except Refused as refused:
                raise self._translate(refused, symbol) from refused
        return self._exchanges[exchange]

    def _get(self, url: str) -> Any:
        return self.access.get_json(url, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {} if self.access.key is None else {"Authorization": f"Bearer {self.access.key}"}

    def _split(self, symbol: str) -> tuple[str, str]:
        exchange, colon, name = symbol.partition(":")
        if not colon or not name:
            near = " (it is written as exchange:SYMBOL, such as binance:BTCUSDT)"
            raise TinoError(
                "provider_symbol_unknown", field="symbols", provider=self.access.name, symbol=symbol, near=near
            )
        return exchange.lower(), name

    def _translate(self, refused: Refused, symbol: str) -> TinoError:
        if refused.status in _REFUSED:
            if self.access.key is None:
                return TinoError("provider_key_missing", provider=self.access.name)
            return TinoError("provider_key_refused", provider=self.access.name, reason=refused.words)
        words = f": {refused.words}"
        return TinoError(
            "provider_symbol_unknown", field="symbols", provider=self.access.name, symbol=symbol, near=words
        )


def _file_name(symbol: str) -> str:
    """Give a symbol as it stands in the names of files."""
    return re.sub(r"[:/]", "-", symbol.upper())


def _venue(exchange: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", exchange.upper())


def _digits(increment_: float) -> int:
    text = f"{increment_:.16f}".rstrip("0")
    return min(16, len(text.partition(".")[2]))


def _instant(text: str | None) -> int:
    return 0 if not text else int(datetime.fromisoformat(text).timestamp()) * 10**9


def _check_gzip(path: Path) -> None:
    """Read a file to its end: its last bytes are the check of all."""
    try:
        with gzip.open(path) as file:
            while file.read(_CHUNK):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Truncated("a compressed file is not whole") from error
