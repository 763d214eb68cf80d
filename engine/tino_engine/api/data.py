"""Calls about market data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import DataImport, ImportList, ImportPreview, SampleReply, SymbolList
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


@calls.call("previewImport")
async def preview_import(engine: Engine, arguments: Arguments) -> ImportPreview:
    """Tell how files would be read."""
    _require_readable(engine, arguments)
    return await engine.imports.preview(arguments.body)


@calls.call("startImport")
async def start_import(engine: Engine, arguments: Arguments) -> DataImport:
    """Queue an import of files."""
    _require_readable(engine, arguments)
    return await engine.imports.start(arguments.body)


@calls.call("listImports")
async def list_imports(engine: Engine, _arguments: Arguments) -> ImportList:
    """List imports, newest first."""
    return engine.imports.list()


@calls.call("getImport")
async def get_import(engine: Engine, arguments: Arguments) -> DataImport:
    """Give one import."""
    return engine.imports.get(arguments.path["id"])


@calls.call("cancelImport")
async def cancel_import(engine: Engine, arguments: Arguments) -> DataImport:
    """Cancel an import; give it as it ended."""
    return await engine.imports.cancel(arguments.path["id"])


@calls.call("removeData")
async def remove_data(engine: Engine, arguments: Arguments) -> SymbolList:
    """Remove series; give what is left."""
    return await engine.catalog.remove(arguments.body.bar_types)


def _require_readable(engine: Engine, arguments: Arguments) -> None:
    """A page in a browser may read files of trusted folders alone: it is a guest, and a preview shows what a file holds."""
    if arguments.credentials.browser:
        for path in arguments.body.paths:
            engine.require_trusted(path)
