"""A run without trades says why: a strategy for each cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runs import STRATEGIES, flat, request, run, store
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import OrderOutcome

BAR_TYPE = "TEST.XNAS-1-DAY-LAST-EXTERNAL"
NONE = "No order was submitted"


def outcome_of(tmp_path: Path, name: str, venue: dict[str, str] | None = None) -> OrderOutcome:
    data = [store(tmp_path / "catalog", flat([100] * 30))]
    return run(request(tmp_path / "run", STRATEGIES / "idle.py", data, name=name, venue=venue)).result.outcome


@pytest.mark.parametrize(
    ("name", "cause", "sentence", "seen"),
    [
        (
            "Idle",
            "neverSubmitted",
            f"{NONE} in 30 bars: the strategy's conditions were never met.",
            {"Bars received": "30"},
        ),
        (
            "NoSubscription",
            "noSubscription",
            f"{NONE}, and no bar reached the strategy: it subscribed to none.",
            {"Subscribed to": "nothing"},
        ),
        (
            "OtherBars",
            "otherBars",
            f"{NONE}, and no bar reached the strategy: it subscribed to TEST.XNAS-5-MINUTE-LAST-EXTERNAL, and the run has {BAR_TYPE}.",
            {
                "Bars received": "0",
                "Subscribed to": "TEST.XNAS-5-MINUTE-LAST-EXTERNAL",
                "Bars of the run": f"30, of {BAR_TYPE}",
            },
        ),
        (
            "NoTicks",
            "noTicks",
            f"{NONE}: the strategy subscribed to ticks of TEST.XNAS, and the run has none.",
            {"Subscribed to": "ticks of TEST.XNAS"},
        ),
        (
            "NoHandler",
            "noHandler",
            f"{NONE}: 30 bars came, and the strategy has no on_bar to take them.",
            {"Bars received": "30"},
        ),
        (
            "Unfed",
            "indicatorsUnfed",
            f"{NONE}: rsi was never fed. register_indicator_for_bars does it, before subscribe_bars.",
            {"Indicators fed with nothing": "rsi"},
        ),
        (
            "NotReady",
            "notReady",
            f"{NONE}: after 30 bars, slow (EMA 200) was still not ready.",
            {"Indicators not ready": "slow (EMA 200)"},
        ),
        (
            "TooSmall",
            "sizeOfZero",
            f"{NONE}: 30 times the size was too small for the instrument and rounded to zero.",
            {"Sizes rounded to zero": "30"},
        ),
        (
            "Refused",
            "denied",
            "All 30 orders were denied. Its margin is more than the free balance.",
            {"Orders submitted": "30"},
        ),
        (
            "TooLow",
            "unfilled",
            "No order was filled: 30 limit orders waited for a price that did not come.",
            {"Orders submitted": "30"},
        ),
    ],
)
def test_the_nearest_cause(tmp_path: Path, name: str, cause: str, sentence: str, seen: dict[str, str]) -> None:
    outcome = outcome_of(tmp_path, name)
    assert (outcome.cause, outcome.no_trades) == (cause, sentence)
    assert seen.items() <= {line.label: line.value for line in outcome.seen}.items()


def test_orders_are_counted_on_their_way(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, "TooLow")
    assert (outcome.orders, outcome.accepted, outcome.open, outcome.filled) == (30, 30, 30, 0)
    outcome = outcome_of(tmp_path / "refused", "Refused")
    assert (outcome.orders, outcome.accepted, outcome.denied) == (30, 0, 30)
    (reason,) = outcome.reasons
    assert (reason.kind, reason.count) == ("denied", 30)
    assert "margin=" in reason.example


def test_a_size_of_zero_that_nobody_catches_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(TinoError, match="rounded to zero") as caught:
        outcome_of(tmp_path, "SizeOfZero")
    assert caught.value.code == "strategy_failed"
    assert caught.value.body.location is not None
    assert caught.value.body.location.line == len((STRATEGIES / "idle.py").read_text().splitlines())
