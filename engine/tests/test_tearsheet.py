"""Tearsheets and exports: figures against quantstats and empyrical, against plain loops, and runs through a real engine."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import empyrical
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import quantstats

from live_engine import ENGINE, LiveEngine
from tino_engine.backtest import metrics, tearsheet
from tino_engine.backtest.stored import Trades

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.tmpdir import TempPathFactory

EMA_CROSS = ENGINE.parent / "examples" / "strategies" / "ema_cross.py"
START = 100_000.0


def business_days(count: int, first: date = date(2018, 11, 1)) -> np.ndarray:
    days = [first + timedelta(offset) for offset in range(2 * count)]
    return np.array([(day - date(1970, 1, 1)).days for day in days if day.weekday() < 5][:count])


@pytest.fixture(scope="module", params=[(700, 3), (90, 5)], ids=["three years", "four months"])
def market(request: pytest.FixtureRequest) -> tuple[metrics.Daily, np.ndarray, pd.Series]:
    """Daily equity, its returns, and the same returns as quantstats wants them; the first day is a fall."""
    count, seed = request.param
    random = np.random.default_rng(seed)
    returns = random.standard_t(4, count) * 0.008 + 0.0003
    returns[0] = -0.01
    days = business_days(count)
    index = pd.DatetimeIndex(days.astype("datetime64[D]"))
    return metrics.Daily(days, START * np.cumprod(1 + returns)), returns, pd.Series(returns, index)


def close(ours: float | None, theirs: Any) -> bool:
    return ours is not None and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


def test_moments_and_tails_are_theirs(market: tuple[metrics.Daily, np.ndarray, pd.Series]) -> None:
    _, returns, series = market
    ours = tearsheet.describe_returns(returns)
    assert close(ours.skew, quantstats.stats.skew(series, prepare_returns=False))
    assert close(ours.kurtosis, quantstats.stats.kurtosis(series, prepare_returns=False))
    assert close(ours.value_at_risk, empyrical.value_at_risk(returns, cutoff=0.05))
    assert close(ours.conditional_value_at_risk, empyrical.conditional_value_at_risk(returns, cutoff=0.05))
    assert close(ours.best, quantstats.stats.best(series, prepare_returns=False))
    assert close(ours.worst, quantstats.stats.worst(series, prepare_returns=False))
    assert close(ours.mean, series.mean())
    assert close(ours.standard_deviation, series.std())
    histogram = ours.histogram
    assert sum(histogram.counts) == len(returns)
    assert 0.0 in histogram.edges
    assert sum(histogram.counts[histogram.edges.index(0.0) :]) == np.sum(returns >= 0)


def test_rolling_figures_are_quantstats(market: tuple[metrics.Daily, np.ndarray, pd.Series]) -> None:
    daily, returns, series = market
    window = tearsheet.rolling_window(len(returns), 252)
    assert window == (126 if len(returns) >= 252 else 21)
    ours = tearsheet.compute_rolling(daily.days, returns, window, 252)
    sharpe = quantstats.stats.rolling_sharpe(series, rolling_period=window, prepare_returns=False).dropna()
    volatility = quantstats.stats.rolling_volatility(series, window, prepare_returns=False).dropna()
    assert ours.days == pd.DatetimeIndex(sharpe.index).strftime("%Y-%m-%d").to_list()
    assert ours.sharpe == pytest.approx(sharpe.to_list(), abs=1e-9)
    assert ours.volatility == pytest.approx(volatility.to_list(), abs=1e-9)


def test_months_and_years_are_quantstats(market: tuple[metrics.Daily, np.ndarray, pd.Series]) -> None:
    daily, _, series = market
    held = metrics.Daily(daily.days, daily.values / START)
    ours = tearsheet.compute_years(daily, held, START)
    theirs = quantstats.stats.monthly_returns(series, prepare_returns=False)
    assert [str(year.year) for year in ours] == theirs.index.to_list()
    for year in ours:
        row = theirs.loc[str(year.year)].to_list()
        # quantstats writes 0 for a month without days.
        assert [month or 0.0 for month in year.months] == pytest.approx(row[:12], abs=1e-9)
        assert [year.total, year.benchmark] == pytest.approx([row[12]] * 2, abs=1e-9)


def test_drawdowns_are_quantstats(market: tuple[metrics.Daily, np.ndarray, pd.Series]) -> None:
    daily, _, series = market
    # Its drawdowns know no start before the first day, and are per cents.
    before = pd.DatetimeIndex(series.index)[:1] - pd.Timedelta(days=1)
    curve = pd.concat([pd.Series([0.0], before), quantstats.stats.to_drawdown_series(series)])
    details: Any = quantstats.stats.drawdown_details(curve)
    theirs = details.sort_values("max drawdown", kind="stable").head(10)
    ours = tearsheet.find_drawdowns(daily, START)
    assert [(item.start, item.trough) for item in ours] == list(zip(theirs["start"], theirs["valley"], strict=True))
    assert [100 * item.depth for item in ours] == pytest.approx(theirs["max drawdown"].to_list(), abs=1e-9)
    assert min(item.depth for item in ours) == pytest.approx(empyrical.max_drawdown(series), abs=1e-12)
    every = tearsheet.find_drawdowns(daily, START, most=len(series))
    assert max(item.days for item in every) == metrics.max_drawdown_days(daily, START)


def test_drawdowns_on_paper() -> None:
    days = np.array([0, 1, 4, 5, 6, 7, 8])
    found = tearsheet.find_drawdowns(metrics.Daily(days, np.array([90.0, 100, 110, 99, 88, 110, 105])), 100.0)
    assert [item.model_dump(exclude={"depth"}) for item in found] == [
        {"peak": "1970-01-05", "start": "1970-01-06", "trough": "1970-01-07", "recovery": "1970-01-08", "days": 3},
        {"peak": "1970-01-01", "start": "1970-01-01", "trough": "1970-01-01", "recovery": "1970-01-02", "days": 1},
        {"peak": "1970-01-08", "start": "1970-01-09", "trough": "1970-01-09", "recovery": None, "days": 1},
    ]
    assert [item.depth for item in found] == pytest.approx([-0.2, -0.1, -5 / 110])


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_little_is_described_without_inventing(count: int) -> None:
    returns = np.array([0.01, -0.02, 0.03])[:count]
    ours = tearsheet.describe_returns(returns)
    assert (ours.skew is not None) == (count > 2)
    assert ours.kurtosis is None
    assert (ours.value_at_risk is not None) == (count > 0)
    assert tearsheet.compute_rolling(np.arange(count), returns, 0, 252).days == []
    assert tearsheet.describe_returns(np.zeros(count)).skew is None


class Bars:
    """One instrument's bars, a minute each."""

    def __init__(self, count: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.ts = 60_000 * np.arange(1, count + 1)
        self.close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, count)))
        self.high, self.low = self.close * (1 + random.random(count) / 50), self.close * (1 - random.random(count) / 50)


class Run:
    """What `find_excursions` asks of a stored run."""

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        self._bars = {name: Bars(300, seed) for seed, name in enumerate(("A.X", "B.X"))}
        count = 80
        names = random.choice(["A.X", "B.X"], count)
        first = random.integers(0, 290, count)
        last = np.minimum(first + random.integers(0, 30, count), 299)
        entry = np.array([self._bars[name].close[at] for name, at in zip(names, first, strict=True)])
        self.exits = np.array([self._bars[name].close[at] for name, at in zip(names, last, strict=True)])
        sides = random.choice(["LONG", "SHORT"], count)
        gained = np.where(sides == "LONG", self.exits - entry, entry - self.exits)
        closed = np.where(np.arange(count) == 7, -1, 60_000 * (last + 1))
        self._trades = Trades(
            60_000 * (first + 1),
            closed,
            names.astype(object),
            sides.astype(object),
            entry,
            gained,
            gained / entry,
            gained * 0,
            last - first,
        )

    def trades(self) -> Trades:
        return self._trades

    def bars(self, name: str) -> Bars:
        return self._bars[name]

    def exit_prices(self) -> np.ndarray:
        return self.exits


def test_excursions_are_those_of_a_plain_loop() -> None:
    run: Any = Run()
    found, trades = tearsheet.find_excursions(run), run.trades()
    for row in range(len(trades.opened)):
        if trades.closed[row] < 0:
            assert np.isnan(found.adverse[row])
            continue
        bars, entry = run.bars(trades.instrument[row]), trades.entry_price[row]
        inside = [at for at in range(300) if trades.opened[row] < bars.ts[at] <= trades.closed[row]]
        prices = [run.exits[row], *bars.high[inside], *bars.low[inside]]
        moves = [(price / entry - 1) * (1 if trades.side[row] == "LONG" else -1) for price in prices]
        assert found.adverse[row] == pytest.approx(min(0.0, *moves), abs=1e-12)
        assert found.favourable[row] == pytest.approx(max(0.0, *moves), abs=1e-12)
        assert found.adverse[row] <= trades.returns[row] + 1e-12
        assert trades.returns[row] <= found.favourable[row] + 1e-12


def test_hours_are_those_of_the_exchange_across_its_summer_time() -> None:
    # 2024-03-08 and -11: New York is five hours behind UTC on the Friday, four on the Monday.
    opened = [pd.Timestamp("2024-03-11T14:30Z"), pd.Timestamp("2024-03-08T14:30Z")]
    at = np.array([int(moment.value // 1_000_000) for moment in opened])
    ones = np.ones(2)
    trades = Trades(at, at + 1, ones.astype(object), ones.astype(object), ones, np.array([5.0, -1.0]), ones, ones, ones)
    hours = tearsheet._hours(trades, ZoneInfo("America/New_York"))
    assert [(item.hour, item.trades, item.result, item.win_rate) for item in hours] == [
        (9, 1, -1.0, 0.0),
        (10, 1, 5.0, 1.0),
    ]


# -- through a real engine ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory) -> Iterator[LiveEngine]:
    pages = tmp_path_factory.mktemp("pages")
    (pages / "tearsheet.html").write_text('<script>show("tino:shown")</script>')
    home = tmp_path_factory.mktemp("home")
    with LiveEngine(home, {"dashboardPath": str(pages)}, trusted=[EMA_CROSS.parents[1]]) as live:
        live.post("/api/data/sample")
        yield live


def finish(engine: LiveEngine, **changes: Any) -> dict[str, Any]:
    body = {"path": str(EMA_CROSS), "symbols": ["AAPL.XNAS"], "from": "2008-01-01", "to": "2010-12-31", **changes}
    run_id = engine.post("/api/backtest", body)["id"]
    with engine.socket(f"/ws/backtest/{run_id}") as socket:
        for _ in socket:
            pass
    return engine.get(f"/api/backtest/{run_id}")


@pytest.fixture(scope="module")
def run(engine: LiveEngine) -> dict[str, Any]:
    found = finish(engine)
    assert found["status"] == "finished", found["error"]
    return found


def test_a_tearsheet_agrees_with_its_run_and_is_kept(engine: LiveEngine, run: dict[str, Any]) -> None:
    path = f"/api/backtest/{run['id']}/tearsheet"
    sheet, figures = engine.get(path), run["metrics"]
    kept = engine.home / "runs" / run["id"] / "tearsheet.json"
    assert json.loads(kept.read_bytes()) == sheet
    assert sheet["dailyReturns"] == run["result"]["dailyReturns"]
    assert sheet["curve"]["equity"][-1] == pytest.approx(figures["finalEquity"])
    assert min(item["depth"] for item in sheet["drawdowns"]) == pytest.approx(figures["maxDrawdown"])
    assert max(item["days"] for item in sheet["drawdowns"]) == figures["maxDrawdownDays"]
    assert math.prod(1 + year["total"] for year in sheet["years"]) == pytest.approx(1 + figures["totalReturn"])
    assert math.prod(1 + year["benchmark"] for year in sheet["years"]) == pytest.approx(1 + figures["benchmarkReturn"])
    assert [item["weekday"] for item in sheet["weekdays"]] == [0, 1, 2, 3, 4]
    assert sheet["hours"] == []
    assert sum(group["trades"] for group in sheet["sides"]) == sheet["trades"] == figures["trades"]
    assert sum(sheet["durations"]["histogram"]["counts"]) == figures["trades"]
    # A kept one is given as it is; one that is damaged or of another version is made anew.
    kept.write_text(json.dumps({**sheet, "currency": "kept"}))
    assert engine.get(path)["currency"] == "kept"
    for spoilt in ("{", json.dumps({**sheet, "version": 0})):
        kept.write_text(spoilt)
        assert engine.get(path) == sheet


def test_exports_hold_what_the_run_left(engine: LiveEngine, run: dict[str, Any]) -> None:
    def export(query: str) -> bytes:
        reply = engine.call("GET", f"/api/backtest/{run['id']}/export?{query}")
        assert reply.status == 200, reply.body
        assert reply.headers["content-type"] == "application/octet-stream"
        return reply.body

    trades = list(csv.DictReader(io.StringIO(export("as=csv&table=trades").decode())))
    rows = json.loads(export("as=json&table=trades"))
    table = pq.read_table(io.BytesIO(export("as=parquet&table=trades")))
    assert len(trades) == len(rows) == table.num_rows > 5
    assert trades[0]["opened"] == rows[0]["opened"] == f"{table['opened'][0].as_py():%Y-%m-%dT%H:%M:%S.000Z}"
    assert float(trades[0]["result"]) == rows[0]["result"] == table["result"][0].as_py()
    assert all(row["adverse"] <= 0 <= row["favourable"] for row in rows if row["closed"])
    whole = json.loads(export("as=json&table=all"))
    assert whole["run"]["id"] == run["id"]
    assert {name: len(whole[name]) for name in ("orders", "equity")} == {
        info["kind"]: info["rows"] for info in run["result"]["series"] if info["kind"] in ("orders", "equity")
    }
    with zipfile.ZipFile(io.BytesIO(export("as=csv&table=all"))) as archive:
        assert set(archive.namelist()) == {"trades.csv", "orders.csv", "fills.csv", "equity.csv", "log.csv", "run.json"}
        assert len(archive.read("equity.csv").splitlines()) == len(whole["equity"]) + 1
    page = export("as=html").decode()
    shown = json.loads(page.removeprefix("<script>show(").removesuffix(")</script>"))
    assert shown["run"]["id"] == run["id"]
    assert shown["tearsheet"] == engine.get(f"/api/backtest/{run['id']}/tearsheet")


def test_runs_are_compared_labelled_and_deleted(engine: LiveEngine, run: dict[str, Any]) -> None:
    other = finish(engine, parameters={"fast": 5}, to="2009-12-31", venue={"takerFee": "0.001"})
    first, second = run["id"], other["id"]
    compared = engine.post("/api/backtest/compare", {"runs": [first, second]})
    assert [item["id"] for item in compared["runs"]] == [first, second]
    assert compared["startingEquity"] == [START, START]
    returns = next(item for item in compared["metrics"] if item["name"] == "totalReturn")
    assert returns["differences"] == [0, pytest.approx(other["metrics"]["totalReturn"] - run["metrics"]["totalReturn"])]
    differ = {item["name"]: item["differs"] for item in compared["parameters"]}
    assert differ == {"fast": True, "slow": False, "invest": False}
    assert {item["label"] for item in compared["assumptions"] if item["differs"]} >= {"Fees"}
    assert compared["sameCode"] == [True, True]
    assert "The runs cover different periods." in compared["remarks"]

    def listed(query: str) -> list[str]:
        return [item["id"] for item in engine.get(f"/api/backtest?{query}")["runs"]]

    labelled = engine.post(
        "/api/backtest/label", {"runs": [second], "addTags": ["tried", "Best"], "pinned": True, "note": " why "}
    )
    assert [(item["tags"], item["note"], item["pinned"]) for item in labelled["runs"]] == [
        (["Best", "tried"], "why", True)
    ]
    engine.post("/api/backtest/label", {"runs": [first, second], "addTags": ["both"], "removeTags": ["tried"]})
    assert engine.get(f"/api/backtest/{second}")["tags"] == ["Best", "both"]
    assert listed("tag=both") == [second, first]
    assert listed("tag=Best") == listed("pinned=true") == [second]
    assert listed("tag=tried") == []
    assert second not in listed("pinned=false")
    with engine.hello() as socket:
        assert second in [item["id"] for item in json.loads(socket.recv())["runs"]]
        folder = engine.home / "runs" / second
        size = sum(file.stat().st_size for file in folder.iterdir())
        assert engine.post("/api/backtest/delete", {"runs": [second]}) == {"deleted": [second], "freedBytes": size}
        events = (json.loads(message)["event"] for message in socket)
        assert next(event for event in events if event["type"] == "run.deleted")["id"] == second
    assert not folder.exists()
    assert list(engine.home.glob("runs/*.deleted")) == []
    refused = engine.call("POST", "/api/backtest/delete", {"runs": [first, second]})
    assert (refused.status, refused.json["code"]) == (404, "run_not_found")
    assert (engine.home / "runs" / first).is_dir()


def test_a_deletion_that_was_cut_off_is_settled_at_the_next_start(
    tmp_path: Path, engine: LiveEngine, run: dict[str, Any]
) -> None:
    """Killed before the commit the run comes back, killed after it its files go."""
    home = tmp_path / "home"
    with LiveEngine(home, trusted=[EMA_CROSS.parents[1]]) as first:
        first.post("/api/data/sample")
        kept = finish(first)["id"]
    folder = home / "runs" / kept
    folder.rename(folder.with_name(f"{kept}.deleted"))
    gone = home / "runs" / "run_00000000000000000000000001.deleted"
    gone.mkdir()
    (gone / "result.json").write_text("{}")
    with LiveEngine(home) as second:
        assert second.get(f"/api/backtest/{kept}")["result"] is not None
    assert not gone.exists()
