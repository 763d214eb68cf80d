"""From a request to everything a worker needs: checked before any process is started.

What can be told without running code is told here, so that a misspelt symbol costs a millisecond and not a run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tino_engine import strategies
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

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

    @property
    def symbols(self) -> list[str]:
        """The instruments, in the order asked for."""
        return list(dict.fromkeys(series.instrument.id for series in self.series))

    @property
    def bar_types(self) -> list[str]:
        """The stored series, in the order asked for."""
        return [series.bar_type for series in self.series]

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
                {**series.to_params(), "rows": series.bars, "source": series.source, "fromNs": start, "toNs": end}
                for series, (start, end) in zip(self.series, self.bounds, strict=True)
            ],
            "adjustment": self.request.adjustment,
            "cache": str(home.data / "adjusted"),
            "venue": self.request.venue.model_dump(mode="json"),
        }


async def resolve(request: BacktestRequest, catalog: Catalog, roots: list[str]) -> Spec:
    """Resolve a request; raise what is wrong with it, most basic first."""
    strategy = await asyncio.to_thread(strategies.get_strategy, request.path, request.name, roots)
    symbols, bar_types = _wanted(request, strategy)
    series = await catalog.resolve(symbols, bar_types)
    bounds = [catalog.check_range(item, request.from_, request.to) for item in series]
    parameters = strategies.complete(strategy, dict(request.parameters))
    hashed = await asyncio.to_thread(strategies.code_hash, request.path, roots)
    return Spec(request, strategy, parameters, series, bounds, roots, hashed)


def _wanted(request: BacktestRequest, strategy: Strategy) -> tuple[list[str], list[str]]:
    """Take the data from the request, or from parameters and their defaults that name it."""
    symbols, bar_types = list(request.symbols), list(request.bar_types)
    if not symbols and not bar_types:
        for parameter in strategy.parameters:
            # `or`: a parameter that was left out, or given as null, falls back on what the class itself names.
            value = request.parameters.get(parameter.name) or parameter.default
            named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            if parameter.kind in ("instrument", "instruments"):
                symbols.extend(named)
            elif parameter.kind in ("barType", "barTypes"):
                bar_types.extend(named)
    if not symbols and not bar_types:
        raise TinoError("request_invalid", field="symbols", reason="no symbol was given")
    return symbols, bar_types
