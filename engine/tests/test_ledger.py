"""The database, its one writer, and the ledger."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pysqlite3.dbapi2 as sqlite
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from tino_engine.errors import TinoError
from tino_engine.ledger import Database, Writer, append
from tino_engine.ledger.database import HEAD, MIGRATIONS
from tino_engine.ledger.tables import events, metadata, poison_messages, users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy import Connection


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[Database, Writer]]:
    database = Database.open(path)
    writer = Writer(database)
    writer.start()
    try:
        yield database, writer
    finally:
        await writer.close()
        database.close()


def event(number: int) -> dict[str, Any]:
    return {
        "type_": "test",
        "source": "here",
        "source_event_id": str(number),
        "occurred_at": number,
        "payload": {"number": number},
    }


def test_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "t.db")
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.execute(select(users.c.id)).scalars().all() == ["default"]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD
    database.close()


def test_every_table_carries_the_user() -> None:
    assert [table.name for table in metadata.sorted_tables if table.name != "users" and "user_id" not in table.c] == []


@pytest.mark.parametrize(
    "content",
    [
        b"this is not a database, only text that is long enough to be read as a header page " * 20,
        b"SQLite format 3\x00" + b"\xff" * 4096,
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(content)
    with pytest.raises(TinoError) as caught:
        Database.open(path)
    assert caught.value.code == "database_failed"
    assert str(path) in caught.value.body.message
    assert path.read_bytes() == content


def test_a_database_of_a_newer_tino_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    Database.open(path).close()
    with sqlite.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(TinoError, match="newer tino"):
        Database.open(path)


async def test_writes_come_back_committed_and_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path / "t.db") as (database, writer):
        numbers = await asyncio.gather(
            *(writer.write(lambda c, n=n: append(c, **event(n)), "event") for n in range(700))
        )
        assert numbers == list(range(1, 701))
        rows = await database.read(lambda c: c.execute(select(events.c.payload).order_by(events.c.seq)).scalars().all())
    assert [row["number"] for row in rows] == list(range(700))


async def test_the_same_event_twice_is_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "t.db") as (database, writer):
        first = await writer.write(lambda c: append(c, **event(1)), "event")
        again = await writer.write(lambda c: append(c, **event(1)), "event")
        count = await database.read(lambda c: c.execute(select(func.count()).select_from(events)).scalar())
    assert (first, again, count) == (1, 1, 1)


async def test_poison_is_set_aside_and_its_neighbours_are_kept(tmp_path: Path) -> None:
    def poison(connection: Connection) -> None:
        append(connection, **event(99))
        connection.execute(users.insert().values(id="default", name="again", created_at=0))

    async with opened(tmp_path / "t.db") as (database, writer):
        outcomes = await asyncio.gather(
            writer.write(lambda c: append(c, **event(1)), "before"),
            writer.write(poison, "second default user", '{"id": "default"}'),
            writer.write(lambda c: append(c, **event(2)), "after"),
            return_exceptions=True,
        )
        kept = await database.read(
            lambda c: c.execute(select(events.c.source_event_id).order_by(events.c.seq)).scalars().all()
        )
        aside = await database.read(lambda c: c.execute(select(poison_messages)).mappings().all())
    assert isinstance(outcomes[1], IntegrityError)
    assert kept == ["1", "2"], "what the poison wrote before it failed is gone"
    assert [(row["description"], row["payload"]) for row in aside] == [("second default user", '{"id": "default"}')]


async def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    async with opened(path) as (database, writer):
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
        blocker = sqlite.connect(path, isolation_level=None, check_same_thread=False)
        blocker.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(writer.write(lambda c: append(c, **event(1)), "event"))
        await asyncio.sleep(0)
        blocker.execute("COMMIT")
        blocker.close()
        assert await writing == 1


async def test_a_failure_of_the_whole_database_fails_the_batch_and_stores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tino_engine.ledger.writer.RETRY_PAUSES", (0.0,))
    attempts = 0

    def full(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        append(connection, **event(attempts))
        raise OperationalError("INSERT", {}, sqlite.OperationalError("database or disk is full"))

    async with opened(tmp_path / "t.db") as (database, writer):
        with pytest.raises(OperationalError):
            await writer.write(full, "event")
        assert attempts == 2
        assert await database.read(lambda c: c.execute(select(func.count()).select_from(events)).scalar()) == 0
        assert await writer.write(lambda c: append(c, **event(1)), "event") >= 1, "it goes on afterwards"


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A process appends and prints each number after its commit; killed at some point, every printed one is there."""
    path = tmp_path / "t.db"
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from tino_engine.ledger import Database, Writer, append
        async def main():
            writer = Writer(Database.open(Path(sys.argv[1])))
            writer.start()
            start = int(sys.argv[2])
            async def one(n):
                await writer.write(lambda c: append(c, type_="t", source="s", source_event_id=str(n), occurred_at=n, payload={}), "e")
                print(n, flush=True)
            n = start
            while True:
                await asyncio.gather(*(one(n + i) for i in range(5)))
                n += 5
        asyncio.run(main())
        """
    )
    acknowledged: list[int] = []
    for round_ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(round_ * 100_000)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged.extend(int(process.stdout.readline()) for _ in range(23 + 7 * round_))
        os.kill(process.pid, signal.SIGKILL)
        acknowledged.extend(int(line) for line in process.stdout if line.endswith("\n"))
        process.wait()
        process.stdout.close()
    database = Database.open(path)
    with database.engine.connect() as connection:
        stored = connection.execute(select(events.c.source_event_id)).scalars().all()
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    database.close()
    assert set(map(str, acknowledged)) <= set(stored)
    assert len(stored) == len(set(stored))
