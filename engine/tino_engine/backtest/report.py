"""From what was traded to the tables and figures of a result.

The curves and what was drawn are long arrays, orders and trades are many small objects: the one is work for numpy, which lets go of the
interpreter, the other for Python. So `write_lines` may run on a second thread while `Report.write` goes through the orders; it
takes nothing that belongs to NautilusTrader, whose objects must not be touched from there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from tino_engine.backtest import metrics
from tino_engine.backtest.assumptions import state_assumptions
from tino_engine.backtest.columns import MILLISECONDS, NANOSECONDS
from tino_engine.backtest.equity import Curve, Holding, compute_curve
from tino_engine.backtest.outcome import judge
from tino_engine.backtest.several import Setting, compute_profit, curve_of, select
from tino_engine.backtest.why import Seen, combine
from tino_engine.contracts import BacktestResult, Drawing, Metrics, StrategyResult
from tino_engine.data import day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tino_engine.backtest.columns import ResultFolder
    from tino_engine.backtest.drawings import Line
    from tino_engine.backtest.market import Market
    from tino_engine.backtest.recorder import Recorder, Seat
    from tino_engine.backtest.records import Account, Fills, Orders, Positions
    from tino_engine.backtest.why import Indicators
    from tino_engine.contracts import OrderOutcome, VenueModel

SPARKLINE_POINTS = 60


@dataclass(frozen=True, slots=True)
class Books:
    """What the accounts and positions of a simulation came to. `decimals` are those of the currency."""

    positions: Positions
    accounts: Sequence[Account]
    venues: Sequence[str]
    decimals: int

    @property
    def start(self) -> float:
        """The starting balance of all accounts."""
        return float(sum(account.start for account in self.accounts))


def compute_equity(market: Market, books: Books, venue: VenueModel) -> Curve:
    """Compute equity, drawdown and exposure at each time of the market's axis."""
    rows: dict[str, list[int]] = {}
    for row, instrument in enumerate(books.positions.instrument):
        rows.setdefault(instrument, []).append(row)
    holdings = [
        Holding(track.ts, track.bars["close"], float(track.instrument.multiplier), rows.get(instrument, []))
        for instrument, track in market.valued.items()
    ]
    margin = venue.account_type == "MARGIN"
    return compute_curve(market.axis, books.accounts, books.positions, holdings, margin=margin, decimals=books.decimals)


def write_lines(folder: ResultFolder, market: Market, books: Books, venue: VenueModel, drawn: Sequence[Line]) -> Curve:
    """Compute the curve; write it, and what was drawn. Gives the curve. Raises `disk_full`."""
    curve = compute_equity(market, books, venue)
    lines = {"equity": curve.equity, "drawdown": curve.drawdown, "exposure": curve.exposure}
    folder.write_lines("equity", "equity", lines)
    if drawn:
        columns = {f"d{number}": _on_axis(market.axis, line) for number, line in enumerate(drawn)}
        drawings = [
            Drawing(column=column, label=line.label, pane=line.pane)
            for column, line in zip(columns, drawn, strict=True)
        ]
        folder.write_lines("drawings", "drawings", columns, drawings)
    return curve


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to. `days` (int64, days since the epoch) are those of the daily `returns` (float64), which may be none."""

    metrics: Metrics
    days: np.ndarray
    returns: np.ndarray
    sparkline: list[float]


class Report:
    """Writes the rows of one run, and computes its figures from them and from `curve`, which is called when they are written."""

    def __init__(
        self,
        market: Market,
        books: Books,
        traded: tuple[Orders, Fills],
        recorder: Recorder,
        venue: VenueModel,
        indicators: Sequence[Indicators],
        curve: Callable[[], Curve],
        setting: Setting | None = None,
    ) -> None:
        self._market = market
        self._books = books
        self._orders, self._fills = traded
        self._recorder = recorder
        self._venue = venue
        self._indicators = indicators
        self._get_curve = curve
        self._setting = setting or Setting((), {})
        self._results = self._compute_results()

    def write(
        self, folder: ResultFolder, *, adjustment: str, versions: dict[str, str], started: float
    ) -> dict[str, Any]:
        """Write orders, fills, trades and log; give the result as JSON, with a `sparkline`.

        `started` is a time of `time.perf_counter`. Raises `disk_full`.
        """
        market, books, setting = self._market, self._books, self._setting
        strategies = self._write_strategies(folder) if setting.owners or len(setting.strategies) > 1 else []
        self._write_orders(folder)
        self._write_trades(folder)
        self._write_log(folder)
        curve = self._get_curve()
        outcome = self._judge()
        daily = self._daily(curve.equity)
        returns = metrics.returns(daily.values, books.start)
        reply = BacktestResult(
            metrics=self._metrics(curve, daily, returns),
            outcome=outcome,
            series=folder.finish(),
            instruments=market.instruments,
            currency=market.currency,
            first_bar_at=int(market.axis[0]) // 1_000_000,
            last_bar_at=int(market.axis[-1]) // 1_000_000,
            bars=market.bars,
            periods_per_year=market.home.periods_per_year,
            daily_returns=len(returns),
            assumptions=state_assumptions(
                venue=self._venue,
                venues=books.venues,
                currency=market.currency,
                decimals=books.decimals,
                instruments=market.instruments,
                data=[(track.bar_type, len(track.ts), track.source) for track in market.tracks],
                setting=setting,
                ready=[found.not_ready for found in self._indicators],
                adjustment=adjustment,
                daily_returns=len(returns),
                simulator=versions["nautilus_trader"],
            ),
            warnings=self._warnings(curve, outcome),
            strategies=strategies,
            warm_up_bars=setting.warm_up_bars,
            versions=versions,
            elapsed_ms=round((time.perf_counter() - started) * 1000),
        )
        return {**reply.model_dump(mode="json"), "sparkline": self._sparkline(curve)}

    def figures(self) -> Figures:
        """Compute the figures alone; nothing is written."""
        curve = self._get_curve()
        daily = self._daily(curve.equity)
        returns = metrics.returns(daily.values, self._books.start)
        return Figures(self._metrics(curve, daily, returns), daily.days, returns, self._sparkline(curve))

    def trades(self) -> dict[str, list[Any]]:
        """Give the closed trades in the order in which they were closed: `closed` (nanoseconds), `result` (money), `return`."""
        positions, returns = self._books.positions, self._trade_returns()
        rows = sorted((end, row) for row, end in enumerate(positions.closed) if end is not None)
        return {
            "closed": [end for end, _ in rows],
            "result": [float(self._results[row]) for _, row in rows],
            "return": [float(returns[row]) if returns[row] == returns[row] else None for _, row in rows],
        }

    # -- figures ---------------------------------------------------------------------------------------------------

    def _compute_results(self) -> np.ndarray:
        """Give what each position brought after fees; an open one with what it has gained so far."""
        positions = self._books.positions
        results = np.array(positions.result, np.float64)
        for row, fills in enumerate(positions.fills):
            if fills is not None and positions.closed[row] is None:
                track = self._market.valued[positions.instrument[row]]
                held = sum(quantity for _, quantity, _ in fills)
                gained = held * (track.bars["close"][-1] - positions.entry_price[row])
                results[row] += round(float(gained) * float(track.instrument.multiplier), self._books.decimals)
        return results

    def _daily(self, values: np.ndarray) -> metrics.Daily:
        return metrics.take_daily(self._days, values)

    @cached_property
    def _days(self) -> np.ndarray:
        return metrics.local_days(self._market.axis, ZoneInfo(self._market.home.time_zone))

    def _metrics(self, curve: Curve, daily: metrics.Daily, returns: np.ndarray) -> Metrics:
        market, start, periods = self._market, self._books.start, self._market.home.periods_per_year
        held = self._daily(market.buy_and_hold()).values
        benchmark = metrics.returns(held, 1.0)
        final = float(curve.equity[-1])
        total = metrics.total_return(final, start)
        annual = metrics.annual_return(total, len(returns), periods)
        drawdown = metrics.max_drawdown(daily.values, start)
        slope = metrics.beta(returns, benchmark)
        fills = self._fills
        multipliers = {instrument.id: float(instrument.multiplier) for instrument in market.instruments}
        weights = np.array([multipliers[instrument] for instrument in fills.instrument], np.float64)
        traded = float(np.sum(weights * fills.quantity * fills.price)) if fills.ts else 0.0
        closed = [(end, row) for row, end in enumerate(self._books.positions.closed) if end is not None]
        trades = metrics.trade_statistics(self._results[[row for _, row in sorted(closed)]])
        return Metrics(
            total_return=total,
            annual_return=annual,
            volatility=metrics.volatility(returns, periods),
            sharpe=metrics.sharpe(returns, periods),
            sortino=metrics.sortino(returns, periods),
            calmar=metrics.calmar(annual, drawdown),
            max_drawdown=drawdown,
            max_drawdown_days=metrics.max_drawdown_days(daily, start),
            exposure=float(np.mean(curve.positions > 0)),
            turnover=metrics.turnover(traded, curve.equity, len(daily.days), periods),
            trades=trades.trades,
            win_rate=trades.win_rate,
            profit_factor=trades.profit_factor,
            expectancy=trades.expectancy,
            average_win=trades.average_win,
            average_loss=trades.average_loss,
            longest_losing_streak=trades.longest_losing_streak,
            fees=float(sum(fills.fee)),
            net_profit=final - start,
            final_equity=final,
            benchmark_return=metrics.total_return(float(held[-1]), 1.0),
            alpha=metrics.alpha(returns, benchmark, slope, periods),
            beta=slope,
        )

    def _judge(self) -> OrderOutcome:
        return judge(self._orders, combine(self._seen))

    @cached_property
    def _seen(self) -> list[Seen]:
        return [self._see(seat, found) for seat, found in zip(self._recorder.seats, self._indicators, strict=True)]

    def _see(self, seat: Seat, indicators: Indicators) -> Seen:
        return Seen(
            bars=self._market.bars,
            received=seat.bars - seat.warm_up_bars,
            bar_types=[track.bar_type for track in self._market.tracks],
            subscriptions=seat.subscriptions,
            handles_bars=seat.handles_bars,
            ticks=[name.partition(" ")[0] for name, _ in self._setting.ticks],
            asked_ticks=seat.ticks,
            not_ready=indicators.not_ready,
            unfed=indicators.unfed,
            sizes_of_zero=self._recorder.sizes_of_zero,
            warm_up=seat.warm_up_bars,
            withheld=seat.withheld,
        )

    def _warnings(self, curve: Curve, outcome: OrderOutcome) -> list[str]:
        found = []
        refused = outcome.denied + outcome.rejected
        if refused and outcome.filled:
            most = outcome.reasons[0]
            found.append(
                f"{refused} of {outcome.orders} orders were refused, most often: {most.reason} ({most.example})."
            )
        ruined = np.flatnonzero(curve.equity <= 0)
        if len(ruined):
            day = day_of(self._market.home, int(self._market.axis[ruined[0]]))
            found.append(f"Equity fell to zero or below on {day}; a broker would have closed the positions before.")
        if self._recorder.log.left_out:
            found.append(f"The strategy's log was cut: {self._recorder.log.left_out} further lines.")
        refused_lines = sorted({name for seat in self._recorder.seats for name in seat.drawings.refused})
        if refused_lines:
            found.append(f"Too many lines were plotted; left out: {', '.join(refused_lines)}.")
        setting = self._setting
        if setting.warm_up_bars < setting.wanted_bars:
            found.append(
                f"Of {setting.wanted_bars:,} bars of warm-up {setting.warm_up_bars:,} are stored before the first day."
            )
        return found

    def _sparkline(self, curve: Curve) -> list[float]:
        count = min(SPARKLINE_POINTS, len(curve.equity))
        places = np.linspace(0, len(curve.equity) - 1, count).round().astype(np.int64)
        return np.round(curve.equity[places] / self._books.start, 6).tolist()

    # -- several strategies ----------------------------------------------------------------------------------------

    def _write_strategies(self, folder: ResultFolder) -> list[StrategyResult]:
        """Write what each strategy brought over time; give its figures."""
        owners, start = self._setting.owners, self._books.start
        lines, drawings, found = {}, [], []
        for number, (info, seen) in enumerate(zip(self._setting.strategies, self._seen, strict=True)):

            def own(ids: Sequence[str], label: str = info.label) -> list[int]:
                return [row for row, order in enumerate(ids) if owners[order] == label]

            fills = select(self._fills, own(self._fills.order_id))
            orders = select(self._orders, own(self._orders.order_id))
            positions = select(self._books.positions, own(self._books.positions.entry_order_id))
            profit, value, count = compute_profit(self._market, fills)
            curve = curve_of(profit, value, count, start)
            alone = Report(
                self._market,
                replace(self._books, positions=positions),
                (orders, fills),
                self._recorder,
                self._venue,
                [],
                lambda curve=curve: curve,
            )
            lines[f"s{number}"] = profit
            drawings.append(Drawing(column=f"s{number}", label=info.label, pane="strategies"))
            found.append(
                StrategyResult(
                    label=info.label,
                    path=info.path,
                    name=info.name,
                    bar_types=info.bar_types,
                    parameters=info.parameters,
                    metrics=alone.figures().metrics,
                    outcome=judge(orders, seen),
                )
            )
        folder.write_lines("strategies", "strategies", lines, drawings)
        return found

    def _owners(self, order_ids: Sequence[str]) -> dict[str, pa.Array]:
        owners = self._setting.owners
        return {"strategy": _text([owners[order] for order in order_ids])} if owners else {}

    # -- tables ----------------------------------------------------------------------------------------------------

    def _write_orders(self, result: ResultFolder) -> None:
        orders, fills = self._orders, self._fills
        result.write_rows(
            "fills",
            "fills",
            {
                "ts": _times(fills.ts),
                "instrument": _text(fills.instrument),
                "side": _text(fills.side),
                "quantity": _numbers(fills.quantity),
                "price": _numbers(fills.price),
                "fee": _numbers(fills.fee),
                "liquidity": _text(fills.liquidity),
                "orderId": _text(fills.order_id),
                **self._places(fills.order_id),
                **self._owners(fills.order_id),
            },
        )
        result.write_rows(
            "orders",
            "orders",
            {
                "ts": _times(orders.ts),
                "instrument": _text(orders.instrument),
                "side": _text(orders.side),
                "type": _text(orders.type),
                "quantity": _numbers(orders.quantity),
                "filled": _numbers(orders.filled),
                "averagePrice": _numbers(orders.average_price),
                "limitPrice": _numbers(orders.limit_price),
                "triggerPrice": _numbers(orders.trigger_price),
                "status": _text(orders.status),
                "reason": _text(orders.reason),
                "tags": _text(orders.tags),
                "orderId": _text(orders.order_id),
                **self._places(orders.order_id),
                **self._owners(orders.order_id),
            },
        )

    def _write_trades(self, result: ResultFolder) -> None:
        positions = self._books.positions
        exits = self._places(positions.exit_order_id)
        result.write_rows(
            "trades",
            "trades",
            {
                "opened": _times(positions.opened),
                "closed": _times(positions.closed),
                "instrument": _text(positions.instrument),
                "side": _text(positions.side),
                "quantity": _numbers(positions.quantity),
                "entryPrice": _numbers(positions.entry_price),
                "exitPrice": _numbers(positions.exit_price),
                "result": pa.array(self._results),
                "return": pa.array(self._trade_returns()),
                "fees": _numbers(positions.fees),
                "bars": pa.array(self._bars_held(), pa.int32()),
                "entryOrderId": _text(positions.entry_order_id),
                "exitOrderId": _text(positions.exit_order_id),
                **self._places(positions.entry_order_id),
                "exitLine": exits["line"],
                **self._owners(positions.entry_order_id),
            },
        )

    def _trade_returns(self) -> np.ndarray:
        """Give each position's result over the value at which it was entered."""
        positions, market = self._books.positions, self._market
        multipliers = np.array([float(market.valued[name].instrument.multiplier) for name in positions.instrument])
        entered = np.array(positions.quantity) * np.array(positions.entry_price) * multipliers
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(entered > 0, self._results / entered, np.nan)

    def _bars_held(self) -> np.ndarray:
        """Give how many of its instrument's bars each position lasted."""
        positions, market = self._books.positions, self._market
        opened = np.array(positions.opened, np.int64)
        closed = np.array([market.axis[-1] if end is None else end for end in positions.closed], np.int64)
        names = np.array(positions.instrument, dtype=object)
        bars = np.zeros(len(opened), np.int64)
        for name, track in market.valued.items():
            own = names == name
            ends, starts = (np.searchsorted(track.ts, ts[own], side="right") for ts in (closed, opened))
            bars[own] = ends - starts
        return bars

    def _write_log(self, result: ResultFolder) -> None:
        log = self._recorder.log
        log.close()
        result.write_rows(
            "log",
            "log",
            {
                "ts": pa.array(np.array(log.ts, np.int64) // 1_000_000, pa.int64()).view(MILLISECONDS),
                "level": _text(log.levels),
                "message": _text(log.messages),
                "path": _text(log.paths),
                "line": pa.array(log.lines, pa.int32()),
            },
        )

    def _places(self, order_ids: Sequence[str | None]) -> dict[str, pa.Array]:
        found = self._recorder.find_places(order_ids)
        return {
            "path": _text([path for path, _ in found]),
            "line": pa.array([line for _, line in found], pa.int32()),
        }


def _on_axis(axis: np.ndarray, line: Line) -> np.ndarray:
    """Put a line's values on the axis: each at its time, or at the first one after it; the last of several counts."""
    if len(line.ts) == len(axis) and np.array_equal(line.ts, axis):
        return line.values
    values = np.full(len(axis), np.nan)
    values[np.minimum(np.searchsorted(axis, line.ts), len(axis) - 1)] = line.values
    return values


def _times(ts: Sequence[int | None]) -> pa.Array:
    return pa.array(ts, pa.int64()).cast(NANOSECONDS)


def _text(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def _numbers(values: Sequence[float | None]) -> pa.Array:
    return pa.array(values, pa.float64())
