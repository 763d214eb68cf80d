"""Days of an instrument, as instants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tino_engine.data import day_bounds, day_of, sample
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.contracts import Instrument

AAPL = sample.INSTRUMENTS[0]
HOUR = 3_600_000_000_000
MARCH_2000 = 951_886_800_000_000_000
"""2000-03-01 00:00 in New York is 05:00 UTC: 951 868 800 s + 5 h."""


def in_zone(zone: str) -> Instrument:
    return AAPL.model_copy(update={"time_zone": zone})


@pytest.mark.parametrize(
    ("zone", "from_day", "to_day", "hours"),
    [
        ("America/New_York", "2000-03-01", "2000-03-01", 24),
        ("America/New_York", "2000-04-02", "2000-04-02", 23),
        ("America/New_York", "2000-10-29", "2000-10-29", 25),
        ("UTC", "2000-02-28", "2000-03-01", 72),
        ("Asia/Kolkata", "2000-12-31", "2001-01-01", 48),
    ],
)
def test_days_are_as_long_as_their_zone_makes_them(zone: str, from_day: str, to_day: str, hours: int) -> None:
    first, last = day_bounds(in_zone(zone), from_day, to_day)
    assert last - first + 1 == hours * HOUR


def test_a_bar_belongs_to_the_day_that_it_closes() -> None:
    first, last = day_bounds(AAPL, "2000-03-01", "2000-03-01")
    assert (first, last) == (MARCH_2000 + 1, MARCH_2000 + 24 * HOUR)
    assert [day_of(AAPL, ts) for ts in (first - 1, first, last, last + 1)] == [
        "2000-02-29",
        "2000-03-01",
        "2000-03-01",
        "2000-03-02",
    ]


def test_open_and_remote_ends_stay_within_what_a_catalog_holds() -> None:
    assert day_bounds(AAPL, None, None) == (0, 2**63 - 1)
    assert day_bounds(AAPL, "0001-01-01", "9999-12-31")[0] < day_bounds(AAPL, "0001-01-01", "9999-12-31")[1] < 2**63


@pytest.mark.parametrize("day", ["2021-02-29", "2021-04-31"])
def test_a_day_that_no_calendar_has(day: str) -> None:
    with pytest.raises(TinoError, match=f"{day} is not a day") as caught:
        day_bounds(AAPL, day, None)
    assert (caught.value.code, caught.value.body.field) == ("request_invalid", "from")
