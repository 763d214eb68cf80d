"""The write worker: one queue, one thread that commits, many writes a transaction.

Every change of the database goes through `Writer.write`. Writes that arrive while a commit is under way wait in the queue
and share the next transaction, so that a burst costs one `fsync` and a single write costs no delay. Each runs in its own
savepoint: one that the database refuses for its content (a constraint, a value that cannot be stored) is rolled back
alone, set aside in `poison_messages`, and its caller gets the error; its neighbours are committed. What concerns the
whole database (locked, disk full, I/O error) rolls the transaction back and is tried again with growing pauses; when that
does not help, all callers of the batch get the error and nothing of it is stored. A caller goes on only after the commit,
so whatever the engine acknowledges survives `kill -9` (`synchronous=FULL`: power loss too).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from tino_engine.ledger.tables import events, poison_messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tino_engine.ledger.database import Database

MAX_BATCH = 512
RETRY_PAUSES = (0.02, 0.1, 0.5)
"""Seconds between attempts of a transaction that the database as a whole refused."""


@dataclass(slots=True)
class _Write:
    change: Callable[[Connection], Any]
    description: str
    payload: str
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Outcome:
    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class Writer:
    """The only way to change the database."""

    database: Database
    _queue: asyncio.Queue[_Write | None] = field(default_factory=asyncio.Queue)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take writes from the queue."""
        self._task = asyncio.get_running_loop().create_task(self._drain(), name="ledger-writer")

    async def write[T](self, change: Callable[[Connection], T], description: str, payload: str = "") -> T:
        """Run `change` inside the next transaction and give its value once that is committed.

        `change` runs on another thread and must touch nothing but the connection. `description` and `payload` are what
        is kept of it if it turns out to be poison. Raises what the database raised.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Write(change, description, payload, done))
        return await done

    async def close(self) -> None:
        """Commit what is queued, then stop."""
        if self._task is not None:
            self._queue.put_nowait(None)
            await self._task
            self._task = None

    async def _drain(self) -> None:
        open_ = True
        while open_:
            batch: list[_Write] = []
            first = await self._queue.get()
            if first is None:
                return
            batch.append(first)
            while len(batch) < MAX_BATCH and not self._queue.empty():
                item = self._queue.get_nowait()
                if item is None:
                    open_ = False
                    break
                batch.append(item)
            try:
                outcomes = await asyncio.to_thread(self._commit, batch)
            except Exception as error:  # noqa: BLE001 - told to each that waits; a writer that died would let them wait for ever
                outcomes = [_Outcome(error=error) for _ in batch]
            for write, outcome in zip(batch, outcomes, strict=True):
                if write.done.cancelled():
                    continue
                if outcome.error is None:
                    write.done.set_result(outcome.value)
                else:
                    write.done.set_exception(outcome.error)

    def _commit(self, batch: list[_Write]) -> list[_Outcome]:
        for pause in (*RETRY_PAUSES, None):
            try:
                return self._attempt(batch)
            except OperationalError as error:
                if pause is None:
                    return [_Outcome(error=error) for _ in batch]
                time.sleep(pause)
        raise AssertionError

    def _attempt(self, batch: list[_Write]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        with self.database.engine.connect() as connection, connection.begin():
            for write in batch:
                savepoint = connection.begin_nested()
                try:
                    outcomes.append(_Outcome(value=write.change(connection)))
                    savepoint.commit()
                except OperationalError:
                    raise
                except Exception as error:  # noqa: BLE001 - one write's fault must not take its neighbours along
                    savepoint.rollback()
                    outcomes.append(_Outcome(error=error))
                    if isinstance(error, IntegrityError | StatementError | DBAPIError):
                        _set_aside(connection, write, error)
        return outcomes


def _set_aside(connection: Connection, write: _Write, error: Exception) -> None:
    connection.execute(
        poison_messages.insert().values(
            received_at=int(time.time() * 1000),
            description=write.description,
            reason=str(getattr(error, "orig", None) or error),
            payload=write.payload,
        )
    )


def append(
    connection: Connection, *, type_: str, source: str, source_event_id: str, occurred_at: int, payload: dict[str, Any]
) -> int:
    """Append one event to the ledger, inside a write; give its sequence number.

    Taking in the same `(source, source_event_id)` again appends nothing and gives the number of the first.
    """
    known = connection.execute(
        events.select()
        .with_only_columns(events.c.seq)
        .where(events.c.source == source, events.c.source_event_id == source_event_id)
    ).scalar()
    if known is not None:
        return int(known)
    result = connection.execute(
        events.insert().values(
            type=type_,
            source=source,
            source_event_id=source_event_id,
            occurred_at=occurred_at,
            ingested_at=int(time.time() * 1000),
            payload=payload,
        )
    )
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])
