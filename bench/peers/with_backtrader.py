"""The run in backtrader, orders filled at the close."""

import backtrader
import pandas
from crossing import CASH, Crossing, serve


class EmaFlip(backtrader.Strategy):
    def __init__(self) -> None:
        self.crossing = Crossing()
        self.orders = 0

    def next(self) -> None:
        order = self.crossing.decide(self.data.close[0])
        if order:
            self.orders += 1
            (self.buy if order > 0 else self.sell)(size=abs(order))


def run(bars):
    frame = pandas.DataFrame({name: bars[name] for name in ("open", "high", "low", "close", "volume")})
    frame.index = pandas.to_datetime(bars["ts"])
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.broker.set_cash(CASH)
    cerebro.broker.set_coc(True)
    cerebro.adddata(backtrader.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(EmaFlip)
    (strategy,) = cerebro.run()
    return strategy.orders, cerebro.broker.getvalue() - CASH


serve(run)
