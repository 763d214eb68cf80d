"""Days of an instrument, and the instants between which their bars lie.

A bar carries the time of its close, so it belongs to the day that it ends: a bar stamped exactly at midnight closes the
day before. A day therefore reaches from just after one midnight to the next, in the instrument's own zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.contracts import Instrument

MIN_NS = 0
"""Earliest time of a bar: NautilusTrader counts nanoseconds since the epoch without a sign."""
MAX_NS = 2**63 - 1
"""Latest one, as far as 64 bits with a sign reach: the year 2262."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = date(1970, 1, 1), date(2262, 1, 1)


def day_bounds(instrument: Instrument, from_day: str | None, to_day: str | None) -> tuple[int, int]:
    """Give the first and the last instant, in nanoseconds and both inclusive, of bars from one day to another, inclusive.

    None is an open end. Raises `request_invalid` for a day that no calendar has (2021-02-29).
    """
    zone = ZoneInfo(instrument.time_zone)
    first = MIN_NS if from_day is None else _midnight(parse_day(from_day, "from"), zone) + 1
    last = MAX_NS if to_day is None else _midnight(parse_day(to_day, "to") + timedelta(days=1), zone)
    return max(first, MIN_NS), max(last, MIN_NS)


def day_of(instrument: Instrument, ts: int) -> str:
    """Give the day that a bar with this close, in nanoseconds, belongs to."""
    instant = _EPOCH + timedelta(microseconds=(ts - 1) // 1000)
    return instant.astimezone(ZoneInfo(instrument.time_zone)).date().isoformat()


def nanoseconds(instant: datetime) -> int:
    """Give nanoseconds since the epoch of an aware time."""
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000


def parse_day(text: str, field: str) -> date:
    """Read `YYYY-MM-DD`, held within what a catalog can hold. Raises `request_invalid`."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise TinoError("request_invalid", field=field, reason=f"{text} is not a day of the calendar") from error
    return min(max(day, _FIRST), _LAST)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return nanoseconds(datetime.combine(day, time(), tzinfo=zone))
