"""Bar types as NautilusTrader writes them, read without it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from typing import Self

_SECONDS = {
    "MILLISECOND": 0.001,
    "SECOND": 1,
    "MINUTE": 60,
    "HOUR": 3_600,
    "DAY": 86_400,
    "WEEK": 7 * 86_400,
    "MONTH": 30 * 86_400,
    "YEAR": 365 * 86_400,
}
"""Length of one unit of the aggregations by time; months and years on average, for ordering."""

_WHOLE = {"MILLISECOND": 1_000, "SECOND": 60, "MINUTE": 60, "HOUR": 24}
"""A step must divide the next larger unit and be smaller than it, so that bars fall on the same clock times each day."""

_OTHER = frozenset(
    "TICK TICK_IMBALANCE TICK_RUNS VOLUME VOLUME_IMBALANCE VOLUME_RUNS VALUE VALUE_IMBALANCE VALUE_RUNS RENKO".split()
)
_PRICES = ("LAST", "MID", "BID", "ASK", "MARK")
_MAX_YEARS = 584
"""As many as fit 64 bits of nanoseconds; NautilusTrader refuses more."""
_PATTERN = re.compile(
    r"(?P<instrument>.+\..+)-(?P<step>[1-9][0-9]{0,8})-(?P<aggregation>[A-Z_]+)-(?P<price>[A-Z]+)-(?P<source>EXTERNAL|INTERNAL)"
)
_COMPOSITE = re.compile(r"(?P<step>[1-9][0-9]{0,8})-(?P<aggregation>[A-Z_]+)-(?P<source>EXTERNAL|INTERNAL)")


@dataclass(frozen=True, slots=True)
class BarType:
    """What a series of bars is: `AAPL.XNAS-1-DAY-LAST-EXTERNAL`.

    `composite` is what follows an `@`: the bars that an INTERNAL series is made from.
    """

    instrument_id: str
    step: int
    aggregation: str
    price: str
    source: str
    composite: str | None = None

    @classmethod
    def parse(cls, text: str, *, field: str | None = None) -> Self:
        """Read the canonical text. Raises `bar_type_invalid`, at `field` of the request."""
        head, at, tail = text.partition("@")
        match = _PATTERN.fullmatch(head)
        if match is None or match["price"] not in _PRICES or not _is_step(match["step"], match["aggregation"]):
            raise TinoError("bar_type_invalid", field=field, barType=text)
        if at:
            inner = _COMPOSITE.fullmatch(tail)
            if inner is None or not _is_step(inner["step"], inner["aggregation"]):
                raise TinoError("bar_type_invalid", field=field, barType=text)
        return cls(
            match["instrument"], int(match["step"]), match["aggregation"], match["price"], match["source"], tail or None
        )

    @property
    def seconds(self) -> float | None:
        """Length of a bar; None when bars are not made by time."""
        unit = _SECONDS.get(self.aggregation)
        return None if unit is None else self.step * unit

    @property
    def fineness(self) -> tuple[bool, float, int]:
        """Sort key: the finest bars first, those made by time before all others, last prices before quotes."""
        return (self.seconds is None, self.seconds or float(self.step), _PRICES.index(self.price))

    @property
    def description(self) -> str:
        """In words: `daily bars`, `5-minute bars`."""
        unit = self.aggregation.lower().replace("_", " ")
        if self.step == 1 and self.aggregation in _ADVERBS:
            return f"{_ADVERBS[self.aggregation]} bars"
        return f"{self.step}-{unit} bars"

    def __str__(self) -> str:
        text = f"{self.instrument_id}-{self.step}-{self.aggregation}-{self.price}-{self.source}"
        return text if self.composite is None else f"{text}@{self.composite}"


def seconds_of(step: str) -> float:
    """Give the length of a step such as `5-MINUTE`. Raises ValueError for one that bars cannot have."""
    number, _, aggregation = step.partition("-")
    if not _is_step(number, aggregation) or aggregation not in _SECONDS:
        raise ValueError(f"no bar is {step} long")
    return int(number) * _SECONDS[aggregation]


_ADVERBS = {"HOUR": "hourly", "DAY": "daily", "WEEK": "weekly", "MONTH": "monthly", "YEAR": "yearly"}


def _is_step(text: str, aggregation: str) -> bool:
    step = int(text)
    if aggregation in _WHOLE:
        whole = _WHOLE[aggregation]
        return step < whole and whole % step == 0
    if aggregation == "MONTH":
        return 12 % step == 0
    if aggregation == "YEAR":
        return step <= _MAX_YEARS
    return aggregation in _OTHER or aggregation in _SECONDS
