"""Each choice of a venue model: what it does, by hand, and that the result says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plays import BARS, NO_FEES, fills, play
from runs import DAY, STRATEGIES, flat, make_instrument, request, run, store
from tino_engine.contracts import FILL_MODELS, VenueModel

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished


def stated(result: Finished, label: str) -> str:
    return next(line.value for line in result.result.assumptions if line.label == label)


@pytest.mark.parametrize(
    ("model", "bought", "limit", "stop"),
    [
        # What 400 shares bought at 102 cost, what a limit of 100 shares at 99 (the low of bar 1, bar 2 opens at 90)
        # and a stop of 100 at 106 (bar 1 goes 103, 99, 108) come to.
        ("bestPrice", [(400, 102)], [(1, 100, 99)], [(100, 108)]),
        ("oneTick", [(400, 102.01)], [(2, 100, 90.01)], [(100, 108.01)]),
        ("twoTier", [(10, 102), (390, 102.01)], [(1, 10, 99), (2, 10, 90), (2, 80, 90.01)], [(10, 108), (90, 108.01)]),
        (
            "threeTier",
            [(50, 102), (30, 102.01), (20, 102.02)],
            [(1, 50, 99), (2, 50, 90)],
            [(50, 108), (30, 108.01), (20, 108.02)],
        ),
        (
            "sizeAware",
            [(10, 102), (390, 102.01)],
            [(1, 10, 99), (2, 10, 90), (2, 80, 90.01)],
            [(10, 108), (90, 108.01)],
        ),
        ("partialLimit", [(5, 102), (395, 102.01)], [(1, 5, 99), (2, 5, 90), (2, 90, 90.01)], [(5, 108), (95, 108.01)]),
        ("volumeSensitive", [(250, 102), (150, 102.01)], [(1, 100, 99)], [(100, 108)]),
        ("competitionAware", [(300, 102)], [(1, 100, 99)], [(100, 108)]),
    ],
)
def test_fill_models(tmp_path: Path, model: str, bought: Any, limit: Any, stop: Any) -> None:
    def filled(name: str, order: list[Any]) -> list[tuple[int, str, float, float, str]]:
        # Bars of 4 shares: these models do not look at the volume.
        return fills(play(tmp_path / name, {"0": [order]}, volume=4, fillModel=model))

    market = play(tmp_path / "market", {"0": [["market", "BUY", 400]]}, volume=4, fillModel=model)
    assert [(quantity, price) for _, _, quantity, price, _ in fills(market)] == bought
    assert FILL_MODELS[model] in stated(market, "Market orders")
    assert [
        (bar, quantity, price) for bar, _, quantity, price, _ in filled("limit", ["limit", "BUY", 100, 99])
    ] == limit
    assert [(quantity, price) for _, _, quantity, price, _ in filled("stop", ["stop_market", "BUY", 100, 106])] == stop


def test_small_orders_and_chance(tmp_path: Path) -> None:
    small = play(tmp_path / "small", {"0": [["market", "BUY", 10]]}, fillModel="sizeAware")
    assert [price for *_, price, _ in fills(small)] == [102]
    plan = {str(bar): [["market", "BUY", 1]] for bar in range(60)}
    half = play(tmp_path / "half", plan, flat([100] * 60), fillModel="probabilistic", seed=3)
    prices = [price for *_, price, _ in fills(half)]
    assert set(prices) == {100, 100.01}
    assert 15 <= prices.count(100) <= 45
    assert "random seed 3" in stated(half, "Slippage")
    assert set(FILL_MODELS) == {"standard", *VenueModel.model_fields["fill_model"].annotation.__args__}  # type: ignore[union-attr]


def test_a_limit_that_is_only_touched(tmp_path: Path) -> None:
    plan = {"0": [["limit", "BUY", 10, 99]]}  # The low of bar 1; bar 2 goes through it.
    assert [bar for bar, *_ in fills(play(tmp_path / "always", plan))] == [1]
    never = play(tmp_path / "never", plan, limitFillProbability=0)
    assert [bar for bar, *_ in fills(never)] == [2]
    assert "with a probability of 0 %" in stated(never, "Limit orders")


@pytest.mark.parametrize(("adaptive", "exit_price"), [(True, 99.5), (False, 107)])
def test_stop_and_target_inside_one_bar(tmp_path: Path, *, adaptive: bool, exit_price: float) -> None:
    """Bar 1 goes from 103 to 99 and 108: its low is nearer, so a stop at 99.5 comes before a target at 107, or after it."""
    result = play(tmp_path, {"0": [["bracket", "BUY", 10, 99.5, 107]]}, adaptiveHighLow=adaptive)
    assert [(bar, price) for bar, _, _, price, _ in fills(result)] == [(0, 102), (1, exit_price)]
    assert ("nearer" in stated(result, "Inside a bar")) == adaptive


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        # The order waits for the next bar, and fills at its close. It does not fill at a price that is gone (nautilus_trader#5054).
        ({"latencyMs": 1}, [(1, 104)]),
        ({"submitLatencyMs": 1000}, [(1, 104)]),
        ({"latencyMs": 86_400_000 // 2, "submitLatencyMs": 86_400_000 // 2 + 1}, [(2, 91)]),
        # Only changes and cancellations take time.
        ({"modifyLatencyMs": 1000, "cancelLatencyMs": 1000}, [(0, 102)]),
    ],
)
def test_latency(tmp_path: Path, venue: dict[str, Any], expected: Any) -> None:
    result = play(tmp_path, {"0": [["market", "BUY", 10]]}, **venue)
    assert [(bar, price) for bar, _, _, price, _ in fills(result)] == expected
    assert "None" not in stated(result, "Latency")


@pytest.mark.parametrize("order", [("TEST.XNAS", "AAA.XNAS"), ("AAA.XNAS", "TEST.XNAS"), ("AAA.XNYS", "TEST.XNAS")])
@pytest.mark.parametrize("shift", [0, DAY // 2])
def test_latency_beside_another_instrument(tmp_path: Path, order: tuple[str, ...], shift: int) -> None:
    """An order is not filled by its own bar because another instrument came first (nautilus_trader#4891)."""
    data = [
        store(
            tmp_path / "catalog",
            BARS,
            instrument=make_instrument(name),
            start=1_577_836_800 * 10**9 + (0 if name == "TEST.XNAS" else shift),
        )
        for name in order
    ]
    # With bars at the same time the strategy sees the other instrument's first where that was added first.
    first = 1 if order[0] != "TEST.XNAS" and not shift else 0
    plan = {str(first): [["market", "BUY", 10, "TEST.XNAS"]]}
    parameters = {"plan": json.dumps(plan)}
    result = run(
        request(
            tmp_path / "run", STRATEGIES / "scripted.py", data, parameters=parameters, venue={**NO_FEES, "latencyMs": 1}
        )
    )
    assert [(bar, price) for bar, _, _, price, _ in fills(result)] == [(1, 104)]


def test_cancelling_takes_time(tmp_path: Path) -> None:
    """Cancelled on bar 0 a limit at 99 is gone before bar 1; with a latency of the cancellation bar 1 still fills it."""
    plan = {"0": [["limit", "BUY", 10, 99], ["cancel"]]}
    assert fills(play(tmp_path / "at once", plan)) == []
    late = play(tmp_path / "late", plan, cancelLatencyMs=1000)
    assert [(bar, price) for bar, _, _, price, _ in fills(late)] == [(1, 99)]
    assert "0 ms for orders" in stated(late, "Latency")
    assert "1,000 ms for cancellations" in stated(late, "Latency")


@pytest.mark.parametrize(
    ("venue", "fees", "words"),
    [
        # Bars of 40 shares: 10 at the price and 90 a cent worse, two fills of one order.
        ({"feeModel": "fixed", "feeAmount": "1.5"}, [1.5, 0], "1.5 USD an order"),
        ({"feeModel": "perContract", "feeAmount": "0.005"}, [0.05, 0.45], "0.005 USD for each unit"),
        ({"feeModel": "makerTaker", "takerFee": "0.001", "feeAmount": "9"}, [1.02, 9.18], "0.1 % of the value"),
    ],
)
def test_fee_models(tmp_path: Path, venue: dict[str, Any], fees: list[float], words: str) -> None:
    result = play(tmp_path, {"0": [["market", "BUY", 100]]}, volume=40, **venue)
    assert result.table("fills")["fee"] == fees
    assert result.result.metrics.fees == pytest.approx(sum(fees))
    assert words in stated(result, "Fees")


@pytest.mark.parametrize(
    ("quantity", "venue", "filled"),
    [
        (200, {"margins": {"TEST.XNAS": "0.5"}}, 1),
        (201, {"margins": {"TEST.XNAS": "0.5"}}, 0),
        (200, {"margins": {"OTHER.XNAS": "0.5"}}, 0),
        (400, {"margins": {"TEST.XNAS": "0.25"}, "leverage": "2"}, 1),
        (401, {"margins": {"TEST.XNAS": "0.25"}, "leverage": "2"}, 0),
    ],
)
def test_margins_of_an_instrument(tmp_path: Path, quantity: int, venue: dict[str, Any], filled: int) -> None:
    plan = {"0": [["market", "BUY", quantity]]}
    result = play(tmp_path, plan, flat([100] * 3), startingBalance="10000", **venue)
    assert result.result.outcome.filled == filled
    assert ("of its value instead" in stated(result, "Account")) == ("TEST.XNAS" in venue["margins"])


def test_hedging_keeps_positions_apart(tmp_path: Path) -> None:
    plan = {"0": [["market", "BUY", 10]], "1": [["market", "SELL", 10]], "3": [["close"]]}
    netting = play(tmp_path / "netting", plan)
    assert netting.table("trades")["side"] == ["LONG"]
    hedging = play(tmp_path / "hedging", plan, omsType="HEDGING")
    trades = hedging.table("trades")
    assert trades["side"] == ["LONG", "SHORT"]
    # Bought at 102, sold at 118; sold at 104, bought back at 118.
    assert trades["result"] == [160, -140]
    assert hedging.column("equity", "equity").tolist() == [100_000, 100_020, 100_020, 100_020, 100_020]
    assert stated(hedging, "Positions").startswith("Hedging")


def test_without_bar_execution_bars_fill_nothing(tmp_path: Path) -> None:
    result = play(tmp_path, {"0": [["market", "BUY", 10], ["limit", "BUY", 10, 99]]}, barExecution=False)
    assert fills(result) == []
    assert [reason.reason for reason in result.result.outcome.reasons] == ["No market for TEST.XNAS"]
    assert stated(result, "Bars").startswith("Fill no orders")
