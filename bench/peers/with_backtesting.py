"""The run in backtesting.py, orders filled at the close. It has no venue: no account events, no order states, no latency."""

import pandas
from backtesting import Backtest, Strategy
from crossing import CASH, Crossing, serve


class EmaFlip(Strategy):
    def init(self) -> None:
        self.crossing = Crossing()
        # Its first call of `next` comes with the second bar.
        self.crossing.decide(self.data.Close[0])

    def next(self) -> None:
        order = self.crossing.decide(self.data.Close[-1])
        if order:
            EmaFlip.orders_made += 1
            (self.buy if order > 0 else self.sell)(size=abs(order))


def run(bars):
    EmaFlip.orders_made = 0
    frame = pandas.DataFrame({name.title(): bars[name] for name in ("open", "high", "low", "close", "volume")})
    frame.index = pandas.to_datetime(bars["ts"])
    backtest = Backtest(frame, EmaFlip, cash=CASH, trade_on_close=True)
    result = backtest.run()
    return EmaFlip.orders_made, float(result["_equity_curve"]["Equity"].iloc[-1] - CASH)


serve(run)
