"""Calls about market data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import SampleReply, SymbolList
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("listSymbols")
async def list_symbols(engine: Engine, _arguments: Arguments) -> SymbolList:
    """List what the catalog holds."""
    return await engine.catalog.symbols()


@calls.call("getBars")
async def get_bars(engine: Engine, arguments: Arguments) -> bytes:
    """Give bars as an Arrow stream."""
    return await engine.catalog.bars(arguments.query)


@calls.call("importSample")
async def import_sample(engine: Engine, _arguments: Arguments) -> SampleReply:
    """Bring the sample data into the catalog."""
    return await engine.catalog.import_sample()
