"""The count of trials: what was ever tried with a strategy on some data, each once.

The best of many is lucky. To say how lucky one must know how many there were, so every run and every point of a search is counted in
the database when it has ended, by a hash of what was tried: code, parameters, assumptions, range. The same thing again is no other
trial. A deleted run stays counted. What is written is written in the same transaction as the result that it counts.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from tino_engine.ledger.tables import DEFAULT_USER, trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from tino_engine.contracts import RunSummary, VenueModel


@dataclass(frozen=True, slots=True)
class Subject:
    """What the trials are counted for: a strategy, and the data that it was tried on."""

    path: str
    name: str
    bar_types: Sequence[str]

    @property
    def data(self) -> str:
        """The series, in one text."""
        return " ".join(sorted(self.bar_types))


@dataclass(frozen=True, slots=True)
class Trial:
    """One of them: `spec` says what was tried, `sharpe` is the Sharpe ratio of one day, None where it is not defined."""

    spec: str
    sharpe: float | None


def spec_of(
    *,
    code: str,
    parameters: Mapping[str, Any],
    venue: VenueModel,
    adjustment: str,
    from_day: str | None,
    to_day: str | None,
) -> str:
    """Name what was tried, by its content. `parameters` are complete, `code` is the hash over all files."""
    content = [code, dict(parameters), venue.model_dump(mode="json"), adjustment, from_day, to_day]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def trial_of_run(run: RunSummary, venue: VenueModel, periods_per_year: int) -> Trial:
    """Give the trial that a finished run was."""
    spec = spec_of(
        code=run.code.hash if run.code is not None else run.code_hash or run.id,
        parameters=run.parameters,
        venue=venue,
        adjustment=run.adjustment,
        from_day=run.from_,
        to_day=run.to,
    )
    return Trial(spec, daily_sharpe(run.metrics.sharpe if run.metrics is not None else None, periods_per_year))


def daily_sharpe(annual: float | None, periods_per_year: int) -> float | None:
    """Give the Sharpe ratio of one day from that of a year."""
    return None if annual is None else annual / math.sqrt(periods_per_year)


def count(connection: Connection, subject: Subject, tried: Iterable[Trial], now_ms: int) -> None:
    """Count them, inside a write; those that are known stay one, and learn a Sharpe ratio that was not known."""
    for trial in tried:
        statement = insert(trials).values(
            user_id=DEFAULT_USER,
            path=subject.path,
            name=subject.name,
            data=subject.data,
            spec=trial.spec,
            sharpe=trial.sharpe,
            tried_at=now_ms,
        )
        update = {} if trial.sharpe is None else {"sharpe": trial.sharpe}
        key = ["user_id", "path", "name", "data", "spec"]
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=update)
            if update
            else statement.on_conflict_do_nothing(index_elements=key)
        )


def counted(connection: Connection, subject: Subject) -> list[float | None]:
    """Give the daily Sharpe ratio of every trial so far."""
    table = trials
    statement = select(table.c.sharpe).where(
        table.c.user_id == DEFAULT_USER,
        table.c.path == subject.path,
        table.c.name == subject.name,
        table.c.data == subject.data,
    )
    return list(connection.execute(statement).scalars().all())


def count_run(connection: Connection, run: RunSummary, venue: VenueModel, periods_per_year: int) -> None:
    """Count a finished run, inside the write that records it."""
    subject = Subject(run.path, run.name, run.bar_types)
    count(connection, subject, [trial_of_run(run, venue, periods_per_year)], run.ended_at or run.created_at)
