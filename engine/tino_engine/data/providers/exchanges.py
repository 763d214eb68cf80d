"""Crypto exchanges through ccxt: bars and trades of every exchange whose public interface has them, no key needed.

ccxt knows each exchange's addresses, weights of requests and errors; its own throttle and its connection are taken over, so that
the engine's one limit counts, a `Retry-After` is heard, and tests can stand in for an exchange. An exchange answers in pages of
its own size: each is asked for from the last time that the page before told of, and what comes twice is taken once.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import ccxt
import numpy as np
import requests

from tino_engine.contracts import Instrument, ProviderSymbol
from tino_engine.data.instruments import increment
from tino_engine.data.providers.access import Throttled, Truncated, Unavailable, classify, retry_after
from tino_engine.data.providers.provider import Capabilities, Provider, make_bars
from tino_engine.data.ticks import make_trades
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from tino_engine.data.providers.access import Access
    from tino_engine.data.providers.provider import DataKind, Span

_UNITS = {"s": "SECOND", "m": "MINUTE", "h": "HOUR", "d": "DAY", "w": "WEEK", "M": "MONTH"}
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400, "WEEK": 604_800, "MONTH": 2_592_000}
_BARS_A_PART = 20_000
_PAGE = 1_000
_QUIET = 3_600_000
_TICK_SIZE = 4


def exchange_names() -> list[str]:
    """Give the exchanges that ccxt has."""
    return list(ccxt.exchanges)


@cache
def capabilities_of(name: str) -> Capabilities:
    """Tell what an exchange has, without asking it."""
    described = getattr(ccxt, name)({})
    has = described.has
    kinds: list[Any] = []
    if has.get("fetchOHLCV") is True and described.timeframes:
        kinds.append("bars")
    if has.get("fetchTrades") is True:
        kinds.append("trades")
    wants_key = bool(described.has.get("publicAPI") is False)
    return Capabilities(
        name=name,
        title=str(described.name),
        kinds=tuple(kinds),
        steps=tuple(step for step in map(_step_of, described.timeframes or {}) if step),
        key="required" if wants_key else "none",
        example="BTC/USDT",
        note="Exchanges tell of recent trades alone; most of the hour, some of the day."
        if kinds == ["trades"]
        else None,
        requests_a_second=1000 / max(float(described.rateLimit or 1000), 1.0),
    )


def _step_of(timeframe: str) -> str | None:
    match = re.fullmatch(r"(\d+)([smhdwM])", timeframe)
    return None if match is None else f"{match[1]}-{_UNITS[match[2]]}"


class Exchange(Provider):
    """One exchange. `capabilities` are the instance's own: there are more than a hundred."""

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.capabilities = capabilities_of(access.name)  # type: ignore[misc] - see above
        self._exchange = _connect(access)
        self._markets: dict[str, Any] | None = None

    def search(self, text: str, limit: int) -> Sequence[ProviderSymbol]:
        """Find markets whose symbol holds the text."""
        wanted = text.upper().replace("-", "/")
        bare = wanted.replace("/", "")
        found = [
            market
            for symbol, market in sorted(self._load().items(), key=lambda item: (len(item[0]), item[0]))
            if wanted in symbol or bare in symbol.replace("/", "")
        ]
        return [
            ProviderSymbol(
                symbol=market["symbol"],
                name=f"{market['symbol']} {market.get('type') or ''}".strip(),
                asset_class=_asset_class(market),
                venue=self.access.name.upper(),
            )
            for market in found[:limit]
        ]

    def instrument(self, symbol: str) -> Instrument:
        """Describe a market: spot is a pair, swaps are perpetuals, the others have an end."""
        market = self._market(symbol)
        kind, details = _kind_of(market)
        price, size = (self._digits(market["precision"].get(name)) for name in ("price", "amount"))
        name = re.sub(r"[^A-Z0-9]", "", f"{market['base']}{market['quote']}".upper())
        suffix = {"CurrencyPair": "", "CryptoPerpetual": "-PERP"}.get(kind)
        if suffix is None:
            name, suffix = re.sub(r"[^A-Z0-9_-]", "", str(market["id"]).upper()), ""
        return Instrument(
            id=f"{name}{suffix}.{self.access.name.upper()}",
            symbol=f"{name}{suffix}",
            venue=self.access.name.upper(),
            asset_class=_asset_class(market),
            name=market["symbol"],
            currency=market["quote"],
            price_precision=price,
            price_increment=increment(price),
            size_precision=size,
            lot_size=increment(size),
            multiplier=_plain(market.get("contractSize")) if kind != "CurrencyPair" else "1",
            time_zone="UTC",
            periods_per_year=365,
            kind=kind,  # type: ignore[arg-type]
            details=details,
        )

    def days_a_part(self, kind: DataKind, step: str) -> int:
        """Twenty thousand bars, or a day of trades."""
        return 1 if kind != "bars" else max(1, _BARS_A_PART * _seconds(step) // 86_400)

    def fetch(self, symbol: str, kind: DataKind, step: str, span: Span) -> Iterator[pa.Table]:
        """Page through a span."""
        market = self._market(symbol)
        start, end = int(span.start.timestamp() * 1000), int(span.end.timestamp() * 1000)
        if kind == "bars":
            yield from self._bars(market["symbol"], step, start, end)
        else:
            yield from self._trades(market["symbol"], start, end)

    def _bars(self, symbol: str, step: str, start: int, end: int) -> Iterator[pa.Table]:
        frame = next(text for text in self._exchange.timeframes if _step_of(text) == step)
        length, since = _seconds(step) * 1000, start
        seen: dict[int, list[float]] = {}
        while since < end:
            page = self._exchange.call(lambda since=since: self._exchange.fetch_ohlcv(symbol, frame, since, _PAGE))
            seen |= {int(row[0]): row for row in page if start <= int(row[0]) < end}
            latest = max((int(row[0]) for row in page), default=None)
            if latest is None:
                # Before its listing, or a halt longer than a page: some exchanges answer with what follows, some with nothing.
                since += _PAGE * length
            elif latest < since:
                break  # It tells of older bars alone, so it has none from here on.
            else:
                since = latest + length
        rows = [seen[key] for key in sorted(seen)]
        if rows:
            columns = np.array([[np.nan if cell is None else float(cell) for cell in row[:6]] for row in rows]).T
            times = np.array([int(row[0]) for row in rows], np.int64) * 1_000_000
            yield make_bars(times, *columns[1:6])

    def _trades(self, symbol: str, start: int, end: int) -> Iterator[pa.Table]:
        seen: dict[str, dict[str, Any]] = {}
        since = start
        while since < end:
            page = self._exchange.call(lambda since=since: self._exchange.fetch_trades(symbol, since, _PAGE))
            before = len(seen)
            seen |= {trade_id(trade): trade for trade in page if start <= trade["timestamp"] < end}
            latest = max((trade["timestamp"] for trade in page), default=None)
            if latest is None:
                since += _QUIET  # Some exchanges answer for an hour at a time.
                continue
            if latest < since:
                break
            # Trades of one millisecond may go on on the next page, so it begins with that of the last one again.
            since = latest if len(seen) > before and latest > since else latest + 1
        if seen:
            trades = sorted(seen.values(), key=lambda trade: trade["timestamp"])
            instrument = self.instrument(symbol)
            yield make_trades(
                np.array([trade["timestamp"] * 1_000_000 for trade in trades], np.int64),
                _whole([trade["price"] for trade in trades], instrument.price_precision),
                _whole([trade["amount"] for trade in trades], instrument.size_precision),
                [{"buy": "BUY", "sell": "SELL"}.get(trade["side"] or "", "NO_AGGRESSOR") for trade in trades],
                [trade_id(trade) for trade in trades],
                instrument,
            )

    def _load(self) -> dict[str, Any]:
        markets = self._markets
        if markets is None:
            markets = self._markets = dict(self._exchange.call(self._exchange.load_markets))
        return markets

    def _market(self, symbol: str) -> dict[str, Any]:
        markets = self._load()
        wanted = symbol.upper()
        for key in (symbol, wanted, wanted.replace("-", "/"), wanted.replace("_", "/")):
            if key in markets:
                return markets[key]
        bare = re.sub(r"[^A-Z0-9]", "", wanted)
        same = [market for key, market in markets.items() if re.sub(r"[^A-Z0-9]", "", key) == bare]
        if same:
            return same[0]
        near = [found.symbol for found in self.search(wanted[:3], 3)]
        raise TinoError(
            "provider_symbol_unknown",
            field="symbols",
            provider=self.access.name,
            symbol=symbol,
            near=f" (similar: {', '.join(near)})" if near else "",
        )

    def _digits(self, precision: Any) -> int:
        """Give decimals, from a tick's size or from themselves, as the exchange has it."""
        if precision is None:
            return 8
        if self._exchange.precisionMode == _TICK_SIZE:
            return min(16, max(0, -int(Decimal(str(precision)).normalize().as_tuple().exponent)))
        return min(16, max(0, int(precision)))


def trade_id(trade: dict[str, Any]) -> str:
    """Give a trade's id; of an exchange that has none what makes it itself."""
    return str(trade["id"] or f"{trade['timestamp']}-{trade['price']}-{trade['amount']}")[:36]


def _seconds(step: str) -> int:
    number, _, unit = step.partition("-")
    return int(number) * _SECONDS[unit]


def _plain(value: Any) -> str:
    return f"{Decimal(str(value or 1)).normalize():f}"


def _whole(values: Sequence[float], digits: int) -> np.ndarray:
    return np.rint(np.array(values, np.float64) * 10.0**digits).astype(np.int64)


def _asset_class(market: dict[str, Any]) -> Any:
    if market.get("option"):
        return "option"
    return "future" if market.get("future") else "crypto"


def _kind_of(market: dict[str, Any]) -> tuple[str, dict[str, str | float | bool]]:
    """Give NautilusTrader's class of a market, and what it has besides."""
    if not market.get("contract"):
        return "CurrencyPair", {"base_currency": market["base"], "raw_symbol": str(market["id"])}
    settled: dict[str, str | float | bool] = {
        "settlement_currency": market.get("settle") or market["quote"],
        "is_inverse": bool(market.get("inverse")),
        "raw_symbol": str(market["id"]),
    }
    if market.get("swap"):
        return "CryptoPerpetual", settled | {"base_currency": market["base"]}
    ends: dict[str, str | float | bool] = {
        "underlying": market["base"],
        "activation_ns": str(int(market.get("created") or 0) * 1_000_000),
        "expiration_ns": str(int(market.get("expiry") or 0) * 1_000_000),
    }
    if market.get("option"):
        strike = {"option_kind": str(market["optionType"]).upper(), "strike_price": _plain(market["strike"])}
        return "CryptoOption", settled | ends | strike
    return "CryptoFuture", settled | ends


def _connect(access: Access) -> Any:
    """Make a ccxt exchange whose requests go by `access`."""
    base: Any = getattr(ccxt, access.name)

    class Connected(base):
        status: int | None = None

        def throttle(self, cost: float | None = None) -> None:
            access.permit((1 if cost is None else cost) * self.rateLimit / 1000)

        def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            self.status = None
            answer = super().fetch(access.address(url), method, headers, body)
            if isinstance(answer, str):
                raise Truncated("an answer is not whole JSON")
            return answer

        def on_rest_response(self, code: int, *arguments: Any) -> Any:
            self.status = code
            self.last_response_headers = arguments[3]
            return super().on_rest_response(code, *arguments)

        def call(self, ask: Any) -> Any:
            """Ask, and once more what may pass; everything else in the words of the catalogue."""

            def send() -> Any:
                try:
                    return ask()
                except ccxt.BaseError as error:
                    raise self.translate(error) from error
                except (requests.exceptions.ContentDecodingError, UnicodeDecodeError) as error:
                    raise Truncated(str(error)[:200]) from error

            return access.attempt(send, permit=False)

        def translate(self, error: Exception) -> Exception:
            headers = dict(self.last_response_headers or {})
            if self.status is not None and self.status != 200:
                try:
                    classify(self.status, headers)
                except (Throttled, Unavailable) as verdict:
                    return verdict
            words = _words(error)
            if "IncompleteRead" in repr(error.__cause__):
                return Truncated("fewer bytes than were announced")
            if isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)):
                return Throttled(retry_after(headers))
            if isinstance(error, ccxt.AuthenticationError):
                return TinoError("provider_key_refused", provider=access.name, reason=words)
            if isinstance(error, ccxt.NetworkError):
                return Unavailable(words)
            if isinstance(error, (ccxt.BadResponse, ccxt.NullResponse)):
                return Truncated(words)
            return TinoError("provider_down", provider=access.name, reason=words)

    arguments: dict[str, Any] = {"enableRateLimit": True, "timeout": 30_000}
    if access.key is not None:
        name, _, secret = access.key.partition(":")
        arguments |= {"apiKey": name, "secret": secret}
    connected = Connected(arguments)
    connected.enableLastResponseHeaders = True
    return connected


def _words(error: Exception) -> str:
    text = str(error).partition("\n")[0].strip().rstrip(".")
    return re.sub(r"\b\w+ (GET|POST) https?://\S+", "no connection", text)[:200] or type(error).__name__
