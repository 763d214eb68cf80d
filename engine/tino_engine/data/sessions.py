"""Trading sessions of an instrument: when its exchange was open, by exchange_calendars. In child processes only: the library loads pandas.

The venue decides, where it is a market identifier code that has a calendar. Coins trade round the clock (`24/7`), currencies from
Monday to Friday (`24/5`). Any other venue gets the calendar of the largest exchange in the instrument's time zone, which
is an assumption and said to be one; where there is none either, the bars themselves tell whether weekends are traded.
"""

# pyright: reportAttributeAccessIssue=false
# The functions of pyarrow.compute are made when it is imported; no stub knows them.

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from tino_engine.contracts import Instrument

ROUND_THE_CLOCK = "24/7"
WEEKDAYS = "24/5"

_OF_ZONE = {
    "America/New_York": "XNYS",
    "America/Toronto": "XTSE",
    "America/Sao_Paulo": "BVMF",
    "Asia/Hong_Kong": "XHKG",
    "Asia/Kolkata": "XBOM",
    "Asia/Shanghai": "XSHG",
    "Asia/Tokyo": "XTKS",
    "Australia/Sydney": "XASX",
    "Europe/Amsterdam": "XAMS",
    "Europe/Berlin": "XETR",
    "Europe/London": "XLON",
    "Europe/Madrid": "XMAD",
    "Europe/Paris": "XPAR",
    "Europe/Stockholm": "XSTO",
    "Europe/Zurich": "XSWX",
}
_PAD = np.timedelta64(14, "D")
_WEEKEND_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions in order of time. `days` (datetime64[D]) name them; `opens` and `closes` are stretches of trading, int64 nanoseconds.

    A session with a lunch break has two stretches; stretches that touch, as round the clock, are one.
    """

    calendar: str
    assumed: bool
    days: np.ndarray
    opens: np.ndarray
    closes: np.ndarray


def local_days(ts: np.ndarray, zone: str) -> np.ndarray:
    """Give the day that each bar closes in, datetime64[D] of the zone; a close exactly at midnight belongs to the day before."""
    return local_times(ts - 1, zone).astype("datetime64[D]")


def local_times(ts: np.ndarray, zone: str) -> np.ndarray:
    """Give what a clock in the zone shows at instants of int64 nanoseconds: datetime64[ns]."""
    instants = pa.array(ts, pa.int64()).view(pa.timestamp("ns", "UTC"))
    local = pc.local_timestamp(pc.cast(instants, pa.timestamp("ns", zone)))
    return np.array(local.to_numpy(zero_copy_only=False), "datetime64[ns]")


def find_sessions(instrument: Instrument, ts: np.ndarray) -> Sessions:
    """Find the sessions from the day of the first close to the day of the last one, both inclusive."""
    days = local_days(ts[[0, -1]], instrument.time_zone)
    name, assumed = _choose(instrument, ts)
    calendar = _load(name, days[0] - _PAD, days[1] + _PAD)
    schedule = calendar.schedule
    labels = schedule.index.to_numpy().astype("datetime64[D]")
    wanted = (labels >= days[0]) & (labels <= days[1])
    opens, closes = _ns(schedule["open"])[wanted], _ns(schedule["close"])[wanted]
    if (breaks := schedule["break_start"].notna().to_numpy()[wanted]).any():
        pauses = np.flatnonzero(breaks)
        starts = _ns(schedule["break_start"])[wanted][pauses]
        ends = _ns(schedule["break_end"])[wanted][pauses]
        opens, closes = np.sort(np.concatenate([opens, ends])), np.sort(np.concatenate([closes, starts]))
    apart = np.flatnonzero(opens[1:] > closes[:-1]) + 1
    if len(opens):
        opens, closes = opens[np.append(0, apart)], closes[np.append(apart - 1, len(closes) - 1)]
    return Sessions(calendar.name, assumed, labels[wanted], opens, closes)


def _choose(instrument: Instrument, ts: np.ndarray) -> tuple[str, bool]:
    import exchange_calendars  # noqa: PLC0415

    if instrument.asset_class == "crypto":
        return ROUND_THE_CLOCK, False
    if instrument.asset_class == "fx":
        return WEEKDAYS, False
    if instrument.venue in exchange_calendars.get_calendar_names():
        return instrument.venue, False
    if (name := _OF_ZONE.get(instrument.time_zone)) is not None:
        return name, True
    weekday = (local_days(ts, instrument.time_zone).astype(np.int64) + 3) % 7  # The epoch was a Thursday; 0 is Monday.
    return (ROUND_THE_CLOCK if (weekday >= 5).mean() > _WEEKEND_SHARE else WEEKDAYS), True


def _load(name: str, first: np.datetime64, last: np.datetime64) -> ExchangeCalendar:
    import exchange_calendars  # noqa: PLC0415

    with warnings.catch_warnings():
        # What it does with pandas that pandas will forget is between the two of them.
        warnings.simplefilter("ignore")
        try:
            return exchange_calendars.get_calendar(name, start=str(first), end=str(last))
        except ValueError:
            # It knows less than was asked for: sessions before or after its own bounds cannot be expected.
            return exchange_calendars.get_calendar(name)


def _ns(column: Any) -> np.ndarray:
    """Give a column of instants as int64 nanoseconds. Pandas' stubs do not tell a column from a table."""
    return column.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
