"""Local servers that speak the protocols of providers: Binance, Yahoo, Tardis, Databento, and an S3 store.

Addresses are `/<host>/<path>`, so that one server stands for all of them; a host without a point is a bucket of the store. `faults` are what the next answers are instead, in order:
("status", 503), ("throttle", seconds), ("truncate", None), ("garbage", None), ("drop", None); each counts for one request whose path
holds `match`. Everything that is asked is in `asked`. As a program it prints its port and serves until its input closes; then
`POST /_faults` takes a JSON list of [match, fault, value].
"""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pyarrow as pa

MINUTE = 60_000
DAY = 86_400_000
KEY = "db-right"
"""The key that Databento and Tardis take."""
SPLIT_DAY = "2020-08-31"
YAHOO_DAYS = ["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"]


@dataclass
class Venues:
    """Use it as a context: `with Venues() as venues`."""

    faults: list[tuple[str, str, Any]] = field(default_factory=list)
    asked: list[tuple[float, str]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    """What the S3 store holds, by bucket and key."""

    def __enter__(self) -> Self:
        venues = self

        class Handler(_Handler):
            pass

        Handler.venues = venues
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.server_port

    @property
    def mirror(self) -> str:
        """Address that takes the place of `https:/`."""
        return f"http://127.0.0.1:{self.port}"

    def requests(self, text: str) -> list[str]:
        """Give the paths that were asked for and hold a text."""
        return [path for _, path in self.asked if text in path]

    def take_fault(self, path: str) -> tuple[str, Any] | None:
        """Give what the answer is to be instead."""
        for number, (match, fault, value) in enumerate(self.faults):
            if match in path:
                del self.faults[number]
                return fault, value
        return None


class _Handler(BaseHTTPRequestHandler):
    venues: Venues
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        self._answer()

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        body = self._read_body()
        if self.path == "/_faults":
            self.venues.faults += [tuple(item) for item in json.loads(body)]
            return self._send(200, b"{}")
        if self.path == "/_asked":
            return self._send(200, json.dumps([path for _, path in self.venues.asked]).encode())
        self.venues.asked.append((time.monotonic(), f"{self.path}{f'?{body.decode()}' if self._is_form() else ''}"))
        host, _, rest = self.path.lstrip("/").partition("/")
        address = urllib.parse.urlsplit(f"//x/{rest}")
        query = dict(
            urllib.parse.parse_qsl(address.query) + urllib.parse.parse_qsl(body.decode() if self._is_form() else "")
        )
        fault, value = self.venues.take_fault(self.path) or (None, None)
        if fault == "status":
            return self._send(value, json.dumps({"code": -1, "msg": "out of order"}).encode())
        if fault == "throttle":
            headers = {} if value is None else {"Retry-After": str(value)}
            return self._send(429, b'{"code": -1003, "msg": "Too many requests"}', headers)
        if fault == "drop":
            self.close_connection = True
            return None
        if "." not in host:
            return self._s3(self.path.lstrip("/"), body)
        status, answer, headers = _route(host, address.path, query, dict(self.headers))
        if fault == "garbage":
            answer = answer[: len(answer) // 2]
        return self._send(status, answer, headers, cut=fault == "truncate")

    def _is_form(self) -> bool:
        return "form-urlencoded" in self.headers.get("Content-Type", "")

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        self.send_response(status)
        headers = {"Content-Type": "application/json", **(headers or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def _s3(self, rest: str, body: bytes) -> None:
        """Speak as much of S3 as Arrow does: objects whole, their heads, multipart uploads, a listing."""
        path, _, query = rest.partition("?")
        key, options = urllib.parse.unquote(path), dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        held = self.venues.objects
        if self.command == "POST" and "uploads" in options:
            bucket, _, name = key.partition("/")
            text = f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{name}</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            return self._xml(text)
        if self.command == "POST" and "uploadId" in options:
            parts = sorted(name for name in held if name.startswith(f"{key}?part="))
            held[key] = b"".join(held.pop(name) for name in parts)
            return self._xml("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
        if self.command == "POST" and "delete" in options:
            return self._xml("<DeleteResult></DeleteResult>")
        if self.command == "PUT":
            if (
                "aws-chunked" in self.headers.get("Content-Encoding", "")
                or "x-amz-decoded-content-length" in self.headers
            ):
                body = _unchunk(body)
            held[key if "partNumber" not in options else f"{key}?part={int(options['partNumber']):05d}"] = body
            return self._send(200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})  # noqa: S324
        if self.command == "DELETE":
            held.pop(key, None)
            return self._send(204, b"")
        if "list-type" in options:
            bucket, prefix = key.strip("/"), options.get("prefix", "")
            found = [name.removeprefix(f"{bucket}/") for name in sorted(held) if name.startswith(f"{bucket}/{prefix}")]
            items = "".join(
                f"<Contents><Key>{name}</Key><Size>{len(held[f'{bucket}/{name}'])}</Size>"
                "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
                for name in found
            )
            return self._xml(
                f"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>{len(found)}</KeyCount>{items}</ListBucketResult>"
            )
        if "/" not in key.strip("/"):
            return self._send(200, b"")
        if key not in held:
            return self._send(
                404,
                b"" if self.command == "HEAD" else b"<Error><Code>NoSuchKey</Code></Error>",
                {"Content-Type": "application/xml"},
            )
        data, headers, status = held[key], {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "ETag": '"x"'}, 200
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            end = min(int(last) if last else len(data) - 1, len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{end}/{len(data)}"
            data, status = data[int(first) : end + 1], 206
        return self._send(status, data, {**headers, "Content-Type": "application/octet-stream"})

    def _xml(self, text: str) -> None:
        self._send(200, f'<?xml version="1.0"?>{text}'.encode(), {"Content-Type": "application/xml"})


def _unchunk(body: bytes) -> bytes:
    """Take the pieces of a signed upload out of their frames."""
    out, at = b"", 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if size == 0:
            return out
        out += body[end + 2 : end + 2 + size]
        at = end + 4 + size


def _route(host: str, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    if host.endswith("binance.com"):
        return _json(_binance(host, path, query))
    if host.endswith("yahoo.com"):
        return _yahoo(path, query)
    if host.endswith("tardis.dev"):
        return _tardis(path, headers)
    if host.endswith("databento.com"):
        return _databento(path, query, headers)
    return 404, b"{}", {}


def _json(value: Any, status: int = 200) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps(value).encode(), {}


# -- Binance -----------------------------------------------------------------------------------------------------------

LISTED = int(datetime(2024, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)
"""When trading of BTCUSDT began here."""


def _binance(host: str, path: str, query: dict[str, str]) -> Any:
    if path.endswith("/exchangeInfo"):
        return {"symbols": [_BTC, _NEW] if host == "api.binance.com" else [], "rateLimits": []}
    if path.endswith("/klines"):
        return _klines(query)
    if path.endswith("/aggTrades"):
        return _trades(query)
    return {}


def _market(base: str) -> dict[str, Any]:
    return {
        "symbol": f"{base}USDT",
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001000"},
        ],
    }


_BTC, _NEW = _market("BTC"), _market("NEW")


def kline(at: int) -> list[Any]:
    """One candle by its opening."""
    n = at // MINUTE % 1_000
    return [
        at,
        f"{100 + n % 7}.10",
        f"{110 + n % 7}.25",
        f"{90 + n % 5}.00",
        f"{100 + n % 3}.50",
        f"{n}.00012",
        at + MINUTE - 1,
        "1",
        1,
        "0",
        "0",
        "0",
    ]


def _klines(query: dict[str, str]) -> Any:
    length = {"1m": MINUTE, "1h": 60 * MINUTE, "1d": DAY}[query["interval"]]
    first, limit = int(query["startTime"]), int(query.get("limit") or 500)
    end = min(int(query.get("endTime") or first + limit * length), int(time.time() * 1000))
    if query["symbol"] != "BTCUSDT":
        return []
    # As the exchange does: nothing before the listing, from then on page by page.
    start = max(first + -first % length, LISTED)
    return [kline(at) for at in range(start, end + 1, length)][:limit]


def _trades(query: dict[str, str]) -> Any:
    """A trade every 20 seconds for the first ten minutes after the listing; three in the last of these milliseconds."""
    times = [LISTED + n * 20_000 for n in range(30)] + [LISTED + 600_000] * 3
    first, end = int(query["startTime"]), int(query.get("endTime") or 2**60)
    rows = [
        {"a": n, "p": f"{100 + n}.01", "q": "0.50000", "f": n, "l": n, "T": at, "m": n % 2 == 0, "M": True}
        for n, at in enumerate(times)
        if first <= at <= end
    ]
    return rows[: min(int(query.get("limit") or 500), 10)]


# -- Yahoo -------------------------------------------------------------------------------------------------------------


def _yahoo(path: str, query: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    if path.endswith("/getcrumb"):
        return 200, b"crumb", {"Content-Type": "text/plain"}
    if path.endswith("/search"):
        quote = {"symbol": "AAPL", "longname": "Apple Inc.", "quoteType": "EQUITY", "exchange": "NMS"}
        return _json({"quotes": [quote]})
    if "/finance/chart/" not in path:
        return _json({})
    symbol = path.rpartition("/")[2]
    if symbol != "AAPL":
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return _json({"chart": {"result": None, "error": error}}, 404)
    meta = {
        "currency": "USD",
        "symbol": "AAPL",
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EDT",
        "gmtoffset": -14_400,
        "priceHint": 2,
        "longName": "Apple Inc.",
        "regularMarketTime": _opening(YAHOO_DAYS[-1]),
        "regularMarketPrice": 132.0,
        "validRanges": ["1d", "max"],
        "dataGranularity": query.get("interval", "1d"),
        "range": "",
        "firstTradeDate": 0,
        "currentTradingPeriod": {"regular": {"start": 0, "end": 0, "timezone": "EDT", "gmtoffset": -14_400}},
    }
    first, last = int(query.get("period1") or 0), int(query.get("period2") or 2**40)
    days = [day for day in YAHOO_DAYS if first <= _opening(day) < last]
    # As Yahoo has it: prices before a split of four for one are a quarter, volumes four times, dividends a quarter.
    quote = {
        "open": [125.0, 126.0, 127.5, 132.75],
        "high": [127.5, 126.25, 131.0, 134.75],
        "low": [123.75, 124.5, 126.0, 130.5],
        "close": [125.0, 124.75, 129.0, 134.25],
        "volume": [155_552_400, 187_630_000, 225_702_700, 151_948_100],
    }
    chosen = [YAHOO_DAYS.index(day) for day in days]
    split = _opening(SPLIT_DAY)
    paid = _opening("2020-08-28")
    events = {
        "splits": {str(split): {"date": split, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}},
        "dividends": {str(paid): {"date": paid, "amount": 0.205}},
    }
    adjusted = [quote["close"][i] for i in chosen]
    result = {
        "meta": meta,
        "timestamp": [_opening(day) for day in days],
        "events": events,
        "indicators": {
            "quote": [{name: [column[i] for i in chosen] for name, column in quote.items()}],
            "adjclose": [{"adjclose": adjusted}],
        },
    }
    return _json({"chart": {"result": [result], "error": None}})


def _opening(day: str) -> int:
    """09:30 in New York in summer."""
    return int(datetime.fromisoformat(f"{day}T13:30:00+00:00").timestamp())


# -- Tardis ------------------------------------------------------------------------------------------------------------


def _tardis(path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    authorized = headers.get("Authorization") == f"Bearer {KEY}"
    symbols = [{"id": "btcusdt", "type": "spot", "availableSince": "2019-03-30T00:00:00.000Z"}]
    if path.endswith("/exchanges"):
        return _json([{"id": "binance"}])
    if path.endswith("/exchanges/binance"):
        return _json({"id": "binance", "availableSymbols": symbols})
    if "/exchanges/" in path:
        return _json({"code": 400, "message": "There is no such exchange"}, 400)
    if path.endswith("/instruments/binance/btcusdt"):
        told = {
            "baseCurrency": "BTC",
            "quoteCurrency": "USDT",
            "type": "spot",
            "priceIncrement": 0.01,
            "amountIncrement": 0.00001,
        }
        return _json({"id": "btcusdt", **told}) if authorized else _json({"code": 401, "message": "no"}, 401)
    parts = path.strip("/").split("/")
    day = "-".join(parts[3:6])
    if headers.get("Authorization") and not authorized:
        return _json({"code": 401, "message": "The API key is not valid"}, 401)
    if parts[5] != "01" and not authorized:
        return _json({"code": 401, "message": "Without an API key the first day of each month alone"}, 401)
    if parts[3] == "2018":
        return _json({"code": 404, "message": "no such file"}, 404)
    at = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1_000_000
    head = "exchange,symbol,timestamp,local_timestamp,"
    start = f"binance,BTCUSDT,{at + 1000},{at + 2000},"
    text = {
        "trades": f"{head}id,side,price,amount\n{start}7,buy,8403.25,0.00012\n{start}7,buy,8403.25,0.00012\n{start}8,sell,8403.2,1.5\n",
        "quotes": f"{head}ask_amount,ask_price,bid_price,bid_amount\n{start}0.5,8403.25,8403.2,1.25\n",
        "incremental_book_L2": f"{head}is_snapshot,side,price,amount\n{start}true,bid,8403.2,1.25\n{start}true,ask,8403.25,0.5\n{start}false,bid,8403.2,0\n",
    }[parts[2]]
    return 200, gzip.compress(text.encode()), {"Content-Type": "application/gzip"}


# -- Databento ---------------------------------------------------------------------------------------------------------


def _databento(path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    import base64

    if headers.get("Authorization") != "Basic " + base64.b64encode(f"{KEY}:".encode()).decode():
        return _json({"detail": {"case": "auth_invalid_key", "message": "Authentication failed"}}, 401)
    if path.endswith("list_datasets"):
        return _json(["XNAS.ITCH", "GLBX.MDP3"])
    if path.endswith("list_publishers"):
        return _json(
            [{"publisher_id": _PUBLISHER, "dataset": "GLBX.MDP3", "venue": "GLBX", "description": "CME Globex MDP 3.0"}]
        )
    if path.endswith("get_dataset_range"):
        return _json({"start": "2018-05-01T00:00:00.000000000Z", "end": "2024-02-01T00:00:00.000000000Z"})
    if query["symbols"] != "ESH4":
        return _json(
            {"detail": {"case": "symbology_invalid_symbol", "message": "None of the symbols could be resolved"}}, 422
        )
    start, end = (int(datetime.fromisoformat(query[name]).timestamp()) * 10**9 for name in ("start", "end"))
    schema = query["schema"]
    if schema == "definition":
        records = [_definition(start)]
    elif schema == "ohlcv-1m":
        records = [_ohlcv(start + n * 60 * 10**9, n) for n in range(3)]
    else:
        records = [_trade(start + n * 10**9, n) for n in range(3)]
    data = _dbn(schema, start, end, records)
    return 200, pa.compress(data, codec="zstd", asbytes=True), {"Content-Type": "application/octet-stream"}


_PUBLISHER, _INSTRUMENT = 1, 5602
_UNIT = 10**9
_SCHEMAS = {"mbo": 0, "mbp-1": 1, "trades": 4, "ohlcv-1m": 6, "definition": 9}


def _dbn(schema: str, start: int, end: int, records: list[bytes]) -> bytes:
    """Make a DBN file, version 1, as its specification has it: metadata, then records."""
    symbol = 22

    def text(value: str, size: int) -> bytes:
        return value.encode().ljust(size, b"\0")

    day = datetime.fromtimestamp(start / _UNIT, UTC)
    mapping = text("ESH4", symbol) + struct.pack("<I", 1)
    after = day + timedelta(days=400)
    mapping += struct.pack("<II", int(day.strftime("%Y%m%d")), int(after.strftime("%Y%m%d"))) + text(
        str(_INSTRUMENT), symbol
    )
    body = text("GLBX.MDP3", 16) + struct.pack("<HQQQQBBB", _SCHEMAS[schema], start, end, 0, 2**64 - 1, 1, 0, 0)
    body += b"\0" * 47 + struct.pack("<I", 0)
    body += struct.pack("<I", 1) + text("ESH4", symbol) + struct.pack("<I", 0) + struct.pack("<I", 0)
    body += struct.pack("<I", 1) + mapping
    return b"DBN\x01" + struct.pack("<I", len(body)) + body + b"".join(records)


def _header(length: int, kind: int, at: int) -> bytes:
    return struct.pack("<BBHIQ", length // 4, kind, _PUBLISHER, _INSTRUMENT, at)


def _ohlcv(at: int, n: int) -> bytes:
    prices = [int((5000 + n + extra) * _UNIT) for extra in (0, 0.5, -0.25, 0.25)]
    return _header(56, 0x21, at) + struct.pack("<qqqqQ", *prices, 10 + n)


def _trade(at: int, n: int) -> bytes:
    return _header(48, 0x00, at) + struct.pack("<qIccBBQiI", int((5000 + n / 4) * _UNIT), 2, b"T", b"B", 0, 0, at, 0, n)


def _definition(at: int) -> bytes:
    """A future on the S&P 500, as `InstrumentDefMsgV1` lays it out: offsets count from the record's begin."""
    none, expiry = 2**63 - 1, int(datetime(2024, 3, 15, 13, 30, tzinfo=UTC).timestamp()) * _UNIT
    record = bytearray(_header(360, 0x13, at).ljust(360, b"\0"))
    longs = [at, _UNIT // 4, _UNIT, expiry, at, none, none, none, none, 50 * _UNIT, none, none]
    struct.pack_into("<QqqQQqqqqqqq", record, 16, *longs)
    struct.pack_into("<i", record, 140, 1)
    struct.pack_into("<i", record, 148, 1)
    struct.pack_into("<i", record, 160, 2**31 - 1)
    texts = {
        186: "USD",
        190: "USD",
        200: "ESH4",
        222: "ES",
        243: "XCME",
        248: "ES",
        255: "FFIXSX",
        262: "FUT",
        269: "IPNT",
    }
    for place, text in {**texts, 325: "F", 342: "F", 349: "A", 353: "N"}.items():
        record[place : place + len(text)] = text.encode()
    struct.pack_into("<q", record, 328, none)
    return bytes(record)


if __name__ == "__main__":
    with Venues() as served:
        print(served.port, flush=True)  # noqa: T201
        sys.stdin.read()
