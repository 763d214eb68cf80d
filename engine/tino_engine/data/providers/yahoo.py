"""Yahoo through yfinance: bars of stocks, funds, indices, currencies and coins, with splits and dividends.

Yahoo divides all prices before a split by its ratio, also those that it calls unadjusted. Stored are prices as they were traded,
so they are multiplied back by the splits since, and volumes divided; the splits themselves go into the list of actions, from which
a run adjusts as it is asked to. Dividends are multiplied back likewise.
"""

from __future__ import annotations

import re
import warnings
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import yfinance as yf
from curl_cffi import requests as curl
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFPricesMissingError, YFRateLimitError, YFTzMissingError

from tino_engine.contracts import CorporateAction, Instrument, ProviderSymbol
from tino_engine.data.instruments import increment
from tino_engine.data.providers.access import Throttled, Truncated, Unavailable, classify, describe
from tino_engine.data.providers.provider import Capabilities, Provider, make_bars
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from tino_engine.data.providers.access import Access
    from tino_engine.data.providers.provider import DataKind, Span

INTERVALS = {
    "1-MINUTE": "1m",
    "2-MINUTE": "2m",
    "5-MINUTE": "5m",
    "15-MINUTE": "15m",
    "30-MINUTE": "30m",
    "1-HOUR": "1h",
    "1-DAY": "1d",
    "1-WEEK": "1wk",
    "1-MONTH": "1mo",
}
_VENUES = {
    "NMS": "XNAS",
    "NGM": "XNAS",
    "NCM": "XNAS",
    "NYQ": "XNYS",
    "PCX": "ARCX",
    "ASE": "XASE",
    "BTS": "BATS",
    "LSE": "XLON",
    "GER": "XETR",
    "FRA": "XFRA",
    "PAR": "XPAR",
    "AMS": "XAMS",
    "MIL": "XMIL",
    "MCE": "XMAD",
    "EBS": "XSWX",
    "TOR": "XTSE",
    "JPX": "XTKS",
    "HKG": "XHKG",
    "SHH": "XSHG",
    "SHZ": "XSHE",
    "ASX": "XASX",
    "NSI": "XNSE",
    "BSE": "XBOM",
}
"""Market identifier codes (ISO 10383) of Yahoo's own; others keep Yahoo's."""
_CLASSES = {"CRYPTOCURRENCY": "crypto", "CURRENCY": "fx", "INDEX": "index", "FUTURE": "future", "OPTION": "other"}
_MINOR = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Currencies that Yahoo counts in hundredths."""
_META = ("currency", "exchangeName", "instrumentType", "exchangeTimezoneName", "priceHint", "longName", "shortName")
_HTTP_REFUSED = 400
_EPOCH = date(1970, 1, 2)


class Yahoo(Provider):
    """Yahoo Finance. It asks for no key, and promises nothing."""

    capabilities = Capabilities(
        name="yahoo",
        title="Yahoo Finance",
        kinds=("bars",),
        steps=tuple(INTERVALS),
        actions=True,
        example="AAPL",
        note="For personal use. Bars of a minute go back about a week, those of 2 to 30 minutes 60 days, of an hour two years.",
        requests_a_second=1.0,
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        if access.scratch is not None:
            yf.set_tz_cache_location(str(access.scratch / "yfinance"))
        yf.config.debug.hide_exceptions = False
        self._session = _Session(access)
        self._data = YfData(session=self._session)
        self._daily: dict[str, Any] = {}
        self._metas: dict[str, dict[str, Any]] = {}

    def search(self, text: str, limit: int) -> Sequence[ProviderSymbol]:
        """Ask Yahoo's own search."""
        if not text.strip():
            return ()
        found = self._ask(
            text, lambda: yf.Search(text, max_results=limit, news_count=0, lists_count=0, session=self._session).quotes
        )
        return [
            ProviderSymbol(
                symbol=quote["symbol"],
                name=quote.get("longname") or quote.get("shortname"),
                asset_class=_CLASSES.get(str(quote.get("quoteType")), "equity"),  # type: ignore[arg-type]
                venue=_VENUES.get(str(quote.get("exchange")), quote.get("exchange")),
            )
            for quote in found[:limit]
        ]

    def instrument(self, symbol: str) -> Instrument:
        """Describe a symbol from what comes with its prices."""
        self._history(symbol)
        meta = self._metas[symbol]
        type_ = str(meta.get("instrumentType") or "EQUITY")
        class_ = _CLASSES.get(type_, "equity")
        currency = str(meta.get("currency") or "USD")
        plain = re.sub(r"[^A-Z0-9-]", "", symbol.upper().removesuffix("=X").removesuffix("=F").partition(".")[0])
        venue = _VENUES.get(
            str(meta.get("exchangeName")), re.sub(r"[^A-Z0-9_]", "", str(meta.get("exchangeName")).upper())
        )
        details: dict[str, str | float | bool] = {"raw_symbol": symbol}
        if class_ in ("crypto", "fx"):
            base, _, quote = plain.partition("-")
            if class_ == "fx":
                base = plain[:3] if len(plain) == 6 else "USD"
                quote = currency
            details |= {"base_currency": base}
            plain, venue = f"{base}{quote}", "YAHOO"
        minor = currency in _MINOR
        price = max(int(meta.get("priceHint") or 2), 2) + (2 if minor else 0)
        pair = class_ in ("crypto", "fx")
        size = 8 if class_ == "crypto" else 2 if class_ == "fx" else 0
        kind = {"crypto": "CurrencyPair", "fx": "CurrencyPair", "index": "IndexInstrument", "equity": "Equity"}.get(
            class_, "Cfd"
        )
        if kind == "Cfd":
            # A chain of contracts without an end of its own: nothing that NautilusTrader has as a future.
            details |= {"asset_class": "ALTERNATIVE"}
        return Instrument(
            id=f"{plain}.{venue}",
            symbol=plain,
            venue=venue,
            asset_class=class_,  # type: ignore[arg-type]
            name=meta.get("longName") or meta.get("shortName"),
            currency=_MINOR.get(currency, currency),
            price_precision=price,
            price_increment=increment(price),
            size_precision=size,
            lot_size=increment(size) if pair else "1",
            multiplier="1",
            time_zone=str(meta.get("exchangeTimezoneName") or "America/New_York") if not pair else "UTC",
            periods_per_year=365 if class_ == "crypto" else 252,
            kind=kind,  # type: ignore[arg-type]
            details=details,
        )

    def days_a_part(self, _kind: DataKind, step: str) -> int:
        """As much as Yahoo gives at once."""
        return 7 if step == "1-MINUTE" else 50 if step.endswith(("MINUTE", "HOUR")) else 20_000

    def fetch(self, symbol: str, kind: DataKind, step: str, span: Span) -> Iterator[pa.Table]:
        """Fetch bars, which are all that Yahoo has, and undo the splits since."""
        del kind
        first, after = span.from_day, span.to_day + timedelta(days=1)
        frame = self._history(symbol, INTERVALS[step], first, after)
        if frame is None or frame.empty:
            return
        splits = self._splits(symbol)
        stamps = frame.index
        days = np.array([stamp.date().toordinal() for stamp in stamps])
        factor = np.ones(len(days))
        for day, ratio in splits:
            factor[days < day.toordinal()] *= ratio
        unit = 0.01 if self._metas[symbol].get("currency") in _MINOR else 1.0
        digits = self.instrument(symbol).price_precision
        prices = [
            np.round(frame[name].to_numpy(np.float64) * factor * unit, digits)
            for name in ("Open", "High", "Low", "Close")
        ]
        volume = np.round(frame["Volume"].to_numpy(np.float64) / factor, 8)
        if self._metas[symbol].get("instrumentType") not in ("CRYPTOCURRENCY", "CURRENCY"):
            volume = np.rint(volume)
        local = np.array([stamp.tz_localize(None).value for stamp in stamps], np.int64)
        instants = np.array([stamp.value for stamp in stamps], np.int64)
        # Of bars of a day or longer the day counts, which is that of the exchange: noon lies within it in any zone.
        times = (
            instants
            if step.endswith(("MINUTE", "HOUR"))
            else local // (86_400 * 10**9) * (86_400 * 10**9) + 43_200 * 10**9
        )
        yield make_bars(times, prices[0], prices[1], prices[2], prices[3], volume)

    def actions(self, symbol: str) -> Sequence[CorporateAction]:
        """Give all splits, and all dividends as they were paid."""
        frame = self._history(symbol)
        splits = self._splits(symbol)
        unit = 0.01 if self._metas[symbol].get("currency") in _MINOR else 1.0
        found = [CorporateAction(ex_day=day.isoformat(), kind="split", value=ratio) for day, ratio in splits]
        if frame is None:
            return found
        paid = frame["Dividends"][frame["Dividends"] > 0] if "Dividends" in frame else []
        for stamp, value in getattr(paid, "items", dict)():
            factor = float(np.prod([ratio for day, ratio in splits if stamp.date() < day]))
            cash = round(float(value) * factor * unit, 6)
            found.append(CorporateAction(ex_day=stamp.date().isoformat(), kind="dividend", value=cash))
        return sorted(found, key=lambda action: (action.ex_day, action.kind))

    def _splits(self, symbol: str) -> list[tuple[date, float]]:
        frame = self._history(symbol)
        if frame is None or "Stock Splits" not in frame:
            return []
        held = frame["Stock Splits"][frame["Stock Splits"] > 0]
        return [(stamp.date(), float(ratio)) for stamp, ratio in held.items()]

    def _history(self, symbol: str, interval: str = "1d", first: date = _EPOCH, after: date | None = None) -> Any:
        """Give bars as Yahoo has them. The daily ones from the beginning are asked for once: they carry all actions."""
        whole = interval == "1d"
        if whole and symbol in self._daily:
            frame = self._daily[symbol]
        else:
            frame = self._ask(
                symbol, lambda: self._load(symbol, interval, first if not whole else _EPOCH, None if whole else after)
            )
            if whole:
                self._daily[symbol] = frame
        if frame is None or frame.empty or not whole or after is None:
            return frame
        days = np.array([stamp.date() for stamp in frame.index])
        return frame[(days >= first) & (days < after)]

    def _load(self, symbol: str, interval: str, first: date, after: date | None) -> Any:
        ticker = yf.Ticker(symbol, session=self._session)
        frame = ticker.history(
            interval=interval, start=first.isoformat(), end=after and after.isoformat(), auto_adjust=False, actions=True
        )
        told = ticker.history_metadata
        self._metas[symbol] = {name: told.get(name) for name in _META}
        return frame

    def _ask(self, symbol: str, ask: Callable[[], Any]) -> Any:
        def send() -> Any:
            self._session.verdict = None
            # It keeps answers, those with a fault too, and would give them again.
            self._data.cache_get.cache_clear()
            try:
                with warnings.catch_warnings():
                    # Of pandas, about what yfinance will have to change one day.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    return ask()
            except (Throttled, Unavailable):
                raise
            except YFRateLimitError as error:
                raise Throttled from error
            except YFPricesMissingError as error:
                if self._session.verdict is not None:
                    raise self._session.verdict from error
                if symbol in self._metas:
                    return None
                raise self._unknown(symbol) from error
            except YFTzMissingError as error:
                raise self._session.verdict or self._unknown(symbol) from error
            except (YFException, ValueError, KeyError, TypeError) as error:
                # What yfinance raises for an answer that is not what it expects.
                raise self._session.verdict or Truncated(describe(error)) from error
            except (curl.exceptions.RequestException, OSError) as error:
                raise self._session.verdict or Unavailable(describe(error)) from error

        return self.access.attempt(send, permit=False)

    def _unknown(self, symbol: str) -> TinoError:
        return TinoError("provider_symbol_unknown", field="symbols", provider=self.access.name, symbol=symbol, near="")


class _Session(curl.Session):
    """Yahoo wants to be asked by a browser, which curl_cffi looks like; its requests wait for the one limit, and go where they are sent."""

    def __init__(self, access: Access) -> None:
        super().__init__(impersonate="chrome")
        self._access = access
        self.verdict: Exception | None = None
        """Why the last request was not answered as it should be: yfinance turns all of that into words of its own."""

    def request(self, method: Any, url: str, *arguments: Any, **options: Any) -> Any:  # type: ignore[override]
        """Send a request."""
        self._access.permit(1 / self._access.requests_a_second)
        try:
            answer = super().request(method, self._access.address(url), *arguments, **options)
        except curl.exceptions.RequestException as error:
            words = describe(error)
            cut = "transfer closed" in words or "partial" in words.lower() or "(18)" in words
            self.verdict = Truncated("fewer bytes than were announced") if cut else Unavailable(words)
            raise
        if answer.status_code >= _HTTP_REFUSED and "/finance/" in url:
            # Not left to yfinance, which asks again at once, in another disguise.
            classify(answer.status_code, {key: value or "" for key, value in answer.headers.items()}, answer.content)
        return answer

    def get(self, url: str, **options: Any) -> Any:  # type: ignore[override]
        """Send a GET."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:  # type: ignore[override]
        """Send a POST."""
        return self.request("POST", url, **options)
