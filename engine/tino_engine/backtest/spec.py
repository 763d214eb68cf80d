"""From a request to everything a worker needs: checked before any process is started.

What can be told without running code is told here, so that a misspelt symbol costs a millisecond and not a run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tino_engine import strategies
from tino_engine.backtest.lineup import line_up
from tino_engine.data import day_bounds
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.backtest.lineup import Lineup
    from tino_engine.contracts import BacktestRequest, Strategy
    from tino_engine.data import Catalog, ResolvedSeries
    from tino_engine.settings import Home
    from tino_engine.strategies import CodeHash


@dataclass(frozen=True, slots=True)
class Spec:
    """One run, resolved: the strategy as its file stands now, complete parameters, the data it will see."""

    request: BacktestRequest
    strategy: Strategy
    parameters: dict[str, Any]
    series: list[ResolvedSeries]
    bounds: list[tuple[int, int]]
    roots: list[str]
    code: CodeHash
    lineup: Lineup

    @property
    def symbols(self) -> list[str]:
        """The instruments, in the order asked for."""
        return self.lineup.symbols

    @property
    def bar_types(self) -> list[str]:
        """What the strategies are given, in the order asked for: stored series, and bars that are made in the run."""
        return self.lineup.bar_types

    def for_worker(self, run_id: str, folder: Path, home: Home) -> dict[str, Any]:
        """Give the parameters of the worker's call `run`."""
        return {
            "runId": run_id,
            "folder": str(folder),
            "path": self.strategy.path,
            "name": self.strategy.name,
            "configName": self.strategy.config_name,
            "roots": self.roots,
            "parameters": self.parameters,
            "schema": [parameter.model_dump(mode="json") for parameter in self.strategy.parameters],
            "data": [
                {
                    **series.to_params(),
                    "rows": series.bars,
                    "source": series.source,
                    "fromNs": start,
                    "toNs": end,
                    "given": series.bar_type in self.lineup.bar_types,
                }
                for series, (start, end) in zip(self.series, self.bounds, strict=True)
            ],
            "adjustment": self.request.adjustment,
            "cache": str(home.data / "adjusted"),
            "venue": self.request.venue.model_dump(mode="json"),
            "barTypes": self.lineup.members[0].bar_types,
            "strategies": [member.to_params() for member in self.lineup.members]
            if len(self.lineup.members) > 1
            else [],
            "internal": self.lineup.internal,
            "ticks": [
                {**ticks.to_params(), "fromNs": start, "toNs": end}
                for ticks in self.lineup.ticks
                for start, end in [day_bounds(ticks.instrument, self.request.from_, self.request.to)]
            ],
            "warmUp": self.request.warm_up,
        }


async def resolve(request: BacktestRequest, catalog: Catalog, roots: list[str]) -> Spec:
    """Resolve a request; raise what is wrong with it, most basic first."""
    strategy = await asyncio.to_thread(strategies.get_strategy, request.path, request.name, roots)
    lineup = await line_up(request, strategy, catalog, roots)
    bounds = [catalog.check_range(item, request.from_, request.to) for item in lineup.series]
    foreign = [name for name in request.venue.margins if name not in lineup.symbols]
    if foreign:
        reason = f"a margin is given for {', '.join(foreign)}, which the run does not trade"
        raise TinoError("request_invalid", reason=reason, field=f"venue.margins.{foreign[0]}")
    main = lineup.members[0]
    return Spec(request, strategy, main.parameters, lineup.series, bounds, roots, main.code, lineup)


async def resolve_single(request: BacktestRequest, catalog: Catalog, roots: list[str]) -> Spec:
    """Resolve a request of what runs many times: one strategy on stored bars, which are then in memory. Raises `request_invalid` for others."""
    asked = {
        "strategies": "has several strategies",
        "per_symbol": "has an instance for each symbol",
        "ticks": "is fed with ticks",
        "warm_up": "has a warm-up",
    }
    for field, words in asked.items():
        value = getattr(request, field)
        if value or value is None:
            raise _not_single(field, words)
    spec = await resolve(request, catalog, roots)
    if spec.lineup.internal:
        raise _not_single("bar_types", "makes bars of its own")
    return spec


def _not_single(field: str, words: str) -> TinoError:
    head, *tail = field.split("_")
    name = head + "".join(part.capitalize() for part in tail)
    return TinoError("request_invalid", reason=f"it {words}, and only single runs do", field=f"backtest.{name}")
