"""The run in zipline-reloaded. An order is filled at the next minute, and only whole days can be had: its figures differ by that."""

import os
import tempfile

os.environ["ZIPLINE_ROOT"] = tempfile.mkdtemp(prefix="peers-zipline-")

import atexit
import shutil

import pandas
from crossing import CASH, Crossing, serve
from zipline import run_algorithm
from zipline.api import order, set_commission, set_slippage, symbol
from zipline.data.bundles import ingest, register
from zipline.finance import commission, slippage
from zipline.utils.calendar_utils import get_calendar

atexit.register(shutil.rmtree, os.environ["ZIPLINE_ROOT"], ignore_errors=True)
DAY = 1440


def prepare(bars):
    frame = pandas.DataFrame({name: bars[name] for name in ("open", "high", "low", "close", "volume")})
    frame.index = pandas.to_datetime(bars["ts"], utc=True)
    days = frame.groupby(frame.index.normalize()).size()
    whole = days[days == DAY].index
    frame = frame[frame.index.normalize().isin(whole)]
    first, last = whole[0].tz_localize(None), whole[-1].tz_localize(None)

    def write(environ, assets, minutes, daily, adjustments, calendar, start, end, cache, progress, output):
        equities = pandas.DataFrame(
            {"symbol": ["BENCH"], "asset_name": ["BENCH"], "start_date": [first], "end_date": [last], "exchange": ["X"]}
        )
        exchanges = pandas.DataFrame({"exchange": ["X"], "canonical_name": ["X"], "country_code": ["US"]})
        assets.write(equities=equities, exchanges=exchanges)
        minutes.write([(0, frame)], show_progress=False)
        adjustments.write()

    register("bench", write, calendar_name="24/7", start_session=first, end_session=last, minutes_per_day=DAY)
    ingest("bench", show_progress=False)
    return first, last, len(frame)


def run(span):
    first, last, _ = span
    state = {"crossing": Crossing(), "orders": 0}

    def initialize(context):
        set_commission(commission.NoCommission())
        set_slippage(slippage.NoSlippage())
        context.asset = symbol("BENCH")

    def handle_data(context, data):
        amount = state["crossing"].decide(data.current(context.asset, "close"))
        if amount:
            state["orders"] += 1
            order(context.asset, amount)

    result = run_algorithm(
        start=first,
        end=last,
        initialize=initialize,
        handle_data=handle_data,
        capital_base=CASH,
        data_frequency="minute",
        bundle="bench",
        trading_calendar=get_calendar("24/7"),
        benchmark_returns=pandas.Series(0.0, index=pandas.date_range(first, last, tz="UTC")),
    )
    return state["orders"], float(result["portfolio_value"].iloc[-1] - CASH)


serve(run, prepare, lambda span: span[2])
