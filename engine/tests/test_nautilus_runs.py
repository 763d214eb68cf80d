"""Runs in this process: what they leave, against numbers made on paper, by NautilusTrader itself, or by plain loops."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from runs import (
    DAY,
    EXAMPLES,
    MINUTE,
    START,
    STRATEGIES,
    Data,
    Finished,
    flat,
    make_instrument,
    request,
    run,
    store,
    walk,
)
from tino_engine.contracts import METRICS, SERIES_COLUMNS
from tino_engine.data import Series
from tino_engine.data.importing import import_sample

if TYPE_CHECKING:
    from pathlib import Path


def play(folder: Path, data: list[Data], plan: dict[str, Any] | None = None, **arguments: Any) -> Finished:
    if plan is not None:
        arguments["parameters"] = {"plan": json.dumps(plan)}
    return run(request(folder, arguments.pop("path", STRATEGIES / "scripted.py"), data, **arguments))


# -- ten bars on paper -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Long 50 at 100, 20 of them sold at 105, turned around at 104 to short 20, out at 108, long 10 at 110 to the end."""
    tmp_path = tmp_path_factory.mktemp("paper")
    closes = [100, 102, 101, 105, 107, 104, 103, 108, 110, 109]
    plan = {
        "0": [["market", "BUY", 50]],
        "3": [["market", "SELL", 20]],
        "5": [["market", "SELL", 50]],
        "7": [["close"]],
        "8": [["market", "BUY", 10]],
    }
    venue = {"startingBalance": "10000", "makerFee": "0.001", "takerFee": "0.001"}
    return play(tmp_path / "run", [store(tmp_path / "catalog", flat(closes))], plan, venue=venue)


def test_paper_fills(paper: Finished) -> None:
    table = paper.table("fills")
    assert list(zip(table["side"], table["quantity"], table["price"], table["fee"], strict=True)) == [
        ("BUY", 50, 100, 5.00),
        ("SELL", 20, 105, 2.10),
        ("SELL", 50, 104, 5.20),
        ("BUY", 20, 108, 2.16),
        ("BUY", 10, 110, 1.10),
    ]
    assert [int(ts.value) for ts in table["ts"]] == [START + DAY * (bar + 1) for bar in (0, 3, 5, 7, 8)]


def test_paper_equity(paper: Finished) -> None:
    equity = [9995, 10_095, 10_045, 10_242.9, 10_302.9, 10_207.7, 10_227.7, 10_125.54, 10_124.44, 10_114.44]
    assert paper.column("equity", "equity") == pytest.approx(equity, abs=1e-9)
    high = [10_000, 10_095, 10_095, 10_242.9, 10_302.9, 10_302.9, 10_302.9, 10_302.9, 10_302.9, 10_302.9]
    assert paper.column("equity", "drawdown") == pytest.approx(np.array(equity) / high - 1, abs=1e-12)
    value = [5000, 5100, 5050, 3150, 3210, -2080, -2060, 0, 1100, 1090]
    assert paper.column("equity", "exposure") == pytest.approx(np.array(value) / equity, abs=1e-12)


def test_paper_trades(paper: Finished) -> None:
    table = paper.table("trades")
    names = ("side", "quantity", "entryPrice", "exitPrice", "bars")
    assert list(zip(*(table[name] for name in names), strict=True)) == [
        ("LONG", 50, 100, pytest.approx(104.4), 5),
        ("SHORT", 20, 104, 108, 2),
        ("LONG", 10, 110, None, 1),
    ]
    assert table["fees"] == pytest.approx([10.22, 4.24, 1.10])
    assert table["result"] == pytest.approx([209.78, -84.24, -11.10])
    assert table["return"] == pytest.approx([209.78 / 5000, -84.24 / 2080, -11.10 / 1100])
    assert [ts and int(ts.value) for ts in table["closed"]] == [START + 6 * DAY, START + 8 * DAY, None]


def test_paper_metrics(paper: Finished) -> None:
    metrics = paper.result.metrics
    assert metrics.model_dump(include={"trades", "longest_losing_streak", "max_drawdown_days"}, by_alias=False) == {
        "trades": 2,
        "longest_losing_streak": 1,
        "max_drawdown_days": 5,
    }
    expected = {
        "total_return": 0.011444,
        "annual_return": 1.011444 ** (252 / 10) - 1,
        "max_drawdown": 10_114.44 / 10_302.9 - 1,
        "exposure": 0.9,
        "turnover": 15_560 / 10_148.062 * 252 / 10,
        "win_rate": 0.5,
        "profit_factor": 209.78 / 84.24,
        "expectancy": 62.77,
        "average_win": 209.78,
        "average_loss": -84.24,
        "fees": 15.56,
        "net_profit": 114.44,
        "final_equity": 10_114.44,
        "benchmark_return": 0.09,
    }
    assert {name: getattr(metrics, name) for name in expected} == pytest.approx(expected, rel=1e-9)
    assert set(metrics.model_dump(mode="json")) == set(METRICS)


def test_paper_orders_know_their_lines(paper: Finished) -> None:
    source = (STRATEGIES / "scripted.py").read_text().splitlines()
    made = [source[line - 1].strip() for line in paper.table("orders")["line"]]
    market, close = "self.submit_order(self.order_factory.market(", "self.close_all_positions(instrument_id)"
    assert [text.startswith(market) for text in made] == [True, True, True, False, True]
    assert made[3] == close
    trades = paper.table("trades")
    assert source[trades["exitLine"][1] - 1].strip() == close
    assert trades["exitLine"][2] is None
    assert set(trades["path"]) == {str(STRATEGIES / "scripted.py")}


def test_paper_result(paper: Finished) -> None:
    result = paper.result
    assert (result.bars, result.daily_returns, result.periods_per_year, result.currency) == (10, 10, 252, "USD")
    assert (result.first_bar_at, result.last_bar_at) == ((START + DAY) // 10**6, (START + 10 * DAY) // 10**6)
    assert paper.sparkline[0] == 0.9995
    assert paper.sparkline[-1] == pytest.approx(1.011444)
    for series in result.series:
        columns = paper.arrow(series.id).schema.names
        assert tuple(columns[: len(SERIES_COLUMNS[series.kind])]) == SERIES_COLUMNS[series.kind]
    phases = [progress.phase for progress in paper.progress]
    assert phases[0] == "preparing"
    assert phases[-1] == "writing"
    assert set(phases[1:-1]) == {"running"}


# -- against NautilusTrader's own portfolio ----------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["MARGIN", "CASH"])
@pytest.mark.parametrize("names", [["A.XNAS"], ["A.XNAS", "B.XNAS", "C.XNYS"]])
def test_equity_is_the_portfolios_to_the_cent(tmp_path: Path, account: str, names: list[str]) -> None:
    """At each bar at which nothing is traded NautilusTrader is asked; it knows all prices of a time at its last bar."""
    count = 150
    data = [
        store(tmp_path / "catalog", walk(count, seed, 0.02), instrument=make_instrument(name), volume=400)
        for seed, name in enumerate(names)
    ]
    dice = random.Random(7)
    plan: dict[str, list[list[Any]]] = {}
    for bar in range(5, count * len(names) - 5):
        if bar % len(names) == len(names) - 1 and (bar // len(names)) % 3:
            plan[str(bar)] = [["equity"]]
        elif (bar // len(names)) % 3 == 0:
            side = "BUY" if account == "CASH" and dice.random() < 0.6 else dice.choice(["BUY", "SELL"])
            plan[str(bar)] = [["market", side, dice.randint(1, 130)]]
    plan["stop"] = [["equity"]]
    result = play(tmp_path / "run", data, plan, venue={"accountType": account, "takerFee": "0.0007"})
    equity = dict(zip(result.column("equity", "ts").astype(int), result.column("equity", "equity"), strict=True))
    log = result.table("log")
    asked = [
        (int(ts.timestamp() * 1000), float(text.split()[1])) for ts, text in zip(log["ts"], log["message"], strict=True)
    ]
    assert len(asked) > 60
    assert result.result.outcome.filled > 20
    assert [equity[ts] for ts, _ in asked] == pytest.approx([value for _, value in asked], abs=0.005)
    # What the trades brought is what the account gained.
    assert sum(result.table("trades")["result"]) == pytest.approx(
        result.result.metrics.net_profit, abs=0.02 * len(asked)
    )


def test_buy_and_hold_is_the_benchmark_but_for_fees(tmp_path: Path) -> None:
    prices = walk(400, 3, 0.01)
    data = [store(tmp_path / "catalog", prices)]
    plan = {"0": [["market", "BUY", 1000]]}
    venue = {"startingBalance": "200000", "makerFee": "0", "takerFee": "0", "leverage": "1"}
    result = play(tmp_path / "run", data, plan, venue=venue)
    entry, held = result.table("fills")["price"][0], 1000
    metrics = result.result.metrics
    assert metrics.net_profit == pytest.approx(metrics.benchmark_return * entry * held, abs=0.01)
    assert metrics.exposure == 1
    assert metrics.beta == pytest.approx(entry * held / 200_000, abs=0.1)


# -- real data ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    catalog = tmp_path_factory.mktemp("sample")
    found = import_sample(catalog, lambda *_: None).to_result()
    instruments = {entry["id"]: entry for entry in found["instruments"]}
    return [
        {
            "instrument": instruments[entry["instrumentId"]],
            "barType": entry["barType"],
            "files": [str(catalog / file) for file in entry["files"]],
            "actions": found["actions"][entry["instrumentId"]],
            "hash": entry["hash"],
            "rows": entry["bars"],
        }
        for entry in found["coverage"]
    ]


def take(sample: list[dict[str, Any]], instrument_id: str) -> Data:
    item = next(item for item in sample if item["instrument"]["id"] == instrument_id)
    return Data(Series.from_params(item), item["rows"])


@pytest.mark.parametrize("example", ["ema_cross", "bollinger_reversion", "donchian_breakout", "rsi_dip"])
@pytest.mark.parametrize("instrument_id", ["AAPL.XNAS", "IBM.XNYS"])
def test_the_examples_trade_real_stocks(
    tmp_path: Path, sample: list[dict[str, Any]], example: str, instrument_id: str
) -> None:
    result = play(
        tmp_path / "run",
        [take(sample, instrument_id)],
        path=EXAMPLES / f"{example}.py",
        adjustment="splitsAndDividends",
    )
    outcome, metrics = result.result.outcome, result.result.metrics
    assert (outcome.no_trades, outcome.denied, outcome.rejected) == (None, 0, 0)
    assert metrics.trades > 10
    assert 0.02 < (metrics.exposure or 0) < 0.98
    assert result.result.daily_returns == result.result.bars
    assert all(value is not None for value in metrics.model_dump(mode="json").values())
    assert any(series.kind == "drawings" and len(series.drawings) >= 2 for series in result.result.series)


def test_adjusted_prices_have_no_crash_at_a_split(tmp_path: Path, sample: list[dict[str, Any]]) -> None:
    """AAPL was split 2:1 on 2000-06-21 and 2005-02-28; as traded it falls by half on those days."""
    falls = {}
    for adjustment in ("none", "splits", "splitsAndDividends"):
        result = play(tmp_path / adjustment, [take(sample, "AAPL.XNAS")], {}, adjustment=adjustment)
        closes = result.column("bars.0", "close")
        falls[adjustment] = closes[1:] / closes[:-1] - 1
        stated = next(line.value for line in result.result.assumptions if line.label == "Prices")
        assert stated.startswith("As traded" if adjustment == "none" else "Adjusted for splits")
    assert (falls["none"] < -0.45).sum() == 3  # The two splits, and 2000-09-29, when it did fall by half.
    assert (falls["splits"] < -0.45).sum() == 1
    assert falls["splits"] == pytest.approx(falls["splitsAndDividends"], abs=0.03)


def test_days_are_the_instruments(tmp_path: Path, sample: list[dict[str, Any]]) -> None:
    """A range names days of New York; closes are at 20:00 or 21:00 UTC of the same day."""
    data = take(sample, "AAPL.XNAS")
    from tino_engine.data import day_bounds

    data.from_ns, data.to_ns = day_bounds(data.series.instrument, "2007-10-29", "2007-11-09")
    result = play(tmp_path / "run", [data], {})
    hours = [ts.hour for ts in result.table("bars.0")["ts"]]
    assert hours == [20] * 5 + [21] * 5
    assert result.result.daily_returns == 10


# -- what was drawn ----------------------------------------------------------------------------------------------------


def test_indicators_are_drawn_by_themselves(tmp_path: Path) -> None:
    prices = walk(120, 5, 0.01)
    result = play(tmp_path / "run", [store(tmp_path / "catalog", prices)], path=STRATEGIES / "draws.py")
    series = next(series for series in result.result.series if series.kind == "drawings")
    drawn = {drawing.label: (drawing.pane, result.column("drawings", drawing.column)) for drawing in series.drawings}
    assert {label: pane for label, (pane, _) in drawn.items()} == {
        "average (SMA 5)": "price",
        "bands upper (BB 20, 2)": "price",
        "bands middle (BB 20, 2)": "price",
        "bands lower (BB 20, 2)": "price",
        "strength (RSI 14)": "RSI 14",
        "many[1] (EMA 9)": "price",
        "middle (Middle)": "price",
        "tiny (Tiny)": "Tiny",
        "EMA 3": "price",
        "mine": "price",
        "every fifth": "below",
    }
    closes = np.array([close for *_, close in prices])
    average = drawn["average (SMA 5)"][1]
    assert np.isnan(average[:4]).all()
    means = np.convolve(closes, np.ones(5) / 5, "valid")
    # After bar 60 the strategy resets it: no value until it has five bars again, but what it holds meanwhile.
    assert average[4:60] == pytest.approx(means[:56], abs=1e-9)
    assert average[65:] == pytest.approx(means[61:], abs=1e-9)
    upper, middle, lower = (drawn[f"bands {name} (BB 20, 2)"][1][19:] for name in ("upper", "middle", "lower"))
    assert middle == pytest.approx(np.convolve(closes, np.ones(20) / 20, "valid"), abs=0.5)
    assert upper - middle == pytest.approx(middle - lower)
    # Registered at bar 10: nothing before.
    late = drawn["EMA 3"][1]
    assert np.isnan(late[:12]).all()
    assert np.isfinite(late[20:]).all()
    assert drawn["mine"][1] == pytest.approx(closes / 2)
    fifth = drawn["every fifth"][1]
    assert np.flatnonzero(np.isfinite(fifth)).tolist() == list(range(0, 120, 5))


def test_drawings_of_several_bar_types(tmp_path: Path) -> None:
    minutes = store(tmp_path / "catalog", walk(60, 5, 0.01), step=MINUTE, unit="1-MINUTE")
    hours = store(tmp_path / "catalog", walk(12, 6, 0.01), step=5 * MINUTE, unit="5-MINUTE")
    result = play(tmp_path / "run", [minutes, hours], path=STRATEGIES / "two_speeds.py")
    (series,) = (series for series in result.result.series if series.kind == "drawings")
    drawn = {drawing.label: result.column("drawings", drawing.column) for drawing in series.drawings}
    ends = np.arange(4, 60, 5)
    # The labels name the attribute; both stand on the minutes' axis, the slow ones at the minutes that end their bars.
    assert np.isfinite(drawn["fast (SMA 2) TEST.XNAS"][1:]).all()
    assert np.flatnonzero(np.isfinite(drawn["slow (SMA 2) TEST.XNAS"])).tolist() == ends[1:].tolist()
    assert np.flatnonzero(np.isfinite(drawn["own (SMA 2) TEST.XNAS"])).tolist() == list(range(19, 60, 10))
    closes = result.column("bars.1", "close")
    assert drawn["slow (SMA 2) TEST.XNAS"][ends[1:]] == pytest.approx((closes[1:] + closes[:-1]) / 2)


# -- log ---------------------------------------------------------------------------------------------------------------


def test_the_log_has_time_and_line_of_everything_said(tmp_path: Path) -> None:
    result = play(tmp_path / "run", [store(tmp_path / "catalog", flat([100] * 5))], path=STRATEGIES / "talks.py")
    log = result.table("log")
    source = (STRATEGIES / "talks.py").read_text().splitlines()
    said = [
        (level, message, source[line - 1].split("#")[-1].strip() if line else None)
        for level, message, line in zip(log["level"], log["message"], log["line"], strict=True)
    ]
    assert said == [
        ("PRINT", "imported", "import"),
        ("INFO", "made", "made"),
        ("PRINT", "started 1", "print"),
        ("PRINT", "two", "lines"),
        ("PRINT", "lines", "lines"),
        ("INFO", "first bar", "info"),
        ("WARNING", "careful", "warning"),
        ("ERROR", "no", "error"),
        ("DEBUG", "detail", "debug"),
        ("ERROR", "caught: ValueError: oops", "exception"),
        ("PRINT", "to stderr", "stderr"),
        ("WARNING", "from below", "below"),
        ("PRINT", "x" * 10_000, "long"),
        ("PRINT", "no end of line", None),
    ]
    times = [int(ts.timestamp()) for ts in log["ts"]]
    first, last = (START + DAY) // 10**9, (START + 5 * DAY) // 10**9
    assert times == [0, *[first] * 12, last]
    assert (tmp_path / "elsewhere").exists() is False


def test_the_log_is_bounded(tmp_path: Path) -> None:
    parameters = {"lines": 100_010}
    result = play(
        tmp_path / "run",
        [store(tmp_path / "catalog", flat([100] * 3))],
        path=STRATEGIES / "chatters.py",
        parameters=parameters,
    )
    log = result.table("log")
    assert len(log["ts"]) == 100_001
    assert log["message"][-1] == "10 further lines were left out."
    assert result.result.warnings == ["The strategy's log was cut: 10 further lines."]


# -- no trades ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "venue", "sentence"),
    [
        ({}, {}, "No order was submitted in 30 bars: the strategy's conditions were never met."),
        (
            {"0": [["market", "BUY", 10**6]]},
            {},
            "The only order was denied. Its margin is more than the free balance.",
        ),
        (
            {"0": [["market", "SELL", 1]] * 2},
            {"accountType": "CASH"},
            "All 2 orders were rejected. Short selling not permitted on a CASH account.",
        ),
        (
            {"0": [["market", "SELL", 1]] * 2 + [["market", "BUY", 10**6]]},
            {"accountType": "CASH"},
            "All 3 orders were denied or rejected. Most often: short selling not permitted on a CASH account.",
        ),
        (
            {"0": [["limit", "BUY", 1, 9], ["limit", "BUY", 1, 8]], "3": [["stop_market", "BUY", 1, 999]]},
            {},
            "No order was filled: 2 limit orders and 1 stop market order waited for a price that did not come.",
        ),
        (
            {"0": [["limit", "BUY", 1, 9], ["market", "BUY", 10**6]], "2": [["cancel"]]},
            {},
            "No order was filled: 1 limit order waited for a price that did not come; 1 more was refused: its margin is more than the free balance.",
        ),
    ],
)
def test_why_nothing_was_traded(tmp_path: Path, plan: Any, venue: Any, sentence: str) -> None:
    data = [store(tmp_path / "catalog", flat([100] * 30))]
    result = play(tmp_path / "run", data, plan, venue=venue)
    assert result.result.outcome.no_trades == sentence
    assert result.result.metrics.trades == 0
    assert result.result.metrics.total_return == 0
    assert result.result.warnings == []


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        ("silent.py", "No order was submitted, and no bar reached the strategy: it subscribed to none."),
        (
            "elsewhere.py",
            "No order was submitted, and no bar reached the strategy: it subscribed to NOPE.XNAS-1-DAY-LAST-EXTERNAL, and the run has TEST.XNAS-1-DAY-LAST-EXTERNAL.",
        ),
        ("cold.py", "No order was submitted: after 30 bars, slow (EMA 200) was still not ready."),
    ],
)
def test_why_nothing_could_be_traded(tmp_path: Path, strategy: str, sentence: str) -> None:
    data = [store(tmp_path / "catalog", flat([100] * 30))]
    assert play(tmp_path / "run", data, path=STRATEGIES / strategy).result.outcome.no_trades == sentence


def test_some_refusals_are_a_warning(tmp_path: Path) -> None:
    plan = {"0": [["market", "BUY", 1], ["market", "BUY", 10**6]]}
    result = play(tmp_path / "run", [store(tmp_path / "catalog", flat([100] * 3))], plan)
    assert result.result.outcome.no_trades is None
    (warning,) = result.result.warnings
    assert warning.startswith("1 of 2 orders were refused, most often: Its margin is more than the free balance (")
