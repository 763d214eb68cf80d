"""Runs from request to result.

A run is `queued`, `running`, then `finished`, `failed`, `cancelled` or `interrupted`; each step is one ledger event and
one row, committed before anybody hears of it. Its files are written to `runs/<id>.partial` and renamed when complete, so a
folder without that ending is whole. What was under way when an engine died is settled by the next one's `recover`: a
complete folder means finished, a queued run goes on, the rest was interrupted.

A request whose spec equals that of a finished run is not run: it gets that run's result, whole, as a run of its own that says where it comes from. Runs whose
code touched more than its data (`effects`) are left out of this. A *reproduction* is a run with the stored code and spec of an
earlier one, whose result is held against the stored one before its worker ends.

Cancelling is a notice to the worker; one that does not come back in time, because its strategy loops without end, is
killed. Either way the run is over within a quarter of a second.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import func, select

from tino_engine import log
from tino_engine.backtest import labels, reproduction, results
from tino_engine.backtest.code_store import CodeStore
from tino_engine.backtest.compare import compare
from tino_engine.backtest.git import find_commit
from tino_engine.backtest.packages import PackageFolders
from tino_engine.backtest.spec import Spec, resolve
from tino_engine.contracts import (
    BacktestRequest,
    BacktestResult,
    CodeVersion,
    DeleteReply,
    Effect,
    Location,
    Run,
    RunChanged,
    RunCode,
    RunDeleted,
    RunEdited,
    RunLabelled,
    RunList,
    RunProgress,
    RunProgressed,
    RunSummary,
)
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.ledger import append
from tino_engine.ledger.tables import DEFAULT_USER, backtest_results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from tino_engine.contracts import Comparison, LabelRequest, RunListQuery, SeriesQuery, VenueModel
    from tino_engine.data import Catalog
    from tino_engine.hub import Hub
    from tino_engine.ledger import Database, Writer
    from tino_engine.settings import Home
    from tino_engine.supervision.clock import Clock
    from tino_engine.workers.child import Child
    from tino_engine.workers.pool import Spare

CANCEL_PATIENCE = 0.15
"""Seconds a worker has to end a cancelled run by itself."""
ENDED = ("finished", "failed", "cancelled", "interrupted")
PARTIAL = ".partial"
SHOWN = 200
"""How many of the runs that were asked for last are watched for edits of their code."""
OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT)

logger = log.get("backtest")


@dataclass(slots=True)
class _Job:
    """A run that has not ended."""

    summary: RunSummary
    spec: Spec | None
    owner: str | None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    child: Child | None = None
    task: asyncio.Task[None] | None = None
    cancelled: bool = False
    interrupted: bool = False
    hanging: Location | None = None
    result: BacktestResult | None = None
    reproduces: Run | None = None
    """The run that this one repeats."""


class Runs:
    """Every run: those under way in memory, all of them in the database, their results on disk."""

    def __init__(
        self,
        home: Home,
        database: Database,
        writer: Writer,
        hub: Hub,
        catalog: Catalog,
        spare: Spare,
        clock: Clock,
        on_change: Callable[[], None],
        count: Callable[[Connection, RunSummary, VenueModel, int], None],
    ) -> None:
        self._home = home
        self._database = database
        self._writer = writer
        self._hub = hub
        self._catalog = catalog
        self._spare = spare
        self._clock = clock
        self._on_change = on_change
        self._count = count
        self._code = CodeStore(home.runs / "code")
        self._packages = PackageFolders(home.root / "environments")
        self._jobs: dict[str, _Job] = {}
        self._shown: OrderedDict[str, RunSummary] = OrderedDict()
        self._slots = asyncio.Semaphore(max(2, (os.cpu_count() or 2)))
        self._closing = False

    # -- state -----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """How many run now."""
        return sum(job.summary.status == "running" for job in self._jobs.values())

    @property
    def queued(self) -> int:
        """How many wait."""
        return sum(job.summary.status == "queued" for job in self._jobs.values())

    @property
    def under_way(self) -> list[RunSummary]:
        """Every run that has not ended, newest first."""
        return sorted((job.summary for job in self._jobs.values()), key=lambda run: run.id, reverse=True)

    @property
    def workers(self) -> list[Child]:
        """The processes at work."""
        return [job.child for job in self._jobs.values() if job.child is not None and not job.child.gone.is_set()]

    async def active(self, run_id: str) -> bool:
        """Say whether the run is queued or running."""
        return run_id in self._jobs

    # -- asking ----------------------------------------------------------------------------------------------------

    async def list(self, query: RunListQuery) -> RunList:
        """List runs, newest first."""
        table = backtest_results
        statement = select(table.c.summary).order_by(table.c.id.desc()).limit(query.limit + 1)
        if query.before is not None:
            statement = statement.where(table.c.id < query.before)
        if query.path is not None:
            statement = statement.where(table.c.path == query.path)
        if query.name is not None:
            statement = statement.where(table.c.name == query.name)
        if query.pinned is not None:
            pinned = func.coalesce(func.json_extract(table.c.summary, "$.pinned"), 0)
            statement = statement.where(pinned == int(query.pinned))
        if query.tag is not None:
            tags = func.json_each(table.c.summary, "$.tags").table_valued("value")
            statement = statement.where(select(tags.c.value).where(tags.c.value == query.tag).exists())
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        runs = await self._look([RunSummary.model_validate(row) for row in rows[: query.limit]])
        return RunList(runs=runs, more=len(rows) > query.limit)

    async def latest(self) -> list[RunSummary]:
        """Give the newest ended run of each strategy."""
        table = backtest_results
        # The greatest identifier is the newest run, because identifiers sort by time.
        newest = (
            select(func.max(table.c.id))
            .where(table.c.status.in_(("finished", "failed")))
            .group_by(table.c.path, table.c.name)
        )
        statement = select(table.c.summary).where(table.c.id.in_(newest))
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        return await self._look([RunSummary.model_validate(row) for row in rows])

    async def summary(self, run_id: str) -> RunSummary:
        """Give one run as lists show it; `run_not_found`."""
        stored = job.summary if (job := self._jobs.get(run_id)) is not None else (await self._stored(run_id))[0]
        return (await self._look([stored]))[0]

    async def get(self, run_id: str) -> Run:
        """Give one run with its result, if it has one."""
        stored, request, record = await self._stored(run_id)
        (summary,) = await self._look([stored])
        result = None
        if summary.status == "finished":
            result = await asyncio.to_thread(results.read_result, self._folder(run_id), run_id)
        content = None if record is None else record["content"]
        return Run(**_fields(summary), venue=request.venue, spec=content, result=result)

    async def code(self, run_id: str) -> RunCode:
        """Give the code that a run ran; `run_code_missing` when no copy of it is there."""
        summary = await self.summary(run_id)
        if summary.code is None:
            raise TinoError("run_code_missing", id=run_id, reason="it ran before tino kept copies")
        files = await asyncio.to_thread(self._code.read, run_id, summary.code.hash, summary.path)
        return RunCode(id=run_id, code=summary.code, files=files)

    async def compare(self, ids: list[str]) -> Comparison:
        """Hold runs against the first of them."""
        return compare([await self.get(run_id) for run_id in ids])

    async def result_folder(self, run_id: str) -> Path:
        """Give where the files of a run's result lie; `run_not_finished` while there is none."""
        summary = await self.summary(run_id)
        if summary.status != "finished":
            raise TinoError("run_not_finished", id=run_id, status=summary.status)
        return self._folder(run_id)

    async def series(self, run_id: str, series: str, query: SeriesQuery) -> bytes:
        """Give one table of a result; `run_not_finished` while there is none."""
        folder = await self.result_folder(run_id)
        return await asyncio.to_thread(results.read_series, folder, run_id, series, query)

    async def look_for_edits(self) -> None:
        """Tell of every run that somebody was shown lately whether its code was edited since, when that has changed."""
        known = list(self._shown.values())
        for before, now in zip(known, await asyncio.to_thread(self._with_edited, known), strict=True):
            # One that changed or went meanwhile has been told of.
            if before.edited != now.edited and self._shown.get(before.id) is before:
                self._shown[before.id] = now
                self._hub.publish(RunEdited(type="run.edited", run=now))
                self._on_change()

    # -- doing -----------------------------------------------------------------------------------------------------

    async def start(self, request: BacktestRequest, *, origin: str, owner: str | None, roots: list[str]) -> RunSummary:
        """Check a request, queue the run and give it; raise what is wrong with the request."""
        spec = await resolve(request, self._catalog, roots)
        await self._keep_code(spec)
        job = _Job(self._begin(request, spec, origin), spec, owner)
        if request.cache and await self._take_cached(job, request):
            return job.summary
        return await self._queue(job, request)

    async def reproduce(self, run_id: str, *, origin: str, owner: str | None) -> RunSummary:
        """Queue a run that repeats another one with the code and spec it had; give it. Its `reproduction` says how it came out.

        Raises `run_not_finished`, `run_code_missing`, and `run_not_reproducible` when what it was made of is not there any more.
        """
        stored, request, record = await self._stored(run_id)
        if stored.status != "finished":
            raise TinoError("run_not_finished", id=run_id, status=stored.status)
        spec = await reproduction.restore(stored, request, record, self._code, self._catalog)
        job = _Job(self._begin(request, spec, origin), spec, owner)
        job.reproduces = await self.get(run_id)
        return await self._queue(job, request)

    def _begin(self, request: BacktestRequest, spec: Spec, origin: str) -> RunSummary:
        return RunSummary(
            id=new_id("run"),
            status="queued",
            path=spec.strategy.path,
            name=spec.strategy.name,
            symbols=spec.symbols,
            bar_types=spec.bar_types,
            from_=request.from_,
            to=request.to,
            parameters=spec.parameters,
            adjustment=request.adjustment,
            strategies=request.strategies,
            per_symbol=request.per_symbol,
            ticks=request.ticks,
            warm_up=request.warm_up,
            origin=origin,  # type: ignore[arg-type]
            created_at=self._clock.now_ms(),
            started_at=None,
            ended_at=None,
            progress=RunProgress(phase="queued", bars_done=0, bars_total=0, bars_per_second=None, remaining_ms=None),
            metrics=None,
            currency=None,
            sparkline=[],
            no_trades=None,
            error=None,
            code_hash=spec.code.file,
            code=CodeVersion(hash=spec.code.code, commit=None, dirty=None),
            edited=False,
            spec_hash=spec.hash(),
        )

    async def _queue(self, job: _Job, request: BacktestRequest) -> RunSummary:
        if self._closing:
            # Checked after the last pause before it is counted: nothing may begin that nobody would settle.
            raise TinoError("engine_stopping")
        self._jobs[job.summary.id] = job
        try:
            await self._record(job, request=request)
        except BaseException:
            del self._jobs[job.summary.id]
            raise
        job.task = asyncio.get_running_loop().create_task(self._drive(job), name=job.summary.id)
        return job.summary

    async def _take_cached(self, job: _Job, request: BacktestRequest) -> bool:
        """Give a run the result of an equal one, if there is one that is whole, and record it as finished."""
        table = backtest_results
        equal = (
            select(table.c.summary)
            .where(table.c.spec_hash == job.summary.spec_hash, table.c.status == "finished")
            .order_by(table.c.id.desc())
        )
        rows = await self._database.read(lambda connection: connection.execute(equal).scalars().all())
        partial = self._home.runs / f"{job.summary.id}{PARTIAL}"
        for source in map(RunSummary.model_validate, rows):
            if source.effects:
                continue
            try:
                await asyncio.to_thread(results.share, self._folder(source.id), partial)
                await asyncio.to_thread(partial.rename, self._folder(job.summary.id))
            except (OSError, ValueError, KeyError):
                logger.info("cached_result_not_whole", run_id=source.id)
                await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
                continue
            await self._find_commit(job)
            now = self._clock.now_ms()
            update = {
                "status": "finished",
                "started_at": now,
                "ended_at": now,
                "progress": None,
                "cached_from": source.cached_from or source.id,
                **{name: getattr(source, name) for name in ("metrics", "currency", "sparkline", "no_trades")},
            }
            job.summary = job.summary.model_copy(update=update)
            await self._record(job, request=request)
            return True
        return False

    async def cancel(self, run_id: str) -> RunSummary:
        """End a run that is queued or running; give it as it is then."""
        job = self._jobs.get(run_id)
        if job is None:
            summary, _, _ = await self._stored(run_id)
            raise TinoError("run_already_ended", id=run_id, status=summary.status)
        job.cancelled = True
        await self._stop(job)
        return job.summary

    async def label(self, request: LabelRequest) -> RunList:
        """Change tags, note or pin of runs, of all or of none; give them. Raises `run_not_found`."""
        ids = list(dict.fromkeys(request.runs))
        now = self._clock.now_ms()

        def change(connection: Connection) -> list[tuple[RunSummary, int]]:
            changed = []
            for run_id in ids:
                summary = labels.relabel_stored(connection, run_id, request)
                payload = summary.model_dump(mode="json")
                seq = append(
                    connection,
                    type_="run.labelled",
                    source="engine",
                    source_event_id=f"{run_id}:{new_id('label')}",
                    occurred_at=now,
                    payload=payload,
                )
                changed.append((summary, seq))
            return changed

        changed = await self._writer.write(change, f"labels of {len(ids)} runs")
        for run_id in ids:
            # The row is right already; the next step of a run under way must not write the old labels over the new ones.
            if (job := self._jobs.get(run_id)) is not None:
                job.summary = labels.relabel(job.summary, request)
        runs = await self._look([summary for summary, _ in changed])
        for run, (_, seq) in zip(runs, changed, strict=True):
            self._hub.publish(RunLabelled(type="run.labelled", run=run), seq)
        return RunList(runs=runs, more=False)

    async def delete(self, ids: list[str]) -> DeleteReply:
        """Delete ended runs and the files of their results, all or none. Raises `run_not_found`, `run_not_ended`."""
        ids = list(dict.fromkeys(ids))
        for run_id in ids:
            summary = await self.summary(run_id)
            if summary.status not in ENDED:
                raise TinoError("run_not_ended", id=run_id, status=summary.status)
        now = self._clock.now_ms()

        def change(connection: Connection) -> list[int]:
            for run_id in ids:
                labels.forget(connection, run_id)
            return [
                append(
                    connection,
                    type_="run.deleted",
                    source="engine",
                    source_event_id=f"{run_id}:deleted",
                    occurred_at=now,
                    payload={"type": "run.deleted", "id": run_id},
                )
                for run_id in ids
            ]

        try:
            freed = await asyncio.to_thread(labels.move_aside, self._home.runs, ids)
            seqs = await self._writer.write(change, f"deletion of {len(ids)} runs")
        except BaseException:
            await asyncio.to_thread(labels.move_back, self._home.runs, ids)
            raise
        for run_id, seq in zip(ids, seqs, strict=True):
            self._shown.pop(run_id, None)
            self._hub.publish(RunDeleted(type="run.deleted", id=run_id), seq)
        self._on_change()
        await asyncio.to_thread(labels.remove_aside, self._home.runs, ids)
        return DeleteReply(deleted=ids, freed_bytes=freed)

    async def cancel_owned(self, owner: str) -> None:
        """Cancel the runs a terminal was waiting for: it died, so nobody is."""
        for job in [job for job in self._jobs.values() if job.owner == owner]:
            job.cancelled = True
            await self._stop(job)

    async def recover(self) -> None:
        """Settle what an earlier engine left: see the head of this file."""
        table = backtest_results
        statement = (
            select(table.c.summary, table.c.request, table.c.spec)
            .where(table.c.status.in_(("queued", "running")))
            .order_by(table.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        known = set(
            await self._database.read(lambda connection: connection.execute(select(table.c.id)).scalars().all())
        )
        await asyncio.to_thread(labels.settle_deletions, self._home.runs, known.__contains__)
        await asyncio.to_thread(_remove_partial, self._home.runs)
        for row in rows:
            summary = RunSummary.model_validate(row.summary)
            job = _Job(summary, None, None)
            self._jobs[summary.id] = job
            if summary.status == "queued":
                request = BacktestRequest.model_validate(row.request)
                repeated = None if row.spec is None else row.spec["reproduces"]
                work = self._drive(job, request, repeated)
                job.task = asyncio.get_running_loop().create_task(work, name=summary.id)
                continue
            job.interrupted = True
            try:
                job.result = results.read_result(self._folder(summary.id), summary.id)
            except TinoError:
                await self._end(job, "interrupted", error=TinoError("run_interrupted"))
            else:
                # What its code touched went with the engine: its result must not stand in for another run's.
                job.summary = job.summary.model_copy(update={"spec_hash": None})
                await self._end(job, "finished")

    async def close(self) -> None:
        """Interrupt everything that is under way, and record it."""
        self._closing = True
        for job in list(self._jobs.values()):
            job.interrupted = True
            await self._stop(job, patience=0)

    # -- a run's life ----------------------------------------------------------------------------------------------

    async def _drive(self, job: _Job, request: BacktestRequest | None = None, repeated: str | None = None) -> None:
        partial = self._home.runs / f"{job.summary.id}{PARTIAL}"
        try:
            async with self._slots:
                status, error = await self._work(job, request, repeated, partial)
        except asyncio.CancelledError:
            # Before there was a worker: `_stop` cancels this task.
            status, error = ("interrupted" if job.interrupted else "cancelled"), None
        # First the traces, then the news: whoever hears of the end finds nothing half-written.
        if job.child is not None:
            await job.child.close(patience=0)
        await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
        await self._end(job, status, error=error)
        await self._spare.warm_up()

    async def _work(
        self, job: _Job, request: BacktestRequest | None, repeated: str | None, partial: Path
    ) -> tuple[str, TinoError | None]:
        """Do the run; give how it ended and why."""
        try:
            spec = job.spec or await self._resolve_again(job, request, repeated)
            packages = None if spec.requirements is None else await self._packages.ensure(spec.requirements)
            await asyncio.to_thread(partial.mkdir, mode=0o700, parents=True)
            copies = await asyncio.to_thread(self._code.locate, spec.code.code, spec.strategy.path)
            job.child = await self._spare.take()
            started = asyncio.create_task(self._started(job))
            committed = asyncio.create_task(self._find_commit(job))
            try:
                reply = await job.child.call(
                    "run",
                    spec.for_worker(job.summary.id, partial, self._home, copies, packages),
                    on_event=lambda name, params, _body: self._heard(job, name, params),
                )
                if packages is not None:
                    reply.result["versions"].update(packages.versions)
                if job.reproduces is not None:
                    await self._hold_against(job, job.reproduces, partial, reply.result)
            finally:
                # A run that ends before its start is recorded would be recorded as running for ever.
                await started
                await committed
            # It has written all it had to: it ends while that is made the run's result. Its memory takes a while to be given back.
            ending = asyncio.create_task(job.child.kill())
            try:
                await asyncio.to_thread(self._keep, job, partial, reply.result)
            finally:
                await ending
        except TinoError as error:
            return _outcome(job, error)
        except OSError as error:
            return _outcome(job, _storage_error(error, partial))
        except Exception:
            reference = new_id("err")
            logger.exception("run_failed", run_id=job.summary.id, reference=reference)
            return _outcome(job, TinoError("internal", reference=reference, log=self._home.log))
        return "finished", None

    async def _resolve_again(self, job: _Job, request: BacktestRequest | None, repeated: str | None) -> Spec:
        """Resolve a run that an earlier engine had queued, with the code as it is now, or a reproduction with the code as it was then."""
        assert request is not None
        if repeated is not None:
            stored, _, record = await self._stored(repeated)
            job.reproduces = await self.get(repeated)
            job.spec = await reproduction.restore(stored, request, record, self._code, self._catalog)
        else:
            job.spec = await resolve(request, self._catalog, [])
            await self._keep_code(job.spec)
        job.summary = job.summary.model_copy(
            update={"code_hash": job.spec.code.file, "spec_hash": await asyncio.to_thread(job.spec.hash)}
        )
        return job.spec

    async def _hold_against(self, job: _Job, stored: Run, partial: Path, result: dict[str, Any]) -> None:
        """Compare the result with the stored one, in the worker, which knows the tables."""
        assert job.child is not None
        assert job.spec is not None
        folders = {"stored": str(self._folder(stored.id)), "repeated": str(partial)}
        figures = {name: result[name] for name in ("metrics", "outcome")}
        reply = await job.child.call("compare", {**folders, "result": figures, "of": stored.id})
        outcome = reproduction.conclude(stored, job.spec, result["versions"], reply.result)
        job.summary = job.summary.model_copy(update={"reproduction": outcome})

    async def _started(self, job: _Job) -> None:
        job.summary = job.summary.model_copy(update={"status": "running", "started_at": self._clock.now_ms()})
        await self._record(job)

    async def _keep_code(self, spec: Spec) -> None:
        try:
            await asyncio.to_thread(self._code.store, spec.code)
        except OSError as error:
            raise _storage_error(error, self._home.runs / "code") from error

    async def _find_commit(self, job: _Job) -> None:
        assert job.spec is not None
        code = job.spec.code
        contents = {name: code.contents[digest] for name, digest in code.files.items()}
        commit, dirty = await find_commit(job.summary.path, contents)
        version = CodeVersion(hash=code.code, commit=commit, dirty=dirty)
        job.summary = job.summary.model_copy(update={"code": version})

    def _heard(self, job: _Job, name: str, params: dict[str, Any]) -> None:
        if name == "progress":
            progress = RunProgress.model_validate(params)
            job.summary = job.summary.model_copy(update={"progress": progress})
            self._hub.publish(RunProgressed(type="run.progressed", id=job.summary.id, progress=progress))
        elif name == "hanging":
            job.hanging = Location(path=params["path"], line=params["line"], column=None)

    def _keep(self, job: _Job, partial: Path, reply: dict[str, Any]) -> None:
        """Make the worker's files the run's result."""
        job.result = BacktestResult.model_validate(reply)
        effects = [Effect.model_validate(effect) for effect in reply["effects"]]
        job.summary = job.summary.model_copy(update={"sparkline": list(reply["sparkline"]), "effects": effects})
        file = partial / results.RESULT
        with file.open("wb") as stream:
            stream.write(job.result.to_json())
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(self._folder(job.summary.id))

    async def _end(self, job: _Job, status: str, *, error: TinoError | None = None) -> None:
        if job.summary.status in ENDED:
            return
        update: dict[str, Any] = {
            "status": status,
            "ended_at": self._clock.now_ms(),
            "progress": None,
            "error": error.body if error is not None else None,
        }
        if job.result is not None and status == "finished":
            update |= {
                "metrics": job.result.metrics,
                "currency": job.result.currency,
                "no_trades": job.result.outcome.no_trades,
            }
        job.summary = job.summary.model_copy(update=update)
        logger.info("run_ended", run_id=job.summary.id, status=status, code=error.code if error else None)
        try:
            await self._record(job, ending=True)
        finally:
            self._jobs.pop(job.summary.id, None)
            job.done.set()

    async def _stop(self, job: _Job, patience: float = CANCEL_PATIENCE) -> None:
        if job.child is None:
            if job.task is not None:
                job.task.cancel()
        else:
            if patience:
                job.child.notify("cancel", {})
                try:
                    async with asyncio.timeout(patience):
                        await job.done.wait()
                except TimeoutError:
                    pass
            if not job.done.is_set():
                await job.child.kill()
        await job.done.wait()

    # -- storing ---------------------------------------------------------------------------------------------------

    async def _record(self, job: _Job, *, request: BacktestRequest | None = None, ending: bool = False) -> None:
        """Commit a step, then tell everybody."""
        summary = job.summary
        row: dict[str, Any] = {
            "status": summary.status,
            "summary": summary.model_dump(mode="json"),
            "ended_at": summary.ended_at,
            "spec_hash": summary.spec_hash,
        }
        if job.spec is not None:
            row["spec"] = reproduction.record(job.spec, None if job.reproduces is None else job.reproduces.id)

        finished = None
        if ending and summary.status == "finished" and job.spec is not None and job.result is not None:
            finished = (job.spec.request.venue, job.result.periods_per_year)

        def change(connection: Connection) -> int:
            if request is not None:
                connection.execute(
                    backtest_results.insert().values(
                        id=summary.id,
                        user_id=DEFAULT_USER,
                        path=summary.path,
                        name=summary.name,
                        request=request.model_dump(mode="json"),
                        created_at=summary.created_at,
                        **row,
                    )
                )
            else:
                connection.execute(backtest_results.update().where(backtest_results.c.id == summary.id).values(**row))
            if finished is not None:
                self._count(connection, summary, *finished)
            return append(
                connection,
                type_="run.changed",
                source="engine",
                source_event_id=f"{summary.id}:{summary.status}",
                occurred_at=self._clock.now_ms(),
                payload=row["summary"],
            )

        ledger_seq = await self._writer.write(change, f"run {summary.id} is {summary.status}")
        if ending:
            # Whoever asks after this event must find the run ended.
            self._jobs.pop(summary.id, None)
        self._show(summary)
        self._hub.publish(RunChanged(type="run.changed", run=summary), ledger_seq)
        self._on_change()

    async def _stored(self, run_id: str) -> tuple[RunSummary, BacktestRequest, dict[str, Any] | None]:
        """Give what the database has of a run, at last what `reproduction.record` made of its spec; `run_not_found`."""
        table = backtest_results
        statement = select(table.c.summary, table.c.request, table.c.spec).where(table.c.id == run_id)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            raise TinoError("run_not_found", id=run_id)
        try:
            return RunSummary.model_validate(row.summary), BacktestRequest.model_validate(row.request), row.spec
        except ValidationError as error:
            raise TinoError("result_unreadable", id=run_id, reason="its record is damaged") from error

    async def _look(self, stored: list[RunSummary]) -> list[RunSummary]:
        """Bring stored runs up to date: those that have not ended, and whose code was edited since."""
        runs = [job.summary if (job := self._jobs.get(run.id)) is not None else run for run in stored]
        runs = await asyncio.to_thread(self._with_edited, runs)
        for run in runs:
            self._show(run)
        return runs

    def _show(self, run: RunSummary) -> None:
        self._shown[run.id] = run
        self._shown.move_to_end(run.id)
        if len(self._shown) > SHOWN:
            self._shown.popitem(last=False)

    def _with_edited(self, runs: list[RunSummary]) -> list[RunSummary]:
        # Most runs of a list are of the same code.
        seen: dict[tuple[str, str], bool | None] = {}
        found = []
        for run in runs:
            key = ("", "") if run.code is None else (run.code.hash, run.path)
            if key not in seen:
                seen[key] = None if run.code is None else self._code.is_edited(*key)
            found.append(run if seen[key] == run.edited else run.model_copy(update={"edited": seen[key]}))
        return found

    def _folder(self, run_id: str) -> Path:
        return self._home.runs / run_id


def _outcome(job: _Job, error: TinoError) -> tuple[str, TinoError | None]:
    """Say how a run ended whose worker failed: what we did to it explains the failure before the failure does."""
    if job.interrupted:
        return "interrupted", TinoError("run_interrupted")
    if job.cancelled or error.code == "run_cancelled":
        return "cancelled", TinoError(
            "strategy_unresponsive", name=job.summary.name, location=job.hanging
        ) if job.hanging else None
    return "failed", error


def _fields(summary: RunSummary) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in type(summary).model_fields}


def _storage_error(error: OSError, path: Path) -> TinoError:
    if error.errno in OUT_OF_SPACE:
        return TinoError("disk_full", path=path.parent)
    return TinoError("worker_start_failed", reason=error.strerror or str(error), log="engine.log")


def _remove_partial(runs: Path) -> None:
    if runs.is_dir():
        for folder in runs.glob(f"*{PARTIAL}"):
            shutil.rmtree(folder, ignore_errors=True)
