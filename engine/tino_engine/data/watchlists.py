"""Named lists of instruments; `@name` stands for them wherever a symbol may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tino_engine.identifiers import new_id
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

SIGN = "@"


def load_watchlists(connection: Connection) -> dict[str, list[str]]:
    """Read all lists by name, in order of name."""
    held = tables.watchlists
    return {row.name: list(row.symbols) for row in connection.execute(select(held).order_by(held.c.name))}


def put_watchlist(connection: Connection, name: str, symbols: Sequence[str], at: int) -> None:
    """Make a list, or replace the one of this name."""
    held = tables.watchlists
    values = {"symbols": list(symbols)}
    if not connection.execute(held.update().where(held.c.name == name).values(values)).rowcount:
        connection.execute(held.insert().values(id=new_id("wat"), name=name, created_at=at, **values))


def remove_watchlist(connection: Connection, name: str) -> bool:
    """Remove a list; tell whether there was one."""
    held = tables.watchlists
    return connection.execute(held.delete().where(held.c.name == name)).rowcount > 0
