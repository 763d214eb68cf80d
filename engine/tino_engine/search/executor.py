"""Where the points of a search are run: many small runs of one strategy over the same data.

An `Executor` is what `concurrent.futures.Executor` is, for an event loop: `submit` gives a future at once, futures end in any
order, `shutdown` ends everything. What is submitted is data, not a function, because it crosses to another process:

- a `Setup` is what many points have in common (strategy, series, venue). It is sent to a process when its first point comes, and
  kept there: code is loaded and bars are read once.
- a point is what is its own: `{"parameters": {…}}`, and what else `nautilus/points.py` understands: `fromNs` and `toNs` narrow the
  time, `collect` asks for more than figures, `checks` for intermediate values.

A future gives an `Outcome`, or raises a `TinoError`: the point's own (`strategy_failed`, `data_missing`, …), `worker_died` when its
process ended under way, `sweep_workers_failed` when no process can be had. **A dead process costs the point that it ran and nothing
else**: the next point gets a new process. A future that is cancelled before its turn is never run; one that is cancelled under way
ends its process, since a strategy need not come back.

`Pool` runs points in workers of this machine. How many is limited by a budget of memory: it starts with as many as would fit if each
took what a worker usually takes, then looks at what they really take after each point, and ends those that do not fit.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from tino_engine import log
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tino_engine.workers.child import Child

    type OnEvent = Callable[[str, dict[str, Any], Tell], None]
    """Takes what a point says on its way, and what to answer with."""
    type Tell = Callable[[str, dict[str, Any]], None]

WORKER_BYTES = 160 * 1024 * 1024
"""What a worker with a year of minutes takes; measured, not promised."""

MAX_FAILED_STARTS = 3
"""Processes in a row that ended before their first point before it is given up."""

logger = log.get("search")


@dataclass(frozen=True)
class Setup:
    """What many points have in common: the parameters of the worker's call `point` but for the point itself."""

    params: dict[str, Any]

    @cached_property
    def key(self) -> str:
        """Name it by its content."""
        return hashlib.sha256(json.dumps(self.params, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a point: `result` as JSON and `body`, bytes of float64, as `nautilus/points.py` says."""

    result: dict[str, Any]
    body: bytes


class Executor(Protocol):
    """Runs points somewhere."""

    @property
    def size(self) -> int:
        """How many points it runs at once, now."""
        ...

    def submit(self, setup: Setup, point: dict[str, Any], on_event: OnEvent | None = None) -> asyncio.Future[Outcome]:
        """Queue a point; see the head of this file."""
        ...

    async def shutdown(self) -> None:
        """End everything that runs; what has not ended is cancelled."""
        ...


@dataclass(slots=True, eq=False)
class _Item:
    setup: Setup
    point: dict[str, Any]
    on_event: OnEvent | None
    future: asyncio.Future[Outcome]


@dataclass(slots=True, eq=False)
class _Slot:
    """One process, and what it knows."""

    child: Child | None = None
    setup_key: str | None = None
    task: asyncio.Task[None] | None = None
    item: _Item | None = None


@dataclass(slots=True, eq=False)
class Pool:
    """The executor of this machine. Build it on a running event loop.

    `spawn` gives a new worker, `memory_of` the resident bytes of a process.
    """

    spawn: Callable[[], Awaitable[Child]]
    memory_of: Callable[[int], int]
    workers: int
    memory_bytes: int
    _waiting: asyncio.Queue[_Item] = field(default_factory=asyncio.Queue)
    _slots: list[_Slot] = field(default_factory=list)
    _killing: set[asyncio.Future[None]] = field(default_factory=set)
    _failed_starts: int = 0
    _closed: bool = False

    def __post_init__(self) -> None:
        fitting = max(1, min(self.workers, self.memory_bytes // WORKER_BYTES))
        for _ in range(fitting):
            slot = _Slot()
            slot.task = asyncio.get_running_loop().create_task(self._serve(slot), name="search-worker")
            self._slots.append(slot)

    @property
    def size(self) -> int:
        """How many points it runs at once, now."""
        return len(self._slots)

    @property
    def children(self) -> list[Child]:
        """The processes there are."""
        return [slot.child for slot in self._slots if slot.child is not None and not slot.child.gone.is_set()]

    def submit(self, setup: Setup, point: dict[str, Any], on_event: OnEvent | None = None) -> asyncio.Future[Outcome]:
        """Queue a point."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.cancel()
            return future
        item = _Item(setup, point, on_event, future)
        future.add_done_callback(lambda _: self._cancelled(item) if future.cancelled() else None)
        self._waiting.put_nowait(item)
        return future

    async def shutdown(self) -> None:
        """End every process; what has not ended is cancelled."""
        self._closed = True
        while not self._waiting.empty():
            self._waiting.get_nowait().future.cancel()
        for slot in self._slots:
            if slot.item is not None:
                slot.item.future.cancel()
        tasks = [slot.task for slot in self._slots if slot.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(slot.child.kill() for slot in self._slots if slot.child is not None))
        self._slots.clear()

    # -- one process -----------------------------------------------------------------------------------------------

    async def _serve(self, slot: _Slot) -> None:
        while slot in self._slots:
            item = await self._waiting.get()
            if item.future.done():
                continue
            slot.item = item
            try:
                await self._run(slot, item)
            finally:
                slot.item = None
            if not self._fits():
                await self._retire(slot)

    async def _run(self, slot: _Slot, item: _Item) -> None:
        child = await self._ready(slot, item)
        if child is None:
            return
        known = slot.setup_key == item.setup.key
        params = {"key": item.setup.key, "point": item.point} | ({} if known else {"setup": item.setup.params})
        slot.setup_key = item.setup.key

        def heard(name: str, said: dict[str, Any], _body: bytes) -> None:
            if item.on_event is not None:
                item.on_event(name, said, child.notify)

        try:
            reply = await child.call("point", params, on_event=heard)
        except TinoError as error:
            if child.gone.is_set():
                logger.warning("search_worker_died", child_pid=child.pid, reason=error.body.message)
                slot.child = None
            _settle(item.future, error=error)
        else:
            _settle(item.future, outcome=Outcome(reply.result, reply.body))

    async def _ready(self, slot: _Slot, item: _Item) -> Child | None:
        """Give the slot's process, a new one if need be; None when the item has ended instead."""
        while slot.child is None or slot.child.gone.is_set():
            slot.child, slot.setup_key = None, None
            try:
                slot.child = await self.spawn()
                await slot.child.ready()
                self._failed_starts = 0
            except TinoError as error:
                self._failed_starts += 1
                logger.warning("search_worker_not_started", reason=error.body.message)
                if self._failed_starts >= MAX_FAILED_STARTS:
                    reason = error.body.message.rstrip(".")
                    _settle(item.future, error=TinoError("sweep_workers_failed", reason=reason, log="engine.log"))
                    return None
        return slot.child

    async def _retire(self, slot: _Slot) -> None:
        child, slot.child = slot.child, None
        self._slots.remove(slot)
        logger.info("search_worker_retired", left=len(self._slots))
        if child is not None:
            await child.close(patience=0)

    def _fits(self) -> bool:
        if len(self._slots) <= 1:
            return True
        return sum(self.memory_of(child.pid) for child in self.children) <= self.memory_bytes

    # -- parts -----------------------------------------------------------------------------------------------------

    def _cancelled(self, item: _Item) -> None:
        """End the process that runs a cancelled item: the call that waits for it ends with `worker_died`, which nobody hears."""
        for slot in self._slots:
            if slot.item is item and slot.child is not None and not self._closed:
                killing = asyncio.ensure_future(slot.child.kill())
                self._killing.add(killing)
                killing.add_done_callback(self._killing.discard)


def _settle(future: asyncio.Future[Outcome], *, outcome: Outcome | None = None, error: TinoError | None = None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        assert outcome is not None
        future.set_result(outcome)


def free_memory_bytes() -> int:
    """Give half of the memory that programs could take now."""
    import psutil  # noqa: PLC0415 - asked once a search

    return psutil.virtual_memory().available // 2


def processors() -> int:
    """Give how many processors this process may use."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
