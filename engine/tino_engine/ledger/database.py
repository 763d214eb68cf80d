"""The SQLite file: opened in WAL, migrated, read.

Only the engine opens it, with one SQLite library: `pysqlite3`, which brings its own, because the interpreter's may lie in
the range with the WAL-reset corruption (3.7.0 to 3.51.2). Writing goes through `writer.Writer` alone.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import create_engine, event, inspect
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from tino_engine.errors import TinoError
from tino_engine.ledger.tables import DEFAULT_USER, metadata, users

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

OLDEST_SQLITE = (3, 51, 3)
"""First release without the WAL-reset bug."""

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0006"
"""Revision of the newest migration; a test keeps it equal to alembic's."""


class Database:
    """One open database.

    Build it with `open`, end it with `close`. `read` runs a query on a thread, so that the event loop never waits for
    the disk; a connection is held only while the query runs, so that no reader keeps the WAL from being written back.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine

    @classmethod
    def open(cls, path: Path, *, log_path: Path | None = None) -> Database:
        """Open the file, create or migrate it, and make sure that the default user exists.

        Raises `database_failed` when the file cannot be opened, is damaged or comes from a newer tino; the file is then
        left as it is.
        """
        if sqlite.sqlite_version_info < OLDEST_SQLITE:
            raise TinoError(
                "database_failed", path=path, reason=f"SQLite {sqlite.sqlite_version} is too old", log=log_path
            )
        engine = create_engine(f"sqlite+pysqlite:///{path}", module=sqlite, poolclass=QueuePool, pool_size=4)
        event.listen(engine, "connect", _configure)
        database = cls(path, engine)
        try:
            database._migrate()
        except (DatabaseError, sqlite.DatabaseError, TinoError) as error:
            engine.dispose()
            reason = error.body.message if isinstance(error, TinoError) else str(getattr(error, "orig", error))
            raise TinoError("database_failed", path=path, reason=reason, log=log_path) from error
        return database

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            inspector = inspect(connection)
            revision = None
            if inspector.has_table("alembic_version"):
                revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            if revision != HEAD:
                self._upgrade(connection)

    def _upgrade(self, connection: Connection) -> None:
        # Imported here: a database that is up to date, which is nearly every start, does not need it.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise TinoError(
                "database_failed", path=self.path, reason=f"written by a newer tino ({error})", log=""
            ) from error
        if connection.execute(users.select()).first() is None:
            connection.execute(
                users.insert().values(id=DEFAULT_USER, name="Default", created_at=int(time.time() * 1000))
            )
        connection.commit()

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Run a query on a thread and give its value. The query must not keep the connection or a cursor."""

        def work() -> T:
            with self.engine.connect() as connection:
                return query(connection)

        return await asyncio.to_thread(work)

    def close(self) -> None:
        """Write the WAL back and close every connection."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.engine.dispose()


def _configure(connection: sqlite.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


__all__ = ["HEAD", "Database", "metadata"]
