"""Several strategies in one portfolio, bars made in a run, ticks, warm-up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plays import NO_FEES
from runs import DAY, MINUTE, START, STRATEGIES, Data, Finished, flat, make_instrument, request, run, store, walk
from tino_engine.data.instruments import write_instrument
from tino_engine.data.ticks import make_quotes, make_trades, write_ticks
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTED = STRATEGIES / "scripted.py"
WARMS = STRATEGIES / "warms.py"


def ensemble(folder: Path, data: list[Data], members: list[dict[str, Any]], **arguments: Any) -> Finished:
    """A run of several: each member has a label, a path, a name, parameters and the data it is given."""
    entries = []
    for member in members:
        own = request(folder, member["path"], member["data"], name=member.get("name"), parameters=member["parameters"])
        bar_types = [item["barType"] for item in own["data"]]
        entries.append({**own, "label": member["label"], "barTypes": bar_types})
    first = members[0]
    whole = request(folder, first["path"], data, name=first.get("name"), parameters=first["parameters"], **arguments)
    return run({**whole, "strategies": entries})


def assumption(result: Finished, label: str) -> str:
    return next(line.value for line in result.result.assumptions if line.label == label)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A buys 10 of AAA at 100 and sells them at 110; B, of the same class, sells 5 of BBB at 50, which ends at 40, and tries too much."""
    folder = tmp_path_factory.mktemp("pair")
    data = [
        store(folder / "catalog", flat(closes), instrument=make_instrument(name))
        for name, closes in (("AAA.XNAS", [100, 105, 110, 108]), ("BBB.XNAS", [50, 45, 48, 40]))
    ]
    plans = [
        {"0": [["market", "BUY", 10]], "2": [["market", "SELL", 10]]},
        {"0": [["market", "SELL", 5]], "1": [["market", "BUY", 10**6]]},
    ]
    members = [
        {"label": f"Scripted {name}", "path": SCRIPTED, "data": [item], "parameters": {"plan": json.dumps(plan)}}
        for name, item, plan in zip(("AAA.XNAS", "BBB.XNAS"), data, plans, strict=True)
    ]
    venue = {"takerFee": "0.001", "startingBalance": "10000"}
    return ensemble(folder / "run", data, members, venue=venue)


def test_together_and_each(pair: Finished) -> None:
    # Fees: 1.00 and 1.10 of AAA, 0.25 of BBB. B's short is marked at every close.
    assert pair.column("equity", "equity") == pytest.approx([9998.75, 10_073.75, 10_107.65, 10_147.65])
    assert pair.column("strategies", "s0") == pytest.approx([-1, 49, 97.9, 97.9])
    assert pair.column("strategies", "s1") == pytest.approx([-0.25, 24.75, 9.75, 49.75])
    first, second = pair.result.strategies
    assert [one.label for one in (first, second)] == ["Scripted AAA.XNAS", "Scripted BBB.XNAS"]
    assert first.bar_types == ["AAA.XNAS-1-DAY-LAST-EXTERNAL"]
    assert (first.metrics.net_profit, first.metrics.trades, first.metrics.fees) == (
        pytest.approx(97.9),
        1,
        pytest.approx(2.1),
    )
    assert (second.metrics.net_profit, second.metrics.trades) == (pytest.approx(49.75), 0)
    assert pair.result.metrics.net_profit == pytest.approx(97.9 + 49.75)
    assert first.metrics.total_return == pytest.approx(0.00979)
    assert (first.metrics.exposure, second.metrics.exposure) == (0.5, 1.0)
    series = next(series for series in pair.result.series if series.kind == "strategies")
    assert [drawing.label for drawing in series.drawings] == ["Scripted AAA.XNAS", "Scripted BBB.XNAS"]


def test_whose_order_it_was(pair: Finished) -> None:
    assert pair.table("orders")["strategy"] == [f"Scripted {name}.XNAS" for name in ("AAA", "BBB", "BBB", "AAA")]
    assert pair.table("fills")["strategy"] == [f"Scripted {name}.XNAS" for name in ("AAA", "BBB", "AAA")]
    assert pair.table("trades")["strategy"] == ["Scripted AAA.XNAS", "Scripted BBB.XNAS"]
    assert all(line is not None for line in pair.table("orders")["line"])
    assert [one.outcome.denied for one in pair.result.strategies] == [0, 1]
    assert pair.result.outcome.denied == 1
    assert "Scripted BBB.XNAS on BBB.XNAS-1-DAY" in assumption(pair, "Strategies")


def test_one_of_two_fails_and_is_named(tmp_path: Path) -> None:
    data = [store(tmp_path / "catalog", flat([100] * 5))]
    members = [
        {"label": "Scripted", "path": SCRIPTED, "data": data, "parameters": {}},
        {"label": "SizeOfZero", "path": STRATEGIES / "idle.py", "name": "SizeOfZero", "data": data, "parameters": {}},
    ]
    with pytest.raises(TinoError, match="rounded to zero") as caught:
        ensemble(tmp_path / "run", data, members)
    assert "SizeOfZero" in str(caught.value)


def test_lines_and_closes_of_two_of_one_class(tmp_path: Path) -> None:
    """Indicators, plots and closed positions belong to their own strategy, though the class is one."""
    data = [store(tmp_path / "catalog", flat([100, 101, 102, 103, 104, 105]))]
    members = [
        {"label": f"Warms {period}", "path": WARMS, "name": "Warms", "data": data, "parameters": {"period": period}}
        for period in (2, 4)
    ]
    result = ensemble(tmp_path / "run", data, members)
    series = next(series for series in result.result.series if series.kind == "drawings")
    assert [drawing.label for drawing in series.drawings] == ["Warms 2: average (SMA 2)", "Warms 4: average (SMA 4)"]
    assert result.column("drawings", "d0")[1:] == pytest.approx([100.5, 101.5, 102.5, 103.5, 104.5])
    assert result.column("drawings", "d1")[3:] == pytest.approx([101.5, 102.5, 103.5])
    assert [one.outcome.filled for one in result.result.strategies] == [6, 6]


# -- bars made in the run ----------------------------------------------------------------------------------------------


def test_bars_made_of_finer_ones(tmp_path: Path) -> None:
    prices = walk(60)
    data = store(tmp_path / "catalog", prices, step=MINUTE, unit="1-MINUTE", volume=10)
    made = "TEST.XNAS-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL"
    params = request(
        tmp_path / "run",
        SCRIPTED,
        [data],
        parameters={"plan": json.dumps({"2": [["market", "BUY", 2]]})},
        venue=NO_FEES,
    )
    params["data"][0]["given"] = False
    result = run({**params, "barTypes": [made], "internal": [made]})
    bars = result.table("bars.0")
    opens, highs, lows, closes = (np.array(prices)[:, column].reshape(12, 5) for column in range(4))
    # The bar that ends with the data ends with the run's last bar.
    count = len(bars["open"])
    assert count >= 11
    assert bars["open"] == pytest.approx(opens[:count, 0])
    assert bars["high"] == pytest.approx(highs.max(axis=1)[:count])
    assert bars["low"] == pytest.approx(lows.min(axis=1)[:count])
    assert bars["close"] == pytest.approx(closes[:count, -1])
    assert bars["volume"] == [50] * count
    # The third one ends with minute 15: the order is filled there, and valued by the minutes.
    fill = result.table("fills")
    assert [(int(ts.value) - START) // MINUTE for ts in fill["ts"]] == [15]
    assert fill["price"][0] == pytest.approx(closes[2, -1])
    assert len(result.column("equity", "equity")) == 60
    assert [series.bar_type for series in result.result.series if series.kind == "bars"] == [made, data.series.bar_type]
    assert "made in the run from 1-MINUTE-EXTERNAL" in assumption(result, "Data")


def trades(tmp_path: Path, prices: list[float], every: int) -> dict[str, Any]:
    """Stored trades of 2 units; as the engine hands them to a worker."""
    instrument = make_instrument()
    count = len(prices)
    ts = START + every * np.arange(1, count + 1, dtype=np.int64)
    table = make_trades(
        ts,
        np.rint(np.array(prices) * 100).astype(np.int64),
        np.full(count, 2, np.int64),
        ["BUYER"] * count,
        [str(number) for number in range(count)],
        instrument,
    )
    write_instrument(tmp_path / "catalog", instrument)
    stored = write_ticks(tmp_path / "catalog", "trades", instrument, (), table, int(ts[0]), int(ts[-1]))
    return {
        "instrument": instrument.model_dump(mode="json"),
        "kind": "trades",
        "files": [str(tmp_path / "catalog" / file) for file in stored.files],
        "fromNs": None,
        "toNs": None,
    }


@pytest.mark.parametrize(
    ("made", "closes", "volumes"),
    [
        # A trade every 20 seconds from second 20 on: three a minute, the last one at its end.
        ("TEST.XNAS-1-MINUTE-LAST-INTERNAL", [102, 105, 108], [6, 6, 6]),
        ("TEST.XNAS-4-TICK-LAST-INTERNAL", [103, 107, 111], [8, 8, 8]),
    ],
)
def test_bars_made_of_ticks(tmp_path: Path, made: str, closes: list[float], volumes: list[float]) -> None:
    ticks = trades(tmp_path, [100.0 + number for number in range(12)], 20 * 10**9)
    plan = {"plan": json.dumps({"0": [["market", "BUY", 1]]})}
    params = request(tmp_path / "run", SCRIPTED, [], parameters=plan, venue=NO_FEES)
    result = run({**params, "barTypes": [made], "internal": [made], "ticks": [ticks]})
    bars = result.table("bars.0")
    assert bars["close"][:3] == closes
    assert bars["volume"][:3] == volumes
    # Filled at the last trade's price.
    assert result.table("fills")["price"] == [closes[0]]
    assert "TEST.XNAS trades, 12, as stored" in assumption(result, "Data")


def test_bars_made_of_quotes(tmp_path: Path) -> None:
    """Bars of the middle between bid and ask; an order takes the ask."""
    instrument = make_instrument()
    count = 12
    ts = START + 20 * 10**9 * np.arange(1, count + 1, dtype=np.int64)
    bid = 10_000 + 10 * np.arange(count, dtype=np.int64)
    sizes = np.full(count, 50, np.int64)
    table = make_quotes(ts, bid, bid + 4, sizes, sizes, instrument)
    write_instrument(tmp_path / "catalog", instrument)
    stored = write_ticks(tmp_path / "catalog", "quotes", instrument, (), table, int(ts[0]), int(ts[-1]))
    quotes = {
        "instrument": instrument.model_dump(mode="json"),
        "kind": "quotes",
        "files": [str(tmp_path / "catalog" / file) for file in stored.files],
        "fromNs": None,
        "toNs": None,
    }
    made = "TEST.XNAS-1-MINUTE-MID-INTERNAL"
    plan = {"plan": json.dumps({"0": [["market", "BUY", 1]]})}
    params = request(tmp_path / "run", SCRIPTED, [], parameters=plan, venue={**NO_FEES, "barExecution": False})
    result = run({**params, "barTypes": [made], "internal": [made], "ticks": [quotes]})
    # The third quote, at the end of the first minute: 100.20 to 100.24.
    assert result.table("bars.0")["close"][:3] == pytest.approx([100.22, 100.52, 100.82])
    assert result.table("fills")["price"] == [100.24]
    assert "TEST.XNAS quotes, 12, as stored" in assumption(result, "Data")


# -- warm-up -----------------------------------------------------------------------------------------------------------


def warmed(tmp_path: Path, warm_up: int | None, *, skip: int, name: str = "Warms", bars: int = 20) -> Finished:
    data = store(tmp_path / "catalog", flat([100.0 + number for number in range(bars)]))
    if skip:
        data.from_ns = START + (skip + 1) * DAY
    params = request(tmp_path / "run", WARMS, [data], name=name, venue=NO_FEES)
    return run({**params, "warmUp": warm_up})


@pytest.mark.parametrize(
    ("warm_up", "skip", "first", "ready", "fed"),
    [
        (0, 10, 110, False, 0),
        (3, 10, 110, False, 3),
        (None, 10, 110, True, 5),
        (7, 10, 110, True, 7),
        # Fewer are stored than are needed.
        (None, 2, 102, False, 2),
        # Asked for by number they come off the beginning; derived ones do not.
        (7, 0, 107, True, 7),
        (None, 0, 100, False, 0),
    ],
)
def test_warm_up(tmp_path: Path, warm_up: int | None, skip: int, first: int, ready: bool, fed: int) -> None:
    result = warmed(tmp_path, warm_up, skip=skip)
    assert result.table("bars.0")["close"][0] == first
    # The first order that counts is that of the first bar that counts.
    assert result.table("fills")["price"][0] == first
    assert result.result.outcome.filled == 20 - (first - 100)
    assert f"{first}.00 {ready}" in result.table("log")["message"]
    assert result.result.warm_up_bars == fed
    assert len(result.column("equity", "equity")) == result.result.bars == 20 - (first - 100)
    stated = assumption(result, "Warm-up")
    assert stated.startswith(f"{fed} bars" if fed else "None")
    withheld = {line.label: line.value for line in result.result.outcome.seen}.get("Orders withheld in the warm-up")
    assert withheld == (str(fed) if fed else None)
    average = result.column("drawings", "d0")
    assert np.isnan(average[0]) != ready
    if ready:
        assert average[0] == pytest.approx(first - 2)
    assert any("bars of warm-up" in text for text in result.result.warnings) == (warm_up is None and fed < 5)


def test_what_indicators_need_is_tried_out(tmp_path: Path) -> None:
    result = warmed(tmp_path, None, skip=15, name="Slow")
    # The slow average of a MACD of 3, 6 and 9 has its first value with bar 6, the signal over 9 of them with bar 14.
    assert result.result.warm_up_bars == 14


def test_a_warm_up_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TinoError, match="leaves nothing of the 20") as caught:
        warmed(tmp_path, 20, skip=0)
    assert caught.value.body.field == "warmUp"
