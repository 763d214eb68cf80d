"""How a provider reaches its source: one request after the other, as many as are allowed, again when they fail.

Each request waits for a permit of the engine, which has one limit for each provider over all windows. An answer that says “too
many” holds back everybody until the time that it names (Retry-After); one that says nothing, a fault of the server, a broken
connection and an answer that is cut off are tried again after a pause that doubles. After that the download ends with an error
that says which of them it was; what was fetched by then is kept.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pyarrow as pa

ATTEMPTS = 6
"""How often a request is sent that fails for another reason than “too many”."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
PATIENCE = 900.0
"""Seconds for which “too many” is taken, one answer after the other."""
TIMEOUT = 60.0
_CHUNK = 1 << 16
_UNAVAILABLE = 500
_TOO_MANY = frozenset({418, 429})
"""418 is what Binance answers to those who go on."""


class Throttled(Exception):  # noqa: N818 - it is what happened, not an error yet
    """The source says that it was asked too often; wait for so many seconds, or for a while."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__("too many requests")
        self.seconds = seconds


class Unavailable(Exception):  # noqa: N818
    """The source did not answer as it should, for a reason that may pass."""


class Truncated(Unavailable):
    """An answer ended before its end."""


class Decoder(Protocol):
    """Reads files of Databento and Tardis; see `nautilus.decoding`."""

    def tardis(self, path: Path, kind: str, instrument_id: str) -> pa.Table:
        """Give the ticks of a file of Tardis, with the columns of `data.ticks.SCHEMAS`. Raises ValueError for one that is damaged."""
        ...

    def databento(self, path: Path, kind: str, instrument_id: str, price_digits: int, publishers: Path) -> pa.Table:
        """Give bars, with the columns of `BARS`, or ticks of a file of Databento. Raises ValueError for one that is damaged."""
        ...

    def instruments(self, path: Path, publishers: Path) -> list[dict[str, Any]]:
        """Give the instruments of a file of Databento, by NautilusTrader's names. Raises ValueError for one that is damaged."""
        ...


@dataclass
class Access:
    """The way to one source. `permit` waits until a request may be sent; `hold` tells everybody to wait so many seconds."""

    name: str
    key: str | None = None
    mirror: str | None = None
    """Address that takes the place of `https://`: `http://127.0.0.1:1234/` makes `http://127.0.0.1:1234/host/path`."""
    requests_a_second: float = 2.0
    permit: Callable[[float], None] = lambda _seconds: None
    hold: Callable[[float, str], None] = lambda _seconds, _reason: None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    scratch: Path | None = None
    """A folder for files on their way."""
    decode: Decoder | None = None
    """NautilusTrader's readers of the files of others, where they are at hand."""
    _random: random.Random = field(default_factory=random.Random)

    def require_key(self) -> str:
        """Give the key. Raises `provider_key_missing`."""
        if self.key is None:
            raise TinoError("provider_key_missing", provider=self.name)
        return self.key

    def address(self, url: str) -> str:
        """Give the address that is really asked: the mirror's, if there is one."""
        if self.mirror is None:
            return url
        _, _, rest = url.partition("://")
        return f"{self.mirror.rstrip('/')}/{rest}"

    def attempt[Result](self, send: Callable[[], Result], *, permit: bool = True) -> Result:
        """Send a request until it is answered.

        `send` raises `Throttled`, `Unavailable` or `Truncated` for what may pass; anything else ends it. With `permit` false
        it asks for permits itself. Raises `provider_rate_limited`, `provider_down`, `provider_answer_truncated`.
        """
        failures, refused_since = 0, None
        while True:
            if permit:
                self.permit(1 / self.requests_a_second)
            try:
                return send()
            except Throttled as throttled:
                now = self.clock()
                refused_since = now if refused_since is None else refused_since
                wait = throttled.seconds
                if wait is None:
                    wait = self._pause(failures)
                    failures = min(failures + 1, ATTEMPTS)
                if now + wait - refused_since > PATIENCE:
                    raise TinoError(
                        "provider_rate_limited", provider=self.name, seconds=round(now + wait - refused_since)
                    ) from throttled
                self.hold(wait, f"{self.name} asks to wait {wait:.0f} s")
                self.sleep(wait)
            except Unavailable as unavailable:
                failures += 1
                if failures >= ATTEMPTS:
                    code = "provider_answer_truncated" if isinstance(unavailable, Truncated) else "provider_down"
                    raise TinoError(code, provider=self.name, reason=str(unavailable)) from unavailable
                self.sleep(self._pause(failures - 1))

    def get(
        self, url: str, query: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Give the whole body of an answer. Raises `Refused` for a 4xx, and what `attempt` raises."""
        return self.attempt(lambda: self._open(url, query, headers, None, None))

    def get_json(
        self, url: str, query: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Give the answer as JSON; one that is none counts as cut off."""

        def send() -> Any:
            body = self._open(url, query, headers, None, None)
            try:
                return json.loads(body)
            except ValueError as error:
                raise Truncated("an answer is not whole JSON") from error

        return self.attempt(send)

    def download(
        self,
        url: str,
        target: Path,
        *,
        query: Mapping[str, object] | None = None,
        form: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        check: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """Write the body of an answer to a file. `check` raises `Truncated` when it is not whole."""

        def send() -> None:
            self._open(url, query, headers, form, target)
            check(target)

        self.attempt(send)

    def basic(self, user: str) -> dict[str, str]:
        """Give the header that names a user without a password."""
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}

    def _open(
        self,
        url: str,
        query: Mapping[str, object] | None,
        headers: Mapping[str, str] | None,
        form: Mapping[str, object] | None,
        target: Path | None,
    ) -> bytes:
        address = self.address(url) + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(address, data, {"User-Agent": "tino", **(headers or {})})  # noqa: S310 - https, or the mirror
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return _read(answer, target)
        except urllib.error.HTTPError as error:
            with error:
                body = error.read(_CHUNK)
            classify(error.code, dict(error.headers.items()), body)
            raise Refused(error.code, body) from error
        except http.client.IncompleteRead as error:
            raise Truncated(f"{len(error.partial):,} bytes, more were announced") from error
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
            raise Unavailable(describe(error)) from error

    def _pause(self, failures: int) -> float:
        """Give a pause that doubles, with a quarter of chance in it, so that those who failed together do not come back together."""
        return min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE) * self._random.uniform(0.75, 1.0)


class Refused(Exception):  # noqa: N818
    """The source understood and said no. `words` are what it said."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.words = _words(body) or f"HTTP {status}"
        super().__init__(f"{status} {self.words}")


def classify(status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    """Raise `Throttled` or `Unavailable` for a status that stands for one of them."""
    if status in _TOO_MANY:
        raise Throttled(retry_after(headers))
    if status >= _UNAVAILABLE:
        seconds = retry_after(headers)
        if seconds is not None:
            raise Throttled(seconds)
        raise Unavailable(f"HTTP {status}{f': {words}' if (words := _words(body)) else ''}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def describe(error: BaseException) -> str:
    """Say what is wrong with a connection in a few words."""
    reason = getattr(error, "reason", None) or error
    text = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
    return text.strip().partition("\n")[0][:200]


def _read(answer: http.client.HTTPResponse, target: Path | None) -> bytes:
    if target is None:
        return answer.read()
    announced = answer.headers.get("Content-Length")
    written = 0
    with target.open("wb") as file:
        while piece := answer.read(_CHUNK):
            written += file.write(piece)
    if announced is not None and written < int(announced):
        raise Truncated(f"{written:,} of {int(announced):,} bytes")
    return b""


def _words(body: bytes) -> str:
    """Give what an answer says, be it JSON or text, as one short line."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return "" if body.lstrip().startswith(b"<") else body.decode(errors="replace").strip().partition("\n")[0][:200]
    for _ in range(3):
        if isinstance(told, dict):
            told = next(
                (told[name] for name in ("message", "detail", "error", "msg", "description") if name in told), ""
            )
    return str(told)[:200] if isinstance(told, str) else ""
