"""The lenses above a strategy's class. Their commands are the editor's: the host runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from tino_engine.lsp.results import RunIndex, describe_last, is_edited
from tino_engine.strategies import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.lsp.analysis import Analysis
    from tino_engine.lsp.document import Document

RUN_BACKTEST = "tino.runBacktest"
OPEN_RUN = "tino.openRun"
SWEEP = "tino.sweepParameters"
SEARCHED = ("integer", "number", "decimal", "choice", "boolean")
"""Kinds of parameters whose values can be tried without being named: only with one of them there is something to sweep."""


def lenses(document: Document, analysis: Analysis, runs: RunIndex) -> Iterator[types.CodeLens]:
    """Give the lenses of each strategy: run it, with how it went last; show that run; try many parameters."""
    for strategy in analysis.strategies:
        place = document.range(Span(strategy.line, 0, strategy.line, len(document.lines[strategy.line - 1])))
        run = runs.find(strategy.path, strategy.name)
        last = None if run is None else describe_last(run)
        if last is not None and run is not None and is_edited(run, document.text):
            last += " · edited since"
        title = "▶ Backtest" if last is None else f"▶ Backtest · last: {last}"
        target = {"path": strategy.path, "name": strategy.name}
        yield types.CodeLens(place, types.Command(title, RUN_BACKTEST, arguments=[target]))
        if run is not None:
            yield types.CodeLens(place, types.Command("Show last run", OPEN_RUN, arguments=[{"id": run.id}]))
        if any(parameter.kind in SEARCHED and not parameter.from_data for parameter in strategy.parameters):
            yield types.CodeLens(place, types.Command("Sweep", SWEEP, arguments=[target]))
