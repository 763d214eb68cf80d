"""Coarser bars, against bars put together by hand and by pandas."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# The stubs of pandas take an index of times for any index.

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data.rig import imported_series, make_bars, rig
from tino_engine.contracts import BarsQuery, CorporateAction, ResampleRequest
from tino_engine.data import sample
from tino_engine.data.resample import resample, resampled_type
from tino_engine.data.store import Bars, BarTable
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.data.bar_type import BarType

STOCK = sample.INSTRUMENTS[0]
NEW_YORK = ZoneInfo("America/New_York")
MERGE = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
NAMES = ("open", "high", "low", "close", "volume")


def frame(bars: Bars, zone: str) -> pd.DataFrame:
    index = pd.DatetimeIndex(pd.to_datetime(bars.ts, unit="ns", utc=True)).tz_convert(zone)
    return pd.DataFrame({name: bars.column(name) for name in NAMES} | {"ts": bars.ts}, index=index)


def equal(bars: Bars, wanted: pd.DataFrame, ts: np.ndarray) -> None:
    np.testing.assert_array_equal(bars.ts, ts)
    for name in NAMES:
        np.testing.assert_array_equal(bars.column(name), wanted[name])
    bars.check()


def target(step: str, source: str = "1-MINUTE") -> BarType:
    return resampled_type(f"{STOCK.id}-{source}-LAST-EXTERNAL", step)


@pytest.mark.parametrize(
    ("step", "rule"), [("5-MINUTE", "5min"), ("30-MINUTE", "30min"), ("1-HOUR", "1h"), ("4-HOUR", "4h")]
)
def test_minutes_are_cut_as_pandas_cuts_them(step: str, rule: str) -> None:
    # Over a weekend of March on which New York's clock is put forward; every seventh minute nothing was traded.
    first = int(datetime(2021, 3, 12, 9, 31, tzinfo=NEW_YORK).timestamp()) * 10**9
    bars = make_bars(4_000, first=first)
    bars = replace(bars, **{name: np.delete(bars.column(name), np.s_[::7]) for name in ("ts", *NAMES)})
    instrument = STOCK.model_copy(update={"time_zone": "UTC"})
    merged = resample(bars, instrument, (), target(step))
    wanted = frame(bars, "UTC").resample(rule, closed="right", label="right", origin="start_day").agg(MERGE).dropna()
    equal(merged, wanted, wanted.index.as_unit("ns").asi8)

    # In the instrument's own zone: from its midnight on, so that four hours are four hours of its day in winter and summer.
    merged = resample(bars, STOCK, (), target(step))
    ends = frame(merged, STOCK.time_zone).index
    assert set(ends.minute % (5 if "5-" in step else 30)) == {0}
    if step == "4-HOUR":
        assert set(ends.hour) <= {0, 4, 8, 12, 16, 20} | {5, 9, 13, 17, 21, 1}
    assert int(merged.volume.sum()) == int(bars.volume.sum())


@pytest.mark.parametrize(("step", "key"), [("1-WEEK", "%G-%V"), ("1-MONTH", "%Y-%m"), ("3-MONTH", "quarter")])
def test_days_become_weeks_and_months_that_close_with_their_last_session(tmp_path: Path, step: str, key: str) -> None:
    series = imported_series(tmp_path)["IBM"]
    bars = BarTable.open(series.files).read()
    merged = resample(bars, series.instrument, series.actions, target(step, "1-DAY"))
    days = frame(bars, "America/New_York")
    keys = days.index.year * 10 + days.index.quarter if key == "quarter" else days.index.strftime(key)
    groups = days.groupby(keys, sort=False)
    equal(merged, groups.agg(MERGE), groups["ts"].last().to_numpy())
    if step == "1-WEEK":
        # Good Friday of 2001 was the 13th of April: that week closed on Thursday at four.
        thursday = int(datetime(2001, 4, 12, 20, tzinfo=UTC).timestamp()) * 10**9
        assert thursday in merged.ts


def test_a_split_inside_of_a_bar_is_taken_out_of_its_earlier_part() -> None:
    # Monday to Friday; 2 for 1 on Wednesday. By hand: 100 and 104 old are 50 and 52 new, 10 old shares are 20 new.
    days = [int(datetime(2021, 3, day, 16, tzinfo=NEW_YORK).timestamp()) * 10**9 for day in (8, 9, 10, 11, 12)]
    close = np.array([100, 104, 53, 54, 52], np.int64) * 100
    bars = Bars(np.array(days), close, close + 100, close - 100, close, np.array([10, 10, 20, 20, 20]), 2, 0)
    actions = (
        CorporateAction(ex_day="2021-03-10", kind="split", value=2),
        CorporateAction(ex_day="2021-03-11", kind="dividend", value=1),
    )
    week = resample(bars, STOCK, actions, target("1-WEEK", "1-DAY"))
    # The highest is Thursday's 54 + 1, the lowest Monday's (100 - 1) / 2.
    assert [int(week.column(name)[0]) for name in NAMES] == [5_000, 5_500, 4_950, 5_200, 100]
    assert len(week) == 1
    assert int(resample(bars, STOCK, (), target("1-WEEK", "1-DAY")).high[0]) == 10_500


@pytest.mark.parametrize(
    ("source", "step"),
    [
        ("1-DAY", "1-MINUTE"),
        ("1-DAY", "1-DAY"),
        ("30-MINUTE", "45-MINUTE"),
        ("20-MINUTE", "30-MINUTE"),
        ("1-WEEK", "1-MONTH"),
        ("1-DAY", "2-DAY"),
    ],
)
def test_what_does_not_fit_is_refused(source: str, step: str) -> None:
    with pytest.raises(TinoError) as error:
        target(step, source)
    assert (error.value.code, error.value.body.field) == ("resample_not_coarser", "step")


async def test_it_is_stored_or_made_on_the_way(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.catalog.import_sample()
        daily, weekly = "AAPL.XNAS-1-DAY-LAST-EXTERNAL", "AAPL.XNAS-1-WEEK-LAST-EXTERNAL"
        request = ResampleRequest.model_validate({"barType": daily, "step": "1-WEEK"})
        reply = await r.catalog.resample(request)
        assert (reply.changed, reply.coverage.bar_type, reply.coverage.bars) == (True, weekly, 679)
        assert (await r.catalog.resample(request)).changed is False
        assert [item.bar_type for item in await r.catalog.series_of("AAPL")] == [daily, weekly]

        async def bars(**query: object) -> pa.Table:
            return pa.ipc.open_stream(await r.catalog.bars(BarsQuery.model_validate(query))).read_all()

        stored = await bars(barType=weekly, adjustment="none")
        assert stored.equals(await bars(barType=daily, step="1-WEEK", adjustment="none"))
        # Adjusted before or after: the same, but that a dividend is measured by the close of its week or of its day.
        for adjustment in ("splits", "splitsAndDividends"):
            one = await bars(barType=weekly, adjustment=adjustment)
            other = await bars(barType=daily, step="1-WEEK", adjustment=adjustment)
            np.testing.assert_allclose(one["close"].to_numpy(), other["close"].to_numpy(), rtol=1e-3)
        window = await bars(barType=daily, step="1-WEEK", points=100)
        assert 42 <= window.num_rows <= 100
