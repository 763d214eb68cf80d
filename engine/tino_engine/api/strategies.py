"""Calls about strategies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls
from tino_engine.strategies import get_strategy, list_strategies

if TYPE_CHECKING:
    from tino_engine.contracts import Strategy, StrategyList
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("listStrategies")
async def list_(engine: Engine, arguments: Arguments) -> StrategyList:
    """List the strategies below the trusted folders, or below one of them."""
    folder = arguments.query.folder
    if folder is None:
        folders = engine.leases.trusted_folders()
    else:
        engine.require_trusted(folder)
        folders = [folder]
    return await asyncio.to_thread(list_strategies, folders, engine.leases.trusted_folders())


@calls.call("getStrategySchema")
async def get_schema(engine: Engine, arguments: Arguments) -> Strategy:
    """Describe one strategy and its parameters."""
    roots = engine.require_trusted(arguments.query.path)
    return await asyncio.to_thread(get_strategy, arguments.query.path, arguments.query.name, roots)
