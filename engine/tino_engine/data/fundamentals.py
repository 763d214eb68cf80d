"""Figures of companies as the engine keeps them: point in time.

A figure belongs to a period and is known from a day on; a later version of it, known later, stands beside the earlier one. What
was known on a day is, of each period, the newest version up to that day. Files are read in a child process, see `fundamentals_file`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from tino_engine import log
from tino_engine.contracts import Fundamental, FundamentalList, FundamentalsImportReply
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Connection

    from tino_engine.contracts import FundamentalsImportRequest, FundamentalsQuery
    from tino_engine.data.catalog import Catalog
    from tino_engine.ledger import Database, Writer
    from tino_engine.workers.child import Child

logger = log.get("fundamentals")
_AT_ONCE = 5_000


class Fundamentals:
    """The stored figures."""

    def __init__(
        self, catalog: Catalog, database: Database, writer: Writer, spawn: Callable[[], Awaitable[Child]]
    ) -> None:
        """`spawn` starts a data child."""
        self._catalog = catalog
        self._database = database
        self._writer = writer
        self._spawn = spawn

    async def get(self, query: FundamentalsQuery) -> FundamentalList:
        """Give an instrument's figures, all versions or as known on a day. Raises `symbol_unknown`."""
        instrument_id = await self._catalog.instrument_id(query.symbol)
        return await self._database.read(lambda connection: _find(connection, instrument_id, query))

    async def import_files(self, request: FundamentalsImportRequest) -> FundamentalsImportReply:
        """Take in files, wholly or not at all; a version that is there already gets the newer value.

        Raises errors of imports, `symbol_unknown` and `import_known_missing`.
        """
        child = await self._spawn()
        try:
            reply = await child.call("readFundamentals", {"request": request.model_dump(mode="json")})
        finally:
            await asyncio.shield(child.kill())
        rows: list[list[Any]] = json.loads(reply.body)
        names = {symbol: await self._catalog.instrument_id(symbol) for symbol in {row[0] for row in rows}}
        for row in rows:
            row[0] = names[row[0]]
        source = ", ".join(dict.fromkeys(path.rpartition("/")[2] for path in request.paths))[:200]
        changed = await self._writer.write(lambda connection: _put(connection, rows, source), "import of fundamentals")
        logger.info("imported", rows=len(rows), changed=changed, source=source)
        self._catalog.tell_change([])
        return FundamentalsImportReply(
            rows=len(rows),
            changed=changed,
            instruments=sorted(set(names.values())),
            fields=sorted({row[1] for row in rows}),
        )


def _find(connection: Connection, instrument_id: str, query: FundamentalsQuery) -> FundamentalList:
    held = tables.fundamentals
    wanted = select(held).where(held.c.instrument_id == instrument_id)
    if query.as_of is not None:
        wanted = wanted.where(held.c.known_on <= query.as_of)
    rows = connection.execute(wanted.order_by(held.c.field, held.c.period_end, held.c.known_on)).all()
    fields = sorted({row.field for row in rows})
    found = [
        Fundamental(
            instrument_id=row.instrument_id,
            field=row.field,
            period_end=row.period_end,
            known_on=row.known_on,
            value=row.value,
        )
        for row in rows
        if query.field in (None, row.field)
    ]
    if query.as_of is not None:
        found = list({(row.field, row.period_end): row for row in found}.values())
    return FundamentalList(rows=found, fields=fields)


def _put(connection: Connection, rows: list[list[Any]], source: str) -> int:
    held = tables.fundamentals
    changed = 0
    for start in range(0, len(rows), _AT_ONCE):
        for instrument_id, field, period_end, known_on, value in rows[start : start + _AT_ONCE]:
            key = {"instrument_id": instrument_id, "field": field, "period_end": period_end, "known_on": known_on}
            written = insert(held).values(**key, value=value, source=source)
            written = written.on_conflict_do_update(
                index_elements=["user_id", *key],
                set_={"value": value, "source": source},
                where=held.c.value != value,
            )
            changed += connection.execute(written).rowcount
    return changed
