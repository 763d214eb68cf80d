"""Which strategies trade in a run, on what, and what has to be stored for it. Nothing of NautilusTrader's is made here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runs import STRATEGIES, flat, make_instrument, store
from tino_engine.backtest.lineup import line_up
from tino_engine.contracts import BacktestRequest
from tino_engine.strategies import get_strategy

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTED = STRATEGIES / "scripted.py"


class Stored:
    """A catalog with two instruments: one with bars of a day, one with trades alone."""

    def __init__(self, tmp_path: Path) -> None:
        self.bars = store(tmp_path / "catalog", flat([100] * 3))
        self.file = tmp_path / "trades.parquet"

    async def symbols(self) -> SimpleNamespace:
        instruments = [make_instrument(), make_instrument("TICK.XNAS")]
        return SimpleNamespace(
            symbols=[SimpleNamespace(instrument=one, coverage=[1][: one.id == "TEST.XNAS"]) for one in instruments]
        )

    async def resolve(self, symbols: list[str], bar_types: list[str]) -> list[Any]:
        assert set(symbols) | set(bar_types) <= {"TEST.XNAS", self.bars.series.bar_type}
        return [self.bars.series] if symbols or bar_types else []

    async def find_ticks(self, instrument_id: str, kind: str) -> tuple[Path, ...]:
        return (self.file,) if (instrument_id, kind) == ("TICK.XNAS", "trades") else ()


@pytest.mark.parametrize(
    ("asked", "given", "series", "ticks", "internal"),
    [
        ({"symbols": ["TEST.XNAS"]}, ["TEST.XNAS-1-DAY-LAST-EXTERNAL"], 1, 0, []),
        (
            {"symbols": ["TICK.XNAS"], "ticks": ["trades"]},
            ["TICK.XNAS-1-MINUTE-LAST-INTERNAL"],
            0,
            1,
            ["TICK.XNAS-1-MINUTE-LAST-INTERNAL"],
        ),
        (
            {"barTypes": ["TICK.XNAS-100-TICK-LAST-INTERNAL"]},
            ["TICK.XNAS-100-TICK-LAST-INTERNAL"],
            0,
            1,
            ["TICK.XNAS-100-TICK-LAST-INTERNAL"],
        ),
        (
            {"barTypes": ["TEST.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL", "TEST.XNAS-1-DAY-LAST-EXTERNAL"]},
            ["TEST.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL", "TEST.XNAS-1-DAY-LAST-EXTERNAL"],
            1,
            0,
            ["TEST.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL"],
        ),
        (
            {"symbols": ["TEST.XNAS"], "barTypes": ["TEST.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL"]},
            ["TEST.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL"],
            1,
            0,
            ["TEST.XNAS-1-WEEK-LAST-INTERNAL@1-DAY-EXTERNAL"],
        ),
    ],
)
async def test_what_has_to_be_stored(
    tmp_path: Path, asked: dict[str, Any], given: list[str], series: int, ticks: int, internal: list[str]
) -> None:
    wanted = BacktestRequest.model_validate({"path": str(SCRIPTED), **asked})
    found = await line_up(wanted, get_strategy(SCRIPTED, None), Stored(tmp_path), [])  # type: ignore[arg-type]
    assert found.bar_types == given
    assert (len(found.series), len(found.ticks), found.internal) == (series, ticks, internal)
