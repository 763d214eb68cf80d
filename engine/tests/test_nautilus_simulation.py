"""What the simulated venue does: every sentence of `assumptions` that is about fills, margins or accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plays import NO_FEES, fills, play
from runs import STRATEGIES, flat, make_instrument, request, run, store
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("case", "plan", "expected"),
    [
        ("market: at the close of its bar", {"0": [["market", "BUY", 10]]}, [(0, "BUY", 10, 102, "TAKER")]),
        ("limit: at its price when touched", {"0": [["limit", "BUY", 10, 99]]}, [(1, "BUY", 10, 99, "MAKER")]),
        ("limit: not better in a gap", {"1": [["limit", "BUY", 10, 95]]}, [(2, "BUY", 10, 95, "MAKER")]),
        ("limit: marketable at once", {"0": [["limit", "BUY", 10, 103]]}, [(0, "BUY", 10, 102, "TAKER")]),
        ("limit: never touched", {"0": [["limit", "BUY", 10, 80]]}, []),
        ("stop: at its trigger", {"0": [["stop_market", "BUY", 10, 106]]}, [(1, "BUY", 10, 106, "TAKER")]),
        ("stop: at the open in a gap", {"1": [["stop_market", "SELL", 10, 95]]}, [(2, "SELL", 10, 90, "TAKER")]),
        (
            "inside a bar: the nearer of high and low first",
            {"0": [["bracket", "BUY", 10, 99.5, 107]]},
            [(0, "BUY", 10, 102, "TAKER"), (1, "SELL", 10, 99.5, "TAKER")],
        ),
        (
            "on_stop: orders still fill",
            {"0": [["market", "BUY", 10]], "stop": [["close"]]},
            [(0, "BUY", 10, 102, "TAKER"), (4, "SELL", 10, 118, "TAKER")],
        ),
    ],
)
def test_where_orders_fill(tmp_path: Path, case: str, plan: Any, expected: Any) -> None:
    assert fills(play(tmp_path, plan)) == expected, case


def test_a_quarter_of_the_volume_at_the_price_the_rest_one_increment_worse(tmp_path: Path) -> None:
    result = play(tmp_path, {"0": [["market", "BUY", 100]], "1": [["stop_market", "SELL", 100, 95]]}, volume=40)
    assert fills(result) == [
        (0, "BUY", 10, 102, "TAKER"),
        (0, "BUY", 90, 102.01, "TAKER"),
        (2, "SELL", 10, 90, "TAKER"),
        (2, "SELL", 90, 89.99, "TAKER"),
    ]


def test_a_limit_order_gets_a_quarter_of_the_volume_at_each_price_of_a_bar(tmp_path: Path) -> None:
    result = play(tmp_path, {"0": [["limit", "BUY", 100, 99.5]]}, volume=40)
    # Bar 1 is below the limit at its low only, bar 2 at all four prices, the later ones nowhere.
    assert [(bar, quantity) for bar, _, quantity, _, _ in fills(result)] == [
        (1, 10),
        (2, 10),
        (2, 10),
        (2, 10),
        (2, 10),
    ]
    assert result.result.outcome.open == 1


@pytest.mark.parametrize(("probability", "prices"), [(0, [102, 104, 117.5]), (1, [102.01, 103.99, 117.49])])
def test_slippage_of_market_and_stop_orders(tmp_path: Path, probability: float, prices: list[float]) -> None:
    plan = {"0": [["market", "BUY", 10]], "1": [["market", "SELL", 10]], "3": [["stop_market", "SELL", 10, 117.5]]}
    assert [price for *_, price, _ in fills(play(tmp_path, plan, slippageProbability=probability))] == prices


def test_slippage_follows_its_seed(tmp_path: Path) -> None:
    plan = {str(bar): [["market", "BUY", 1]] for bar in range(60)}
    seen = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        result = play(tmp_path / name, plan, flat([100] * 60), slippageProbability=0.5, seed=seed)
        seen[name] = tuple(price for *_, price, _ in fills(result))
    assert seen["a"] == seen["b"] != seen["c"]
    assert set(seen["a"]) == {100, 100.01}


def test_fees_by_liquidity_rounded_to_the_cent(tmp_path: Path) -> None:
    plan = {"0": [["market", "BUY", 3]], "1": [["limit", "SELL", 3, 110]]}
    result = play(tmp_path, plan, takerFee="0.001", makerFee="0.0002")
    # 3 x 102 x 0.001 = 0.306 and 3 x 110 x 0.0002 = 0.066
    assert result.table("fills")["fee"] == [0.31, 0.07]
    assert result.result.metrics.fees == pytest.approx(0.38)


MARGIN = "Its margin is more than the free balance"


@pytest.mark.parametrize(
    ("case", "venue", "plan", "filled", "refused"),
    [
        ("leverage 1: all of it", {}, {"0": [["market", "BUY", 100]]}, 1, None),
        ("leverage 1: more", {}, {"0": [["market", "BUY", 101]]}, 0, MARGIN),
        ("leverage 1: short", {}, {"0": [["market", "SELL", 100]]}, 1, None),
        ("leverage 1: more short", {}, {"0": [["market", "SELL", 101]]}, 0, MARGIN),
        ("adding to a full position", {}, {"0": [["market", "BUY", 100]], "1": [["market", "BUY", 1]]}, 1, MARGIN),
        ("closing is always possible", {}, {"0": [["market", "BUY", 100]], "2": [["market", "SELL", 100]]}, 2, None),
        ("turning around at once", {}, {"0": [["market", "BUY", 60]], "1": [["market", "SELL", 120]]}, 1, MARGIN),
        (
            "closing, then opening the other way",
            {},
            {"0": [["market", "BUY", 100]], "1": [["market", "SELL", 100], ["market", "SELL", 100]]},
            3,
            None,
        ),
        ("leverage 2", {"leverage": "2"}, {"0": [["market", "BUY", 200]]}, 1, None),
        ("leverage 2: more", {"leverage": "2"}, {"0": [["market", "BUY", 201]]}, 0, MARGIN),
        ("leverage below 1", {"leverage": "0.5"}, {"0": [["market", "BUY", 51]]}, 0, MARGIN),
        ("gains are not balance", {}, {"0": [["market", "BUY", 100]], "3": [["market", "BUY", 1]]}, 1, MARGIN),
        ("cash: all of it", {"accountType": "CASH"}, {"0": [["market", "BUY", 100]]}, 1, None),
        (
            "cash: more",
            {"accountType": "CASH"},
            {"0": [["market", "BUY", 101]]},
            0,
            "Its value is more than the free balance",
        ),
        (
            "cash: short",
            {"accountType": "CASH"},
            {"0": [["market", "SELL", 1]]},
            0,
            "Short selling not permitted on a CASH account",
        ),
        ("cash ignores leverage", {"accountType": "CASH", "leverage": "5"}, {"0": [["market", "BUY", 100]]}, 1, None),
        ("no volume, no market", {"volume": 0}, {"0": [["market", "BUY", 1]]}, 0, "No market for TEST.XNAS"),
    ],
)
def test_what_an_account_allows(
    tmp_path: Path, case: str, venue: dict[str, Any], plan: Any, filled: int, refused: str | None
) -> None:
    arguments: dict[str, Any] = {"startingBalance": "10000"} | venue
    result = play(tmp_path, plan, flat([100, 100, 100, 110, 100]), **arguments)
    outcome = result.result.outcome
    assert outcome.filled == filled, case
    assert [reason.reason for reason in outcome.reasons] == ([refused] if refused else []), case
    assert outcome.denied + outcome.rejected == (1 if refused else 0), case


def test_a_portfolio_may_be_rebalanced_at_one_close(tmp_path: Path) -> None:
    """More orders at once than NautilusTrader's own limit of a hundred a second."""
    result = play(tmp_path, {"0": [["market", "BUY", 1]] * 150})
    assert result.result.outcome.filled == 150


def test_a_short_position_may_lose_more_than_there_is(tmp_path: Path) -> None:
    plan = {"0": [["market", "SELL", 100]], "2": [["close"]], "3": [["market", "BUY", 1]]}
    result = play(tmp_path, plan, flat([100, 150, 350, 300]), startingBalance="10000")
    assert result.column("equity", "equity").tolist() == [10_000, 5_000, -15_000, -15_000]
    metrics = result.result.metrics
    assert metrics.total_return == -2.5
    assert (metrics.annual_return, metrics.sharpe, metrics.alpha) == (None, None, None)
    assert any("2020-01-03" in warning for warning in result.result.warnings)


def test_each_venue_has_an_account_with_its_part(tmp_path: Path) -> None:
    prices = flat([100] * 3)
    data = [
        store(tmp_path / "catalog", prices, instrument=make_instrument(name))
        for name in ("A.XNAS", "B.XNYS", "C.XNAS", "D.ARCX")
    ]
    orders = [["market", "BUY", 33, "A.XNAS"], ["market", "BUY", 33, "B.XNYS"], ["market", "BUY", 1, "C.XNAS"]]
    plan = {"4": orders}  # The first bar of the second day: before, there are instruments without a price.
    result = run(
        request(
            tmp_path / "run",
            STRATEGIES / "scripted.py",
            data,
            parameters={"plan": json.dumps(plan)},
            venue={**NO_FEES, "startingBalance": "10000"},
        )
    )
    # 10000 / 3 is 3333.33, and the first venue takes the cent that is left over: A fills it, C finds no balance.
    assert (result.result.outcome.filled, result.result.outcome.denied) == (2, 1)
    assert result.column("equity", "equity").tolist() == [10_000, 10_000, 10_000]
    account = next(line.value for line in result.result.assumptions if line.label == "Account")
    assert "divided equally between one account each for XNAS and XNYS and ARCX" in account


@pytest.mark.parametrize(
    "venue", [{"leverage": "0"}, {"startingBalance": "99999999999999999999"}, {"leverage": "1" * 40}]
)
def test_a_venue_that_cannot_be_is_refused_in_words(tmp_path: Path, venue: dict[str, Any]) -> None:
    with pytest.raises(TinoError, match="the venue cannot be simulated") as caught:
        play(tmp_path, {}, **venue)
    assert (caught.value.code, caught.value.body.field) == ("request_invalid", "venue")


def test_one_currency(tmp_path: Path) -> None:
    data = [
        store(tmp_path / "catalog", flat([100] * 3), instrument=make_instrument(name, currency=currency))
        for name, currency in (("A.XNAS", "USD"), ("B.XETR", "EUR"))
    ]
    with pytest.raises(TinoError, match="quoted in EUR and USD"):
        run(request(tmp_path / "run", STRATEGIES / "scripted.py", data))
