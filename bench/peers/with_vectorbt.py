"""The run in vectorbt: positions as one array, compiled once before the word to begin."""

import numpy
import pandas
import vectorbt
from crossing import CASH, FAST, SLOW, serve


def average(closes, period):
    """Begin with the mean of the first closes, as the others do."""
    begun = closes.iloc[period - 1 :].copy()
    begun.iloc[0] = closes.iloc[:period].mean()
    return begun.ewm(span=period, adjust=False).mean().reindex(closes.index)


def run(bars):
    closes = pandas.Series(bars["close"], index=pandas.to_datetime(bars["ts"]))
    fast, slow = (average(closes, period) for period in (FAST, SLOW))
    wanted = numpy.where(fast >= slow, 1.0, -1.0)
    wanted[: SLOW - 1] = numpy.nan
    portfolio = vectorbt.Portfolio.from_orders(
        closes, size=wanted, size_type="targetamount", init_cash=CASH, freq="1min"
    )
    return int(portfolio.orders.count()), float(portfolio.total_profit())


run({"ts": numpy.arange(100) * 60 * 10**9, "close": 100 + numpy.sin(numpy.arange(100) / 9)})
serve(run)
