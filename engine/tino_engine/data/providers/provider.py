"""What a provider of market data is: the one interface, for those that come with tino and for those that users write.

A package offers one through the entry point group `tino.providers`: a class that derives from `Provider`. It runs in a child
process of the engine, one for each download, and never touches the catalog: it says what an instrument is, and gives the rows of
one span of time. Spans, resuming, limits, retries, storing and telling are not its affair.

    class Mine(Provider):
        capabilities = Capabilities(name="mine", title="My prices", kinds=("bars",), steps=("1-DAY",), example="AAPL")

        def instrument(self, symbol): ...
        def fetch(self, symbol, kind, step, span):
            text = self.access.get("https://example.org/prices", {"symbol": symbol, "from": span.from_day.isoformat()})
            yield make_bars(...)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

import pyarrow as pa

from tino_engine.data.store import TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from tino_engine.contracts import CorporateAction, Instrument, ProviderSymbol
    from tino_engine.data.providers.access import Access

type DataKind = Literal["bars", "trades", "quotes", "deltas"]

BARS = pa.schema(
    [pa.field("time", TIME, nullable=False)]
    + [pa.field(name, pa.float64()) for name in ("open", "high", "low", "close", "volume")]
)
"""Columns of bars as providers give them. `time` is the opening; of bars of a day or longer anything within their first day."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; see the contract's `Provider`."""

    name: str
    title: str
    kinds: tuple[DataKind, ...] = ("bars",)
    steps: tuple[str, ...] = ()
    actions: bool = False
    key: Literal["none", "optional", "required"] = "none"
    example: str = ""
    note: str | None = None
    requests_a_second: float = 2.0
    """How many requests it may be sent, by all windows together; fewer than one for a request in several seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days to fetch, both inclusive."""

    from_day: date
    to_day: date

    @property
    def start(self) -> datetime:
        """Begin of the first day, UTC."""
        return datetime(self.from_day.year, self.from_day.month, self.from_day.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """End of the last day, UTC, exclusive."""
        last = self.to_day + timedelta(days=1)
        return datetime(last.year, last.month, last.day, tzinfo=UTC)

    @property
    def days(self) -> Iterator[date]:
        """Each of its days."""
        return (self.from_day + timedelta(days=number) for number in range((self.to_day - self.from_day).days + 1))


class Provider(ABC):
    """A source of market data. Errors are those of the catalogue; `access` raises the ones of the network by itself."""

    capabilities: ClassVar[Capabilities]

    def __init__(self, access: Access) -> None:
        """Keep how the source is reached; nothing is sent yet."""
        self.access = access

    def search(self, _text: str, _limit: int) -> Sequence[ProviderSymbol]:
        """Find symbols; a provider that has no list of them finds none."""
        return ()

    @abstractmethod
    def instrument(self, symbol: str) -> Instrument:
        """Describe an instrument. Raises `provider_symbol_unknown`."""

    def days_a_part(self, _kind: DataKind, _step: str) -> int:
        """Give how many days are fetched and kept at a time: what is lost when a download ends in between."""
        return 30

    @abstractmethod
    def fetch(self, symbol: str, kind: DataKind, step: str, span: Span) -> Iterator[pa.Table]:
        """Give all rows of a span, in any number of tables, in any order, repeated ones included.

        Bars have the columns of `BARS`, ticks those of `data.ticks.SCHEMAS`. Rows outside the span are left out afterwards.
        """

    def actions(self, _symbol: str) -> Sequence[CorporateAction]:
        """Give all splits and dividends; asked for when `capabilities.actions` is set."""
        return ()


def make_bars(
    time_ns: Sequence[int] | np.ndarray,
    open_: Sequence[float] | np.ndarray,
    high: Sequence[float] | np.ndarray,
    low: Sequence[float] | np.ndarray,
    close: Sequence[float] | np.ndarray,
    volume: Sequence[float] | np.ndarray,
) -> pa.Table:
    """Make a table of bars; times of opening in nanoseconds since the epoch."""
    columns = [pa.array(time_ns, pa.int64()).view(TIME)]
    columns += [pa.array(column, pa.float64(), from_pandas=True) for column in (open_, high, low, close, volume)]
    return pa.table(columns, schema=BARS)
