"""Points on a Dask cluster: the same interface as the processes of this machine, and the same results.

A child of the engine speaks to the scheduler (`workers/cluster.py`), because distributed must not be loaded here. On each thread of a
Dask worker a process of tino's runs the points, as it would here, so that a strategy that kills its process costs its point.

**When the scheduler is gone**, points under way are lost with it, and those waiting cannot be given away. The child is started anew, which
connects anew, after each of PAUSES; every point that was lost is submitted again, which does no harm since a point is what its
parameters say. When that has not helped either, points end with `cluster_unreachable`, whose hint offers this machine.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tino_engine import log
from tino_engine.errors import TinoError
from tino_engine.search.executor import Outcome, Pool, Setup, free_memory_bytes, processors
from tino_engine.workers.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.search.executor import Executor, OnEvent

PAUSES = (0.5, 2.0)
"""Seconds before each further attempt to reach a scheduler that is gone."""
AHEAD = 3
"""Points given away for each thread of the cluster: one runs, the others travel."""

logger = log.get("search")


def make_executor(memory_of: Callable[[int], int], workers: int | None, cluster: str | None) -> Executor:
    """Make what runs points: a cluster if its address is given, else processes of this machine."""
    if cluster is not None:
        return Cluster(cluster)
    return Pool(lambda: Child.spawn("work"), memory_of, workers or processors(), free_memory_bytes())


@dataclass(slots=True, eq=False)
class Cluster:
    """The executor of a Dask cluster. Build it on a running event loop; it connects with the first point."""

    address: str
    _child: Child | None = None
    _threads: int = 1
    _connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _room: asyncio.Semaphore | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _gone: TinoError | None = None
    _closed: bool = False

    @property
    def size(self) -> int:
        """How many points it runs at once, as far as it is known."""
        return self._threads

    @property
    def children(self) -> list[Child]:
        """The process that speaks to the scheduler."""
        return [self._child] if self._child is not None and not self._child.gone.is_set() else []

    def submit(self, setup: Setup, point: dict[str, Any], on_event: OnEvent | None = None) -> asyncio.Future[Outcome]:
        """Queue a point. What a point would say on its way is not heard from a cluster: nothing is pruned there."""
        del on_event
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.cancel()
            return future
        task = asyncio.get_running_loop().create_task(self._run(setup, point, future), name="cluster-point")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        future.add_done_callback(lambda _: task.cancel() if future.cancelled() else None)
        return future

    async def shutdown(self) -> None:
        """Leave the cluster; what has not ended is cancelled."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._child is not None:
            await self._child.kill()

    async def _run(self, setup: Setup, point: dict[str, Any], future: asyncio.Future[Outcome]) -> None:
        try:
            while True:
                child = await self._connected()
                assert self._room is not None
                try:
                    async with self._room:
                        params = {"key": setup.key, "setup": setup.params, "point": point}
                        reply = await child.call("point", params)
                except TinoError as error:
                    if error.code != "cluster_unreachable" and not child.gone.is_set():
                        raise
                    await self._lost(child, error)
                    continue
                if not future.done():
                    future.set_result(Outcome(reply.result, reply.body))
                return
        except asyncio.CancelledError:
            future.cancel()
            raise
        except TinoError as error:
            if not future.done():
                future.set_exception(error)

    async def _lost(self, child: Child, error: TinoError) -> None:
        """Give up a connection that failed: the first point that finds it does, the others find it done."""
        async with self._connecting:
            if self._child is child:
                logger.warning("cluster_lost", address=self.address, reason=error.body.message)
                self._child = None
                await child.kill()

    async def _connected(self) -> Child:
        async with self._connecting:
            if self._gone is not None:
                raise self._gone
            if self._child is not None and not self._child.gone.is_set():
                return self._child
            for pause in (0.0, *PAUSES):
                await asyncio.sleep(pause)
                child = await Child.spawn("cluster")
                try:
                    reply = await child.call("connect", {"address": self.address})
                except TinoError as error:
                    await child.kill()
                    failure = error if error.code in ("cluster_unreachable", "cluster_unfit") else None
                    self._gone = failure or TinoError(
                        "cluster_unreachable", address=self.address, reason=error.body.message.rstrip(".")
                    )
                    if error.code == "cluster_unfit":
                        raise
                except BaseException:
                    await child.kill()
                    raise
                else:
                    self._child, self._gone = child, None
                    self._threads = max(1, reply.result["threads"])
                    self._room = asyncio.Semaphore(AHEAD * self._threads)
                    logger.info("cluster_joined", address=self.address, threads=self._threads)
                    return child
            assert self._gone is not None
            raise self._gone
