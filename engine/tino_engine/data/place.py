"""Where the catalog lives: on this machine alone, or in an object store of which this machine keeps a copy.

With a store, files are written here first, uploaded, and count when the database records them; a file that a run, a page or an import
needs and that is not here is downloaded first. So runs read local files whatever happens to the network, and the local copies may
be given up at any time: `free` removes them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tino_engine import log
from tino_engine.contracts import CatalogPlace
from tino_engine.errors import TinoError
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from sqlalchemy import Connection

    from tino_engine.data.downloads import KeyRing
    from tino_engine.ledger import Database, Writer
    from tino_engine.workers.child import Child

logger = log.get("catalog")
SETTING = "data.catalog"
KEY = "s3"
"""Name of the key for stores: `ACCESS:SECRET`."""


class Place:
    """The place of one catalog."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        keys: KeyRing,
        spawn: Callable[[], Awaitable[Child]],
        catalog: Path,
        now_ms: Callable[[], int],
    ) -> None:
        """`spawn` starts a data child, for the length of one transfer: pages go on being served meanwhile."""
        self._database = database
        self._writer = writer
        self._keys = keys
        self._spawn = spawn
        self._catalog = catalog
        self._now_ms = now_ms
        self._uri: str | None = None
        self._loaded = False
        self._transfer = asyncio.Lock()

    async def uri(self) -> str | None:
        """Give the address of the store, if there is one."""
        if not self._loaded:
            self._uri, self._loaded = await self._database.read(_load), True
        return self._uri

    async def describe(self, files: Iterable[Path]) -> CatalogPlace:
        """Tell where the catalog is, and how much of it is here."""
        every = list(files)
        here = [file for file in every if await asyncio.to_thread(file.exists)]
        return CatalogPlace(uri=await self.uri(), files=len(every), local_files=len(here))

    async def change(self, uri: str | None, files: Iterable[Path], instruments: Iterable[str]) -> None:
        """Move: everything is brought to the new place before it counts. Raises `catalog_remote_failed`."""
        every = list(files)
        if uri is None:
            await self.have(every)
        else:
            await self._call("pushFiles", every, uri=uri, instruments=list(instruments))
        at = self._now_ms()
        await self._writer.write(lambda connection: _save(connection, uri, at), "place of the catalog")
        self._uri, self._loaded = uri, True
        logger.info("catalog_moved", remote=uri is not None)

    async def push(self, files: Iterable[Path], instruments: Iterable[str]) -> None:
        """Upload what is about to be recorded; nothing to do for a local catalog."""
        if await self.uri() is not None:
            await self._call("pushFiles", list(files), instruments=list(instruments))

    async def have(self, files: Iterable[Path]) -> None:
        """Download those of the files that are not here."""
        if await self.uri() is None:
            return
        missing = [file for file in files if not await asyncio.to_thread(file.exists)]
        if missing:
            async with self._transfer:
                await self._call("fetchFiles", missing)

    async def prune(self, wanted: Iterable[Path]) -> None:
        """Remove from the store what no series refers to. What cannot be reached now is removed the next time."""
        if await self.uri() is None:
            return
        try:
            await self._call("pruneFiles", list(wanted))
        except TinoError as error:
            logger.warning("remote_leftovers", reason=error.body.message)

    async def free(self, files: Iterable[Path]) -> int:
        """Remove the local copies; give how many. A local catalog has none."""
        if await self.uri() is None:
            return 0
        every = [file for file in files if await asyncio.to_thread(file.exists)]
        for file in every:
            await asyncio.to_thread(file.unlink)
        return len(every)

    async def _call(
        self, name: str, files: list[Path], uri: str | None = None, instruments: list[str] | None = None
    ) -> None:
        params: dict[str, Any] = {
            "catalog": str(self._catalog),
            "uri": uri or await self.uri(),
            "key": await self._keys.get(KEY),
            "files": [file.relative_to(self._catalog).as_posix() for file in files],
            "instruments": instruments or [],
        }
        child = await self._spawn()
        try:
            await child.call(name, params)
        finally:
            await asyncio.shield(child.kill())


def _load(connection: Connection) -> str | None:
    held = tables.settings
    row = connection.execute(select(held.c.value).where(held.c.key == SETTING)).first()
    return None if row is None else row.value


def _save(connection: Connection, uri: str | None, at: int) -> None:
    held = tables.settings
    connection.execute(held.delete().where(held.c.key == SETTING))
    if uri is not None:
        connection.execute(held.insert().values(key=SETTING, value=uri, updated_at=at))
