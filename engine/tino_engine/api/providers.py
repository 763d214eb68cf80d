"""Calls about providers of market data, downloads from them, and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from tino_engine.api.calls import Arguments, Calls
from tino_engine.contracts import Key
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.contracts import CatalogPlace, Download, DownloadList, KeyList, ProviderList, ProviderSymbolList
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("listProviders")
async def list_providers(engine: Engine, _arguments: Arguments) -> ProviderList:
    """List providers."""
    return await engine.downloads.providers()


@calls.call("searchProvider")
async def search_provider(engine: Engine, arguments: Arguments) -> ProviderSymbolList:
    """Find symbols of a provider."""
    query = arguments.query
    return await engine.downloads.search(arguments.path["provider"], query.text, query.limit)


@calls.call("startDownload")
async def start_download(engine: Engine, arguments: Arguments) -> Download:
    """Queue a download."""
    return await engine.downloads.start(arguments.body)


@calls.call("listDownloads")
async def list_downloads(engine: Engine, _arguments: Arguments) -> DownloadList:
    """List downloads, newest first."""
    return engine.downloads.list()


@calls.call("getDownload")
async def get_download(engine: Engine, arguments: Arguments) -> Download:
    """Give one download."""
    return engine.downloads.get(arguments.path["id"])


@calls.call("cancelDownload")
async def cancel_download(engine: Engine, arguments: Arguments) -> Download:
    """Cancel a download; give it as it ended."""
    return await engine.downloads.cancel(arguments.path["id"])


@calls.call("getCatalogPlace")
async def get_catalog_place(engine: Engine, _arguments: Arguments) -> CatalogPlace:
    """Tell where the catalog lives."""
    return await engine.place.describe(await engine.catalog.files())


@calls.call("setCatalogPlace")
async def set_catalog_place(engine: Engine, arguments: Arguments) -> CatalogPlace:
    """Move the catalog; while it moves nothing is imported."""
    async with engine.catalog.importing:
        files = await engine.catalog.files()
        symbols = (await engine.catalog.symbols()).symbols
        await engine.place.change(arguments.body.uri, files, [entry.instrument.id for entry in symbols])
    return await engine.place.describe(files)


@calls.call("freeCatalog")
async def free_catalog(engine: Engine, _arguments: Arguments) -> CatalogPlace:
    """Remove local copies, unless a run may be reading them."""
    async with engine.catalog.importing:
        files = await engine.catalog.files()
        if not engine.runs.running + engine.runs.queued:
            await engine.place.free(files)
    return await engine.place.describe(files)


@calls.call("listKeys")
async def list_keys(engine: Engine, _arguments: Arguments) -> KeyList:
    """Give the names of the keys that are set."""
    return await engine.keys.list()


@calls.call("setKey")
async def set_key(engine: Engine, arguments: Arguments) -> KeyList:
    """Keep a key."""
    return await engine.keys.set(_name(arguments), arguments.body.value)


@calls.call("removeKey")
async def remove_key(engine: Engine, arguments: Arguments) -> KeyList:
    """Forget a key."""
    return await engine.keys.remove(_name(arguments))


def _name(arguments: Arguments) -> str:
    """Give the key's name from the path, which is checked as it would be in a body."""
    try:
        return Key(name=arguments.path["name"], kept="memory", set_at=0).name
    except ValidationError as error:
        reason = "name: small letters, digits, - and _"
        raise TinoError("request_invalid", field="name", reason=reason) from error
