"""Validations from request to result.

A validation is `running` from the moment it is asked for, then `finished`, `failed`, `cancelled` or `interrupted`. What each kind does
stands in `procedures`; here is its life: it is checked before it is stored, its end is one row and one ledger event, committed before
anybody hears of it. One works at a time, because each takes all processors it may. What was under way when an engine died was interrupted.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import select

from tino_engine import log
from tino_engine.contracts import (
    BacktestRequest,
    Honesty,
    RunSummary,
    Validation,
    ValidationChanged,
    ValidationList,
    ValidationProgress,
    ValidationProgressed,
    ValidationSummary,
)
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.ledger import append
from tino_engine.ledger.tables import DEFAULT_USER, backtest_results, validations
from tino_engine.search.grading import Grader
from tino_engine.search.procedures import Procedure, make_procedure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tino_engine.contracts import HonestyQuery, ValidationListQuery
    from tino_engine.data import Catalog
    from tino_engine.hub import Hub
    from tino_engine.ledger import Database, Writer
    from tino_engine.search.executor import Executor
    from tino_engine.search.procedures import ValidationRequest
    from tino_engine.settings import Home
    from tino_engine.supervision.clock import Clock
    from tino_engine.workers.child import Child
    from tino_engine.workers.pool import Single

    type MakeExecutor = Callable[[int | None, str | None], Executor]
    """Makes what runs points, from the most processes and the address of a cluster."""

TELL_SECONDS = 0.2
"""Time between two events of progress."""

logger = log.get("search")


@dataclass(slots=True)
class _Job:
    """A validation that has not ended."""

    summary: ValidationSummary
    procedure: Procedure
    owner: str | None
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0
    task: asyncio.Task[None] | None = None
    ending: str | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Validations:
    """Every validation: those under way in memory, all of them with their results in the database."""

    def __init__(
        self,
        home: Home,
        database: Database,
        writer: Writer,
        hub: Hub,
        catalog: Catalog,
        clock: Clock,
        child: Single,
        make_executor: MakeExecutor,
    ) -> None:
        self._home = home
        self._database = database
        self._writer = writer
        self._hub = hub
        self._catalog = catalog
        self._clock = clock
        self._child = child
        self._make_executor = make_executor
        self._grader = Grader(database, child, home.runs)
        self._jobs: dict[str, _Job] = {}
        self._turn = asyncio.Semaphore(1)
        self._closing = False

    @property
    def running(self) -> int:
        """How many have not ended."""
        return len(self._jobs)

    @property
    def workers(self) -> list[Child]:
        """The processes at work."""
        return [child for job in self._jobs.values() for child in getattr(job.procedure.executor, "children", ())]

    # -- asking ----------------------------------------------------------------------------------------------------

    async def list(self, query: ValidationListQuery) -> ValidationList:
        """List validations, newest first."""
        table = validations
        statement = select(table.c.summary).order_by(table.c.id.desc()).limit(query.limit + 1)
        if query.before is not None:
            statement = statement.where(table.c.id < query.before)
        if query.path is not None:
            statement = statement.where(table.c.path == query.path)
        if query.name is not None:
            statement = statement.where(table.c.name == query.name)
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        found = [self._current(ValidationSummary.model_validate(row)) for row in rows]
        return ValidationList(validations=found[: query.limit], more=len(found) > query.limit)

    async def get(self, validation_id: str) -> Validation:
        """Give one with its result; `validation_not_found`."""
        table = validations
        statement = select(table.c.summary, table.c.request, table.c.result).where(table.c.id == validation_id)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            raise TinoError("validation_not_found", id=validation_id)
        summary = self._current(ValidationSummary.model_validate(row.summary))
        try:
            return Validation.model_validate(
                {**summary.model_dump(mode="json"), "request": row.request, "result": row.result}
            )
        except ValidationError as error:
            raise TinoError("validation_not_found", id=validation_id) from error

    async def honesty(self, query: HonestyQuery) -> Honesty:
        """Judge a run, or the best point of a sweep, by the number of trials."""
        return await self._grader.grade(query)

    # -- doing -----------------------------------------------------------------------------------------------------

    async def start(
        self,
        request: ValidationRequest,
        *,
        origin: str,
        owner: str | None,
        trust: Callable[[str], list[str]],
    ) -> ValidationSummary:
        """Check a request, begin with it and give it; raise what is wrong with the request.

        `trust` gives the trusted folders around a file, or raises `workspace_untrusted`.
        """
        run, backtest = await self._subject(request)
        roots = trust(backtest.path) if request.kind != "tradeMonteCarlo" else []
        procedure = await make_procedure(request, run, backtest, roots, self._catalog, self._home)
        summary = ValidationSummary(
            id=new_id("val"),
            kind=request.kind,
            status="running",
            path=procedure.path,
            name=procedure.name,
            symbols=procedure.symbols,
            bar_types=procedure.bar_types,
            run=None if run is None else run.id,
            origin=origin,  # type: ignore[arg-type]
            created_at=self._clock.now_ms(),
            ended_at=None,
            progress=ValidationProgress(done=0, total=procedure.total, doing="Waiting", remaining_ms=None),
            sentence=None,
            error=None,
        )
        if self._closing:
            raise TinoError("engine_stopping")
        job = _Job(summary, procedure, owner)
        self._jobs[summary.id] = job
        try:
            await self._record(job, request=request)
        except BaseException:
            del self._jobs[summary.id]
            raise
        job.task = asyncio.get_running_loop().create_task(self._drive(job, request), name=summary.id)
        return job.summary

    async def cancel(self, validation_id: str) -> ValidationSummary:
        """End one that is under way; give it as it is then."""
        job = self._jobs.get(validation_id)
        if job is None:
            ended = await self.get(validation_id)
            raise TinoError("validation_already_ended", id=validation_id, status=ended.status)
        await self._stop(job, "cancelled")
        return job.summary

    async def cancel_owned(self, owner: str) -> None:
        """Cancel those a terminal was waiting for: it died, so nobody is."""
        for job in [job for job in self._jobs.values() if job.owner == owner]:
            await self._stop(job, "cancelled")

    async def recover(self) -> None:
        """Settle what an earlier engine left: it was interrupted."""
        statement = select(validations.c.summary).where(validations.c.status == "running")
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        for row in rows:
            summary = ValidationSummary.model_validate(row)
            await self._store(self._ended(summary, "interrupted", TinoError("validation_interrupted")), None)

    async def close(self) -> None:
        """Interrupt everything that is under way, and record it."""
        self._closing = True
        for job in list(self._jobs.values()):
            await self._stop(job, "interrupted")

    # -- the life of one -------------------------------------------------------------------------------------------

    async def _subject(self, request: ValidationRequest) -> tuple[RunSummary | None, BacktestRequest]:
        """Give the run that is judged, if it is one, and the request behind it."""
        run_id = getattr(request, "run", None)
        if run_id is None:
            backtest: BacktestRequest | None = getattr(request, "backtest", None)
            if backtest is None:
                raise TinoError("request_invalid", field="run", reason="neither a run nor a backtest is named")
            return None, backtest
        table = backtest_results
        statement = select(table.c.summary, table.c.request).where(table.c.id == run_id)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            raise TinoError("run_not_found", id=run_id)
        run = RunSummary.model_validate(row.summary)
        if run.status != "finished":
            raise TinoError("run_not_finished", id=run_id, status=run.status)
        return run, BacktestRequest.model_validate(row.request)

    async def _drive(self, job: _Job, request: ValidationRequest) -> None:
        result: dict[str, Any] | None = None
        error: TinoError | None = None
        try:
            async with self._turn:
                job.began = time.monotonic()
                if request.kind != "tradeMonteCarlo":
                    cluster = getattr(request, "cluster", None)
                    job.procedure.executor = self._make_executor(getattr(request, "workers", None), cluster)
                child = await self._child.get()
                result = await job.procedure.perform(child, lambda done, doing: self._tell(job, done, doing))
        except asyncio.CancelledError:
            pass  # `_stop` says why.
        except TinoError as failure:
            error = failure
        except Exception:
            reference = new_id("err")
            logger.exception("validation_failed", validation_id=job.summary.id, reference=reference)
            error = TinoError("internal", reference=reference, log=self._home.log)
        try:
            if job.procedure.executor is not None:
                await job.procedure.executor.shutdown()
            await self._end(job, result, error)
        finally:
            self._jobs.pop(job.summary.id, None)
            job.done.set()

    def _tell(self, job: _Job, done: int, doing: str) -> None:
        now = time.monotonic()
        total = job.procedure.total
        left = None
        if total and done > 2:
            left = round((now - job.began) / done * max(0, total - done) * 1000)
        progress = ValidationProgress(done=done, total=total, doing=doing, remaining_ms=left)
        job.summary = job.summary.model_copy(update={"progress": progress})
        if now - job.told >= TELL_SECONDS:
            job.told = now
            self._hub.publish(ValidationProgressed(type="validation.progressed", id=job.summary.id, progress=progress))

    async def _end(self, job: _Job, result: dict[str, Any] | None, error: TinoError | None) -> None:
        if job.ending is not None:
            result = None
            error = TinoError("validation_interrupted" if job.ending == "interrupted" else "validation_cancelled")
        status = job.ending or ("finished" if result is not None else "failed")
        job.summary = self._ended(job.summary, status, error)
        if result is not None:
            job.summary = job.summary.model_copy(update={"sentence": job.procedure.word(result)})
        logger.info("validation_ended", validation_id=job.summary.id, status=status, code=error.code if error else None)
        await self._store(job.summary, result, job)

    def _ended(self, summary: ValidationSummary, status: str, error: TinoError | None) -> ValidationSummary:
        return summary.model_copy(
            update={
                "status": status,
                "ended_at": self._clock.now_ms(),
                "progress": None,
                "error": None if error is None else error.body,
            }
        )

    async def _stop(self, job: _Job, status: str) -> None:
        job.ending = job.ending or status
        if job.task is not None:
            job.task.cancel()
        await job.done.wait()

    # -- storing ---------------------------------------------------------------------------------------------------

    async def _record(self, job: _Job, *, request: ValidationRequest) -> None:
        summary = job.summary

        def change(connection: Connection) -> int:
            connection.execute(
                validations.insert().values(
                    id=summary.id,
                    user_id=DEFAULT_USER,
                    status=summary.status,
                    path=summary.path,
                    name=summary.name,
                    request=request.model_dump(mode="json"),
                    summary=summary.model_dump(mode="json"),
                    created_at=summary.created_at,
                )
            )
            return self._append(connection, summary)

        seq = await self._writer.write(change, f"validation {summary.id} is running")
        self._hub.publish(ValidationChanged(type="validation.changed", validation=summary), seq)

    async def _store(self, summary: ValidationSummary, result: dict[str, Any] | None, job: _Job | None = None) -> None:
        def change(connection: Connection) -> int:
            connection.execute(
                validations.update()
                .where(validations.c.id == summary.id)
                .values(
                    status=summary.status,
                    summary=summary.model_dump(mode="json"),
                    result=result,
                    ended_at=summary.ended_at,
                )
            )
            if job is not None and result is not None:
                job.procedure.count(connection, self._clock.now_ms())
            return self._append(connection, summary)

        seq = await self._writer.write(change, f"validation {summary.id} is {summary.status}")
        # Whoever asks after this event must find it ended.
        self._jobs.pop(summary.id, None)
        self._hub.publish(ValidationChanged(type="validation.changed", validation=summary), seq)

    def _append(self, connection: Connection, summary: ValidationSummary) -> int:
        return append(
            connection,
            type_="validation.changed",
            source="engine",
            source_event_id=f"{summary.id}:{summary.status}",
            occurred_at=self._clock.now_ms(),
            payload={"type": "validation.changed", "validation": summary.model_dump(mode="json")},
        )

    def _current(self, stored: ValidationSummary) -> ValidationSummary:
        job = self._jobs.get(stored.id)
        return stored if job is None else job.summary
