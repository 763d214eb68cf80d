"""Sweeps from request to plateau.

A sweep is `queued` behind others, `running`, then `finished`, `stopped`, `interrupted` or `failed`. Its points are tried by an
`Executor`; **each is committed when it ends, before anybody hears of it**, so that whatever kills the engine, a resumed sweep tries
only what is missing. Which points there are follows from the request alone (`space.Space.walk` and `sample` give the same ones in the
same order again), so a point is known by its number; those of TPE count on. A point whose process died is tried again when the
sweep is resumed, one whose strategy failed is not.

**Results are shared.** What a point comes to depends on code, data, parameters, venue and versions, and is stored under a hash of
those. Any sweep that meets the same hash again takes the stored result. So points must not be mixed when code or data change: the
worker refuses to run changed code, and a sweep is not resumed over other data.

Sweeps run one after the other: each takes all processors it may.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import zlib
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert

import tino_engine
from tino_engine import log, strategies
from tino_engine.backtest import resolve_single
from tino_engine.contracts import (
    LOWER_IS_BETTER,
    Objective,
    Plateau,
    Sweep,
    SweepChanged,
    SweepList,
    SweepPlan,
    SweepPoint,
    SweepPointList,
    SweepProgress,
    SweepProgressed,
    SweepRemoved,
)
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.ledger import append
from tino_engine.ledger.tables import DEFAULT_USER, point_results, sweep_points, sweeps
from tino_engine.search.cluster import Cluster
from tino_engine.search.executor import Pool, Setup, free_memory_bytes, processors
from tino_engine.search.plateau import find_stable
from tino_engine.search.space import resolve_space
from tino_engine.search.trials import Subject, Trial, count, daily_sharpe, spec_of
from tino_engine.workers.child import Child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from tino_engine.backtest import Spec
    from tino_engine.contracts import Dimension, SweepListQuery, SweepPointsQuery, SweepRequest
    from tino_engine.data import Catalog
    from tino_engine.hub import Hub
    from tino_engine.ledger import Database, Writer
    from tino_engine.search.executor import Executor, Outcome, Tell
    from tino_engine.search.space import Space
    from tino_engine.settings import Home
    from tino_engine.supervision.clock import Clock
    from tino_engine.workers.pool import Spare

ASKED = 10_000
"""Points above which a sweep is asked about."""
DRAWN = 100
"""Points of a method that has no end of its own, if nobody says."""
CHECKS = 4
"""Parts of the time between which a point may be pruned."""
TELL_SECONDS = 0.2
"""Time between two events of a sweep: its points are told together."""
STABLE_SECONDS = 2.0
"""Time between two looks for the plateau, at least; and no more than a thirtieth of the time goes into it."""
TOLD_AT_ONCE = 500
"""Points of one event."""
FRONT = 100
"""Points of a Pareto front that are shown."""
REPEATS = 200
"""Points in a row that TPE may ask for although they are known or not allowed, before one is drawn instead."""

ENDED = ("finished", "stopped", "interrupted", "failed")
RESUMABLE = ("stopped", "interrupted", "failed")
FATAL = frozenset(
    "sweep_code_changed sweep_workers_failed strategy_import_failed strategy_class_not_found data_corrupt data_missing disk_full "
    "cluster_unreachable cluster_unfit".split()
)
"""What would fail every point alike: the sweep ends with it, and the point is not counted as tried."""
AGAIN = ("worker_died",)
"""Failures that are no fault of the point."""

logger = log.get("search")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request, resolved."""

    request: SweepRequest
    space: Space
    dimensions: list[Dimension]
    objectives: list[Objective]
    spec: Spec
    total: int | None
    """Points to be tried; None for more than are counted."""
    whole: bool
    """Whether those are all combinations of a grid that are allowed."""

    @property
    def asks(self) -> bool:
        return self.total is None or self.total > ASKED


@dataclass(slots=True)
class _Known:
    """A point that has ended, as far as choosing the best needs it."""

    parameters: dict[str, Any]
    status: str
    values: list[float | None]


@dataclass(slots=True)
class _Job:
    """A sweep that has not ended."""

    sweep: Sweep
    plan: _Plan
    setup: Setup
    ingredients: dict[str, Any]
    owner: str | None
    known: dict[int, _Known] = field(default_factory=dict)
    best: list[SweepPoint] = field(default_factory=list)
    fresh: list[SweepPoint] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    running: int = 0
    cached: int = 0
    executed: int = 0
    executing: float = 0.0
    began: float | None = None
    spent_ms: int = 0
    pool: Executor | None = None
    study: Child | None = None
    task: asyncio.Task[None] | None = None
    ending: str | None = None
    settling: bool = False
    fatal: TinoError | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def elapsed_ms(self) -> int:
        return self.spent_ms + (0 if self.began is None else round((time.monotonic() - self.began) * 1000))

    def progress(self) -> SweepProgress:
        total = self.plan.total
        done = len(self.known)
        took = 0.0 if self.began is None else time.monotonic() - self.began
        rate = self.executed / took if self.executed >= 3 and took > 0 else None
        left = None if rate is None or total is None else round(max(0, total - done) / rate * 1000)
        over = self.sweep.status in ENDED
        return SweepProgress(
            done=done,
            total=total,
            pruned=sum(point.status == "pruned" for point in self.known.values()),
            failed=sum(point.status == "failed" for point in self.known.values()),
            cached=self.cached,
            running=0 if over else self.running,
            workers=0 if over or self.pool is None else self.pool.size,
            points_per_second=rate,
            remaining_ms=None if over else left,
        )


class Sweeps:
    """Every sweep: those under way in memory, all of them and their points in the database."""

    def __init__(
        self,
        home: Home,
        database: Database,
        writer: Writer,
        hub: Hub,
        catalog: Catalog,
        spare: Spare,
        clock: Clock,
        memory_of: Callable[[int], int],
    ) -> None:
        self._home = home
        self._database = database
        self._writer = writer
        self._hub = hub
        self._catalog = catalog
        self._spare = spare
        self._clock = clock
        self._memory_of = memory_of
        self._jobs: dict[str, _Job] = {}
        self._turn = asyncio.Semaphore(1)
        self._closing = False

    # -- state -----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """How many have not ended."""
        return len(self._jobs)

    @property
    def workers(self) -> list[Child]:
        """The processes at work."""
        pools = [job.pool for job in self._jobs.values() if isinstance(job.pool, Pool)]
        return [child for pool in pools for child in pool.children]

    # -- asking ----------------------------------------------------------------------------------------------------

    async def plan(self, request: SweepRequest, roots: list[str]) -> SweepPlan:
        """Say what a request would try."""
        plan = await self._resolve(request, roots)
        return SweepPlan(
            points=plan.total, combinations=plan.space.combinations, asks=plan.asks, dimensions=plan.dimensions
        )

    async def list(self, query: SweepListQuery) -> SweepList:
        """List sweeps, newest first."""
        statement = select(sweeps.c.summary).order_by(sweeps.c.id.desc()).limit(query.limit + 1)
        if query.before is not None:
            statement = statement.where(sweeps.c.id < query.before)
        if query.path is not None:
            statement = statement.where(sweeps.c.path == query.path)
        if query.name is not None:
            statement = statement.where(sweeps.c.name == query.name)
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        found = [self._current(Sweep.model_validate(row)) for row in rows]
        return SweepList(sweeps=found[: query.limit], more=len(found) > query.limit)

    async def get(self, sweep_id: str) -> Sweep:
        """Give one sweep; `sweep_not_found`."""
        return self._current((await self._stored(sweep_id))[0])

    async def points(self, sweep_id: str, query: SweepPointsQuery) -> SweepPointList:
        """Give points that have ended, by number."""
        await self._stored(sweep_id)
        where = (sweep_points.c.sweep_id == sweep_id, sweep_points.c.number > query.after)
        statement = _select_points().where(*where).order_by(sweep_points.c.number).limit(query.limit + 1)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        points = [_point_of(row) for row in rows]
        return SweepPointList(points=points[: query.limit], more=len(points) > query.limit)

    # -- doing -----------------------------------------------------------------------------------------------------

    async def start(self, request: SweepRequest, *, origin: str, owner: str | None, roots: list[str]) -> Sweep:
        """Check a request, queue the sweep and give it; raise what is wrong with the request, or `sweep_large`."""
        plan = await self._resolve(request, roots)
        if plan.total == 0:
            raise TinoError("sweep_empty", reason=_why_empty(plan), field="dimensions")
        if plan.asks and not request.confirmed:
            shown = f"{plan.total:,}" if plan.total is not None else f"up to {plan.space.combinations:,}"
            raise TinoError("sweep_large", points=shown, limit=f"{ASKED:,}", field="confirmed")
        spec = plan.spec
        sweep = Sweep.model_validate(
            {
                "id": new_id("sweep"),
                "status": "queued",
                "request": request.model_dump(mode="json"),
                "path": spec.strategy.path,
                "name": spec.strategy.name,
                "symbols": spec.symbols,
                "barTypes": spec.bar_types,
                "dimensions": [dimension.model_dump(mode="json") for dimension in plan.dimensions],
                "objectives": [objective.model_dump(mode="json") for objective in plan.objectives],
                "origin": origin,
                "createdAt": self._clock.now_ms(),
                "endedAt": None,
                "elapsedMs": 0,
                "progress": _no_progress(plan.total).model_dump(mode="json"),
                "best": [],
                "plateau": None,
                "stable": None,
                "currency": None,
                "periodsPerYear": None,
                "codeHash": spec.code.code,
                "error": None,
            }
        )
        if self._closing:
            raise TinoError("engine_stopping")
        job = self._make_job(sweep, plan, owner)
        await self._begin(job, new=True)
        return job.sweep

    async def stop(self, sweep_id: str) -> Sweep:
        """End a sweep; what has ended stays, and it can be resumed."""
        job = self._jobs.get(sweep_id)
        if job is None:
            sweep = await self.get(sweep_id)
            raise TinoError("sweep_already_ended", id=sweep_id, status=sweep.status)
        await self._end_early(job, "stopped")
        return job.sweep

    async def stop_owned(self, owner: str) -> None:
        """Stop the sweeps a terminal was waiting for: it died, so nobody is."""
        for job in [job for job in self._jobs.values() if job.owner == owner]:
            await self._end_early(job, "stopped")

    async def resume(self, sweep_id: str, *, owner: str | None, roots: list[str]) -> Sweep:
        """Go on with a sweep that did not come to its end."""
        sweep, code, data = await self._stored(sweep_id)
        if sweep_id in self._jobs:
            raise TinoError("sweep_under_way", id=sweep_id)
        if sweep.status not in RESUMABLE:
            raise TinoError("sweep_not_resumable", id=sweep_id, status=sweep.status)
        plan = await self._resolve(sweep.request, roots)
        if plan.spec.code.code != code:
            raise TinoError("sweep_code_changed", path=sweep.path)
        sweep = sweep.model_copy(update={"status": "queued", "ended_at": None, "error": None})
        job = self._make_job(sweep, plan, owner)
        if _hash(_data_of(job.ingredients)) != data:
            raise TinoError("sweep_data_changed")
        if self._closing:
            raise TinoError("engine_stopping")
        if sweep_id in self._jobs:
            # Somebody else was faster, while the strategy was read.
            raise TinoError("sweep_under_way", id=sweep_id)
        job.spent_ms = sweep.elapsed_ms
        self._jobs[sweep_id] = job
        try:
            await self._recall(job)
        except BaseException:
            del self._jobs[sweep_id]
            raise
        await self._begin(job, new=False)
        return job.sweep

    async def remove(self, sweep_id: str) -> Sweep:
        """Forget a sweep with its points; results that other sweeps have as well stay."""
        sweep, _, _ = await self._stored(sweep_id)
        if sweep_id in self._jobs:
            raise TinoError("sweep_under_way", id=sweep_id)

        def change(connection: Connection) -> int:
            mine = select(sweep_points.c.key).where(sweep_points.c.sweep_id == sweep_id)
            others = select(sweep_points.c.key).where(sweep_points.c.sweep_id != sweep_id)
            connection.execute(
                point_results.delete().where(point_results.c.key.in_(mine), point_results.c.key.not_in(others))
            )
            connection.execute(sweep_points.delete().where(sweep_points.c.sweep_id == sweep_id))
            connection.execute(sweeps.delete().where(sweeps.c.id == sweep_id))
            return append(
                connection,
                type_="sweep.removed",
                source="engine",
                source_event_id=f"{sweep_id}:removed",
                occurred_at=self._clock.now_ms(),
                payload={"type": "sweep.removed", "id": sweep_id},
            )

        ledger_seq = await self._writer.write(change, f"sweep {sweep_id} is removed")
        self._hub.publish(SweepRemoved(type="sweep.removed", id=sweep_id), ledger_seq)
        return sweep

    async def recover(self) -> None:
        """Settle what an earlier engine left: it was interrupted."""
        statement = select(sweeps.c.summary).where(sweeps.c.status.not_in(ENDED))
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        for row in rows:
            sweep = Sweep.model_validate(row)
            statement = select(
                func.count(),
                func.sum(sweep_points.c.status == "failed"),
                func.sum(sweep_points.c.status == "pruned"),
                func.sum(sweep_points.c.cached),
            ).where(sweep_points.c.sweep_id == sweep.id)
            counts = await self._database.read(lambda connection, of=statement: connection.execute(of).one())
            done, failed, pruned, cached = (int(number or 0) for number in counts)
            progress = sweep.progress.model_copy(
                update={"done": done, "failed": failed, "pruned": pruned, "cached": cached, "running": 0, "workers": 0}
            )
            ended = {
                "status": "interrupted",
                "ended_at": self._clock.now_ms(),
                "progress": progress,
                "error": TinoError("sweep_interrupted").body,
            }
            await self._store(sweep.model_copy(update=ended))

    async def close(self) -> None:
        """Interrupt everything that is under way, and record it."""
        self._closing = True
        for job in list(self._jobs.values()):
            await self._end_early(job, "interrupted")

    # -- a sweep's life --------------------------------------------------------------------------------------------

    async def _resolve(self, request: SweepRequest, roots: list[str]) -> _Plan:
        backtest = request.backtest
        strategy = await asyncio.to_thread(strategies.get_strategy, backtest.path, backtest.name, roots)
        space, dimensions = resolve_space(request, strategy)
        objectives = [_directed(objective) for objective in request.objectives]
        if request.pruning and len(objectives) > 1:
            raise TinoError("request_invalid", reason="pruning needs a single objective", field="pruning")
        if request.pruning and request.cluster is not None:
            raise TinoError(
                "request_invalid",
                reason="points on a cluster are not heard on their way, so none is pruned",
                field="pruning",
            )
        given = backtest.model_copy(update={"parameters": {**backtest.parameters, **space.first}})
        spec = await resolve_single(given, self._catalog, roots)
        total, whole = await self._count(request, space)
        return _Plan(request, space, dimensions, objectives, spec, total, whole)

    async def _count(self, request: SweepRequest, space: Space) -> tuple[int | None, bool]:
        """Count the points to be tried, None for more than are counted, and tell whether they are a whole grid."""
        grid = request.method == "grid"
        wanted = request.points if grid or request.points is not None else DRAWN
        there = 0 if wanted == 0 else await asyncio.to_thread(space.count)
        if there is not None:
            total = there if wanted is None else min(wanted, there)
            return total, grid and total == there
        if await asyncio.to_thread(next, space.sample(request.seed), None) is None:
            return 0, False
        return wanted, grid and wanted is None

    def _make_job(self, sweep: Sweep, plan: _Plan, owner: str | None) -> _Job:
        spec = plan.spec
        params = spec.for_worker("", self._home.runs, self._home)
        # What one run has for itself.
        for own in ("runId", "folder", "parameters"):
            params.pop(own, None)
        params |= {"code": spec.code.code, "files": list(spec.code.files)}
        ingredients = {
            "code": spec.code.code,
            "name": params["name"],
            "data": [
                {name: item[name] for name in ("barType", "hash", "instrument", "actions", "fromNs", "toNs")}
                for item in params["data"]
            ],
            "adjustment": params["adjustment"],
            "venue": params["venue"],
            "versions": [tino_engine.__version__, version("nautilus_trader")],
        }
        return _Job(sweep, plan, Setup(params), ingredients, owner)

    async def _begin(self, job: _Job, *, new: bool) -> None:
        self._jobs[job.sweep.id] = job
        try:
            await self._store(job.sweep, job=job if new else None, new=new)
        except BaseException:
            del self._jobs[job.sweep.id]
            raise
        job.task = asyncio.get_running_loop().create_task(self._drive(job), name=job.sweep.id)

    async def _drive(self, job: _Job) -> None:
        try:
            async with self._turn:
                job.began = time.monotonic()
                job.sweep = job.sweep.model_copy(update={"status": "running"})
                await self._store(job.sweep)
                await self._work(job)
        except asyncio.CancelledError:
            pass  # `_end_early` says why.
        except TinoError as error:
            job.fatal = error
        except Exception:
            reference = new_id("err")
            logger.exception("sweep_failed", sweep_id=job.sweep.id, reference=reference)
            job.fatal = TinoError("internal", reference=reference, log=self._home.log)
        await self._end(job)

    async def _work(self, job: _Job) -> None:
        request = job.plan.request
        job.pool = self._make_pool(request)
        telling = asyncio.create_task(self._keep_telling(job))
        tries: set[asyncio.Task[None]] = set()
        try:
            if request.method == "tpe" or request.pruning:
                await self._open_study(job)
            async for number, parameters, trial in self._candidates(job):
                tries.add(asyncio.create_task(self._try(job, number, parameters, trial)))
                # One more than can run is ready, so that no process waits for this one; TPE wants to know first.
                most = job.pool.size + (0 if request.method == "tpe" else 2)
                while len(tries) >= most:
                    ended, tries = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
                    for each in ended:
                        each.result()
            while tries:
                ended, tries = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
                for each in ended:
                    each.result()
        finally:
            telling.cancel()
            for each in tries:
                each.cancel()
            await asyncio.gather(telling, *tries, return_exceptions=True)
            await job.pool.shutdown()
            if job.study is not None:
                await job.study.kill()

    def _make_pool(self, request: SweepRequest) -> Executor:
        if request.cluster is not None:
            return Cluster(request.cluster)
        memory = request.memory_bytes or free_memory_bytes()
        return Pool(self._spare.take, self._memory_of, request.workers or processors(), memory)

    async def _end_early(self, job: _Job, status: str) -> None:
        job.ending = job.ending or status
        if job.task is not None and not job.settling:
            job.task.cancel()
        await job.done.wait()

    async def _end(self, job: _Job) -> None:
        job.running, job.settling = 0, True
        status, error = job.ending or "finished", job.fatal
        if job.ending == "interrupted":
            error = TinoError("sweep_interrupted")
        elif job.ending is None:
            error = error or _without_result(job)
            status = "finished" if error is None else "failed"
        try:
            stable = await self._find_stable(job)
            update: dict[str, Any] = {
                "status": status,
                "ended_at": self._clock.now_ms(),
                "elapsed_ms": job.elapsed_ms,
                "error": None if error is None else error.body,
            }
            job.sweep = job.sweep.model_copy(update={**update, **stable, "best": job.best})
            job.sweep = job.sweep.model_copy(update={"progress": job.progress()})
            self._tell(job)
            logger.info("sweep_ended", sweep_id=job.sweep.id, status=status, code=error.code if error else None)
            await self._store(job.sweep, ending=True)
        except Exception:
            logger.exception("sweep_not_recorded", sweep_id=job.sweep.id)
        finally:
            self._jobs.pop(job.sweep.id, None)
            job.done.set()
        if not self._closing:
            await self._spare.warm_up()

    # -- points ----------------------------------------------------------------------------------------------------

    async def _candidates(self, job: _Job) -> AsyncIterator[tuple[int, dict[str, Any], int | None]]:
        """Give number, parameters and, where Optuna takes part, trial of the points that are missing."""
        request, space = job.plan.request, job.plan.space
        if request.method == "tpe":
            async for candidate in self._ask(job):
                yield candidate
            return
        source = space.walk(request.seed) if request.method == "grid" else space.sample(request.seed)
        number, last = 0, job.plan.total
        while last is None or number < last:
            # On another thread: a narrow constraint may let through one combination in a million.
            taken = await asyncio.to_thread(_take, source, min(64, last - number) if last is not None else 64)
            if not taken:
                return
            for parameters in taken:
                if number not in job.known:
                    trial = None
                    if job.study is not None:
                        trial = (await job.study.call("give", {"places": space.places(parameters)})).result["trial"]
                    yield number, parameters, trial
                number += 1

    async def _ask(self, job: _Job) -> AsyncIterator[tuple[int, dict[str, Any], int | None]]:
        """Ask TPE; what it proposes again is answered from memory, and drawn instead if that does not end."""
        space, study, request = job.plan.space, job.study, job.plan.request
        assert study is not None
        tried = {_text(point.parameters): number for number, point in job.known.items()}
        number = max(job.known, default=-1) + 1
        drawn = space.sample(request.seed)
        while job.plan.total is None or len(tried) < job.plan.total:
            found = None
            for _ in range(REPEATS):
                asked = (await study.call("ask", {})).result
                parameters = space.parameters(asked["places"])
                if not space.allows(parameters):
                    await study.call("tell", {"trial": asked["trial"], "state": "violating", "values": []})
                elif (earlier := tried.get(_text(parameters))) is not None:
                    # One that is still under way counts as a failure, which Optuna makes nothing of.
                    known = job.known.get(earlier, _Known(parameters, "failed", []))
                    told = {"trial": asked["trial"], "state": known.status, "values": known.values}
                    await study.call("tell", told)
                else:
                    found = (parameters, asked["trial"])
                    break
            if found is None:
                fresh = await asyncio.to_thread(lambda: next((it for it in drawn if _text(it) not in tried), None))
                if fresh is None:
                    return
                given = await study.call("give", {"places": space.places(fresh)})
                found = (fresh, given.result["trial"])
            tried[_text(found[0])] = number
            yield number, *found
            number += 1

    async def _open_study(self, job: _Job) -> None:
        space = job.plan.space
        job.study = await Child.spawn("search")
        earlier = [
            [space.places(point.parameters), point.status, point.values]
            for _, point in sorted(job.known.items(), key=lambda item: item[0])
        ]
        await job.study.call(
            "open",
            {
                "axes": [axis.to_json() for axis in space.axes],
                "directions": [objective.direction for objective in job.plan.objectives],
                # After a resumption other numbers are drawn than before it.
                "seed": (job.plan.request.seed + len(earlier)) % 2**32,
                "pruning": job.plan.request.pruning,
                "earlier": earlier,
            },
        )

    async def _try(self, job: _Job, number: int, parameters: dict[str, Any], trial: int | None) -> None:
        job.running += 1
        try:
            point, outcome, key = await self._run(job, number, parameters, trial)
        finally:
            job.running -= 1
        if point.error is not None and point.error.code in FATAL:
            job.fatal = TinoError.from_body(point.error)
            raise job.fatal
        if trial is not None and job.study is not None:
            await job.study.call("tell", {"trial": trial, "state": point.status, "values": point.values})
        await self._keep(job, point, outcome, key)

    async def _run(
        self, job: _Job, number: int, parameters: dict[str, Any], trial: int | None
    ) -> tuple[SweepPoint, dict[str, Any] | None, str]:
        """Give the point, what is to be stored of it if it was run to its end, and its key."""
        plan = job.plan
        key = ""
        started = time.monotonic()
        values: list[float | None] = [None] * len(plan.objectives)

        def ended(status: str, **more: Any) -> SweepPoint:
            fields = {"metrics": None, "sparkline": [], "cached": False, "error": None, "values": values, **more}
            took = round((time.monotonic() - started) * 1000)
            return SweepPoint(number=number, parameters=parameters, status=status, elapsed_ms=took, **fields)  # type: ignore[arg-type]

        try:
            complete = strategies.complete(plan.spec.strategy, {**plan.request.backtest.parameters, **parameters})
            key = _hash({**job.ingredients, "parameters": complete})
            stored = await self._find_result(key)
            if stored is not None:
                job.cached += 1
                self._learn(job, stored["facts"])
                values = _values(plan, stored["metrics"])
                return (
                    ended("finished", metrics=stored["metrics"], sparkline=stored["sparkline"], cached=True),
                    None,
                    key,
                )
            point: dict[str, Any] = {"parameters": complete}
            if plan.request.pruning:
                point |= {"checks": CHECKS, "metrics": [plan.objectives[0].metric]}

            def heard(name: str, said: dict[str, Any], tell: Tell) -> None:
                if name == "check" and trial is not None:
                    values[:] = said["values"]
                    checks.append(asyncio.create_task(self._check(job, trial, said, tell)))

            checks: list[asyncio.Task[None]] = []
            assert job.pool is not None
            try:
                outcome = await job.pool.submit(job.setup, point, heard)
            finally:
                for check in checks:
                    await check
        except TinoError as error:
            return ended("failed", error=error.body), None, key
        job.executed += 1
        if outcome.result["pruned"]:
            return ended("pruned"), None, key
        values = _values(plan, outcome.result["metrics"])
        self._learn(job, outcome.result)
        shown = {"metrics": outcome.result["metrics"], "sparkline": outcome.result["sparkline"]}
        return ended("finished", **shown), _row_of(outcome, key, self._clock.now_ms()), key

    async def _check(self, job: _Job, trial: int, said: dict[str, Any], tell: Tell) -> None:
        """Ask whether a point is worth going on with. What comes too late does no harm."""
        assert job.study is not None
        asked = {"trial": trial, "step": said["step"], "value": said["values"][0]}
        try:
            reply = await job.study.call("check", asked)
        except TinoError:
            return  # The sampler died: the sweep ends when the point is told to it.
        if reply.result["prune"]:
            tell("prune", {})

    def _learn(self, job: _Job, facts: dict[str, Any]) -> None:
        if job.sweep.currency is None:
            update = {"currency": facts["currency"], "periods_per_year": facts["periodsPerYear"]}
            job.sweep = job.sweep.model_copy(update=update)

    async def _find_result(self, key: str) -> dict[str, Any] | None:
        statement = select(point_results.c.metrics, point_results.c.sparkline, point_results.c.facts).where(
            point_results.c.key == key
        )
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        return None if row is None else {"metrics": row.metrics, "sparkline": row.sparkline, "facts": row.facts}

    async def _keep(self, job: _Job, point: SweepPoint, result: dict[str, Any] | None, key: str) -> None:
        """Commit a point, then let it count."""
        sweep, plan = job.sweep, job.plan
        row = {
            "sweep_id": sweep.id,
            "number": point.number,
            "key": key,
            "parameters": point.parameters,
            "status": point.status,
            "objectives": point.values,
            "cached": point.cached,
            "elapsed_ms": point.elapsed_ms,
            "error": None if point.error is None else point.error.model_dump(mode="json"),
        }
        subject = Subject(sweep.path, sweep.name, sweep.bar_types)
        tried = [_trial_of(plan, point, sweep.periods_per_year)] if point.status == "finished" else []

        def change(connection: Connection) -> None:
            if result is not None:
                connection.execute(insert(point_results).values(result).on_conflict_do_nothing())
            statement = insert(sweep_points).values(user_id=DEFAULT_USER, **row)
            connection.execute(statement.on_conflict_do_update(index_elements=["sweep_id", "number"], set_=dict(row)))
            count(connection, subject, tried, self._clock.now_ms())

        await self._writer.write(change, f"point {point.number} of sweep {sweep.id}")
        self._count_in(job, point)
        job.fresh.append(point)

    def _count_in(self, job: _Job, point: SweepPoint) -> None:
        job.known[point.number] = _Known(point.parameters, point.status, list(point.values))
        if point.status == "finished":
            job.best = _better(job.plan.objectives, job.best, point)
        elif point.error is not None:
            job.failures[point.error.message] = job.failures.get(point.error.message, 0) + 1

    async def _recall(self, job: _Job) -> None:
        """Take up the points of a sweep that is resumed, but for those that are tried again."""
        table = sweep_points
        statement = _select_points().where(table.c.sweep_id == job.sweep.id).order_by(table.c.number)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        for row in rows:
            point = _point_of(row)
            if point.error is not None and point.error.code in AGAIN:
                continue
            job.cached += point.cached
            self._count_in(job, point)

    # -- telling ---------------------------------------------------------------------------------------------------

    async def _keep_telling(self, job: _Job) -> None:
        due = 0.0
        told = None
        while True:
            await asyncio.sleep(TELL_SECONDS)
            now = time.monotonic()
            if job.fresh and now >= due:
                job.sweep = job.sweep.model_copy(update=await self._find_stable(job))
                due = now + max(STABLE_SECONDS, 30 * (time.monotonic() - now))
            state = (len(job.known), job.running, job.pool.size if job.pool else 0)
            if job.fresh or state != told:
                told = state
                self._tell(job)

    def _tell(self, job: _Job) -> None:
        job.sweep = job.sweep.model_copy(
            update={"progress": job.progress(), "elapsed_ms": job.elapsed_ms, "best": job.best}
        )
        first = True
        while job.fresh or first:
            points, job.fresh = job.fresh[:TOLD_AT_ONCE], job.fresh[TOLD_AT_ONCE:]
            first = False
            sweep = job.sweep
            self._hub.publish(
                SweepProgressed(
                    type="sweep.progressed",
                    id=sweep.id,
                    progress=sweep.progress,
                    elapsed_ms=sweep.elapsed_ms,
                    best=sweep.best,
                    plateau=sweep.plateau,
                    stable=sweep.stable,
                    points=points,
                )
            )

    async def _find_stable(self, job: _Job) -> dict[str, Any]:
        plan = job.plan
        listed = [
            (number, point.parameters, point.values[0] if point.values and point.status != "failed" else None)
            for number, point in list(job.known.items())
        ]
        maximize = plan.objectives[0].direction == "maximize"
        found = await asyncio.to_thread(find_stable, plan.space.axes, listed, maximize=maximize, partial=not plan.whole)
        if found is None:
            return {"plateau": None, "stable": None}
        statement = _select_points().where(
            sweep_points.c.sweep_id == job.sweep.id, sweep_points.c.number == found.number
        )
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        plateau = Plateau(number=found.number, mean=found.mean, worst=found.worst, neighbours=found.neighbours)
        return {"plateau": plateau, "stable": None if row is None else _point_of(row)}

    # -- storing ---------------------------------------------------------------------------------------------------

    async def _store(self, sweep: Sweep, *, job: _Job | None = None, new: bool = False, ending: bool = False) -> None:
        """Commit a step, then tell everybody."""
        summary = sweep.model_dump(mode="json")

        def change(connection: Connection) -> int:
            if new:
                assert job is not None
                connection.execute(
                    sweeps.insert().values(
                        id=sweep.id,
                        user_id=DEFAULT_USER,
                        status=sweep.status,
                        path=sweep.path,
                        name=sweep.name,
                        summary=summary,
                        code=sweep.code_hash,
                        data=_hash(_data_of(job.ingredients)),
                        created_at=sweep.created_at,
                    )
                )
            else:
                connection.execute(
                    sweeps.update().where(sweeps.c.id == sweep.id).values(status=sweep.status, summary=summary)
                )
            return append(
                connection,
                type_="sweep.changed",
                source="engine",
                source_event_id=f"{sweep.id}:{sweep.status}:{new_id('step')}",
                occurred_at=self._clock.now_ms(),
                payload={"type": "sweep.changed", "sweep": summary},
            )

        ledger_seq = await self._writer.write(change, f"sweep {sweep.id} is {sweep.status}")
        if ending:
            # Whoever asks after this event must find the sweep ended.
            self._jobs.pop(sweep.id, None)
        self._hub.publish(SweepChanged(type="sweep.changed", sweep=sweep), ledger_seq)

    async def _stored(self, sweep_id: str) -> tuple[Sweep, str, str]:
        statement = select(sweeps.c.summary, sweeps.c.code, sweeps.c.data).where(sweeps.c.id == sweep_id)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            raise TinoError("sweep_not_found", id=sweep_id)
        try:
            return Sweep.model_validate(row.summary), row.code, row.data
        except ValidationError as error:
            raise TinoError("sweep_not_found", id=sweep_id) from error

    def _current(self, stored: Sweep) -> Sweep:
        job = self._jobs.get(stored.id)
        return stored if job is None else job.sweep


def _directed(objective: Objective) -> Objective:
    direction = objective.direction or ("minimize" if objective.metric in LOWER_IS_BETTER else "maximize")
    return Objective(metric=objective.metric, direction=direction)


def _values(plan: _Plan, metrics: dict[str, Any]) -> list[float | None]:
    return [None if (value := metrics[objective.metric]) is None else float(value) for objective in plan.objectives]


def _better(objectives: Sequence[Objective], best: list[SweepPoint], point: SweepPoint) -> list[SweepPoint]:
    """Give the best points with one more: those that no other one betters in all objectives."""
    if None in point.values:
        return best
    signs = [1 if objective.direction == "maximize" else -1 for objective in objectives]

    def score(of: SweepPoint) -> tuple[float, ...]:
        return tuple(sign * (value or 0.0) for sign, value in zip(signs, of.values, strict=True))

    def dominates(one: SweepPoint, other: SweepPoint) -> bool:
        # Of equal ones the lower number: who ended first must not matter.
        a, b = score(one), score(other)
        return all(x >= y for x, y in zip(a, b, strict=True)) and (a != b or one.number <= other.number)

    if any(dominates(kept, point) for kept in best):
        return best
    front = [*(kept for kept in best if not dominates(point, kept)), point]
    return sorted(front, key=score, reverse=True)[:FRONT]


def _without_result(job: _Job) -> TinoError | None:
    """Say why a sweep that came to its end has nothing to show."""
    states = [point.status for point in job.known.values()]
    if not states or "finished" in states:
        return None
    failed, pruned = states.count("failed"), states.count("pruned")
    reason = max(job.failures, key=lambda text: job.failures[text]) if job.failures else ""
    return TinoError("sweep_without_result", failed=failed, pruned=pruned, reason=reason)


def _why_empty(plan: _Plan) -> str:
    if plan.request.points == 0:
        return "none are asked for"
    return f"the constraint “{plan.request.constraint}” allows none of its combinations"


def _no_progress(total: int | None) -> SweepProgress:
    return SweepProgress(
        done=0,
        total=total,
        pruned=0,
        failed=0,
        cached=0,
        running=0,
        workers=0,
        points_per_second=None,
        remaining_ms=None,
    )


def _trial_of(plan: _Plan, point: SweepPoint, periods_per_year: int | None) -> Trial:
    backtest, spec = plan.request.backtest, plan.spec
    assert point.metrics is not None
    name = spec_of(
        code=spec.code.code,
        parameters=strategies.complete(spec.strategy, {**backtest.parameters, **point.parameters}),
        venue=backtest.venue,
        adjustment=backtest.adjustment,
        from_day=backtest.from_,
        to_day=backtest.to,
    )
    return Trial(name, daily_sharpe(point.metrics.sharpe, periods_per_year or 252))


def _row_of(outcome: Outcome, key: str, now: int) -> dict[str, Any]:
    facts = ("days", "bars", "orders", "firstBarAt", "lastBarAt", "currency", "periodsPerYear")
    return {
        "key": key,
        "user_id": DEFAULT_USER,
        "metrics": outcome.result["metrics"],
        "sparkline": outcome.result["sparkline"],
        "facts": {name: outcome.result[name] for name in facts},
        "returns": zlib.compress(outcome.body, 1),
        "created_at": now,
    }


def _select_points() -> Any:
    return select(sweep_points, point_results.c.metrics, point_results.c.sparkline).outerjoin(
        point_results, point_results.c.key == sweep_points.c.key
    )


def _point_of(row: Any) -> SweepPoint:
    finished = row.status == "finished"
    return SweepPoint.model_validate(
        {
            "number": row.number,
            "parameters": row.parameters,
            "status": row.status,
            "values": row.objectives,
            "metrics": row.metrics if finished else None,
            "sparkline": row.sparkline if finished and row.sparkline else [],
            "cached": row.cached,
            "elapsedMs": row.elapsed_ms,
            "error": row.error,
        }
    )


def _data_of(ingredients: dict[str, Any]) -> dict[str, Any]:
    """Give what a sweep's points have in common besides the code."""
    return {name: ingredients[name] for name in ("data", "adjustment", "venue", "name")}


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def _text(parameters: dict[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True)


def _take[T](source: Iterator[T], count_: int) -> list[T]:
    taken = []
    for item in source:
        taken.append(item)
        if len(taken) >= count_:
            break
    return taken
