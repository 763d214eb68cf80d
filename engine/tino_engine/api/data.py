"""Calls about market data."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import (
        ActionsImportReply,
        DataCheck,
        DataImport,
        FundamentalList,
        FundamentalsImportReply,
        ImportList,
        ImportPreview,
        QualityReport,
        ResampleReply,
        SampleReply,
        SymbolEntry,
        SymbolList,
        UploadReply,
        WatchlistList,
    )
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
async def import_sample(engine: Engine, arguments: Arguments) -> SampleReply:
    """Bring sample data into the catalog."""
    return await engine.catalog.import_sample(arguments.query.sample)


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


@calls.call("uploadFile")
async def upload_file(engine: Engine, arguments: Arguments) -> UploadReply:
    """Take a piece of a file."""
    return await asyncio.to_thread(engine.uploads.take, arguments.body)


@calls.call("getQuality")
async def get_quality(engine: Engine, arguments: Arguments) -> QualityReport:
    """Report on the quality of series."""
    return await engine.quality.report(arguments.query.symbol)


@calls.call("checkData")
async def check_data(engine: Engine, arguments: Arguments) -> DataCheck:
    """Tell what is wrong with the data of a run."""
    return await engine.quality.check(arguments.body)


@calls.call("changeActions")
async def change_actions(engine: Engine, arguments: Arguments) -> SymbolEntry:
    """Set and remove splits and dividends."""
    return await engine.catalog.change_actions(arguments.body)


@calls.call("importActions")
async def import_actions(engine: Engine, arguments: Arguments) -> ActionsImportReply:
    """Take in files of splits and dividends."""
    _require_readable(engine, arguments)
    return await engine.catalog.import_actions(arguments.body)


@calls.call("resampleData")
async def resample_data(engine: Engine, arguments: Arguments) -> ResampleReply:
    """Store a series at a coarser step."""
    return await engine.catalog.resample(arguments.body)


@calls.call("getFundamentals")
async def get_fundamentals(engine: Engine, arguments: Arguments) -> FundamentalList:
    """Give figures of a company."""
    return await engine.fundamentals.get(arguments.query)


@calls.call("importFundamentals")
async def import_fundamentals(engine: Engine, arguments: Arguments) -> FundamentalsImportReply:
    """Take in files of figures of companies."""
    _require_readable(engine, arguments)
    return await engine.fundamentals.import_files(arguments.body)


@calls.call("listWatchlists")
async def list_watchlists(engine: Engine, _arguments: Arguments) -> WatchlistList:
    """List the watchlists."""
    return await engine.catalog.watchlists()


@calls.call("putWatchlist")
async def put_watchlist(engine: Engine, arguments: Arguments) -> WatchlistList:
    """Make or replace a watchlist."""
    return await engine.catalog.put_watchlist(arguments.path["name"], arguments.body.symbols)


@calls.call("removeWatchlist")
async def remove_watchlist(engine: Engine, arguments: Arguments) -> WatchlistList:
    """Remove a watchlist."""
    return await engine.catalog.remove_watchlist(arguments.path["name"])


def _require_readable(engine: Engine, arguments: Arguments) -> None:
    """A page in a browser may read what it uploaded and files of trusted folders alone: it is a guest, and a preview shows what a file holds."""
    if arguments.credentials.browser:
        for path in arguments.body.paths:
            if not engine.uploads.holds(path):
                engine.require_trusted(path)
