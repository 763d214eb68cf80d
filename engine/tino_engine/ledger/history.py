"""Reading the ledger: what a viewer missed while it, or the engine, was away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import func, select

from tino_engine import log
from tino_engine.contracts import LedgerEvent
from tino_engine.ledger.tables import events

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 1_000
"""Events told at once; a viewer that was away for longer starts from the state and gets the newest of them."""

logger = log.get("ledger")


def newest(connection: Connection) -> int:
    """Give the number of the newest event, 0 when there is none."""
    return connection.execute(select(func.max(events.c.seq))).scalar() or 0


def read_after(connection: Connection, known: int, last: int) -> list[LedgerEvent]:
    """Give the events after `known` up to `last`, oldest first; of more than `MOST` the newest."""
    rows = connection.execute(
        select(events.c.seq, events.c.type, events.c.occurred_at, events.c.payload)
        .where(events.c.seq > known, events.c.seq <= last)
        .order_by(events.c.seq.desc())
        .limit(MOST)
    ).all()
    found: list[LedgerEvent] = []
    for row in reversed(rows):
        # A run's event is stored as the run alone, which is what its own row holds too.
        event = {"type": row.type, "run": row.payload} if row.type in ("run.changed", "run.labelled") else row.payload
        try:
            found.append(LedgerEvent.model_validate({"ledgerSeq": row.seq, "at": row.occurred_at, "event": event}))
        except ValidationError as error:
            # A kind of event that an older engine knew and this one does not.
            logger.warning("event_not_told", ledger_seq=row.seq, type=row.type, reason=str(error))
    return found
