"""The engine's side of the language host: one child for all windows, messages passed through unread.

The host knows what the engine tells it: what the catalog holds and the newest run of each strategy, sent when it starts
and whenever they change. When it dies, the sockets of all its connections are closed; the editors' clients come back, and
the first of them starts a new one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tino_engine import log
from tino_engine.errors import TinoError
from tino_engine.workers.pool import Single

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tino_engine.workers.child import Child

logger = log.get("language")
MAX_WAITING = 10_000


class Connection:
    """One editor's session."""

    def __init__(self, number: int, child: Child, on_close: Callable[[Connection], None]) -> None:
        self.number = number
        self._child = child
        self._on_close = on_close
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)

    def send(self, message: bytes) -> None:
        """Pass one JSON-RPC message to the host."""
        if message:
            self._child.notify("message", {"connection": self.number}, message)

    async def receive(self) -> bytes | None:
        """Wait for the host's next message; None when the session ended."""
        return await self._incoming.get()

    def deliver(self, message: bytes | None) -> None:
        """Take what the host said; an editor that does not read is cut off."""
        try:
            self._incoming.put_nowait(message)
        except asyncio.QueueFull:
            self._incoming = asyncio.Queue()
            self._incoming.put_nowait(None)

    def close(self) -> None:
        """End the session."""
        self._child.notify("close", {"connection": self.number})
        self._on_close(self)


class LanguageHost:
    """Opens sessions and keeps the host informed. `facts` gives the current catalog and runs, as frames' parameters."""

    def __init__(self, facts: Callable[[], Awaitable[dict[str, dict[str, Any]]]]) -> None:
        self._facts = facts
        self._single = Single("language", self._started)
        self._connections: dict[int, Connection] = {}
        self._next = 1
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> Child | None:
        """The host's process, if it is there."""
        return self._single.running

    async def open(self) -> Connection:
        """Open a session, starting the host if need be."""
        child = await self._single.get()
        connection = Connection(self._next, child, self._closed)
        self._next += 1
        self._connections[connection.number] = connection
        child.notify("open", {"connection": connection.number})
        return connection

    async def refresh(self) -> None:
        """Tell the host what changed; nothing happens while there is none."""
        if (child := self.running) is None:
            return
        for name, params in (await self._facts()).items():
            child.notify(name, params)

    async def close(self) -> None:
        """End the host."""
        await self._single.close()

    def _started(self, child: Child) -> None:
        child.listen(self._heard)
        self._spawn(self._introduce(child))
        self._spawn(self._watch(child))

    async def _introduce(self, child: Child) -> None:
        try:
            await child.ready()
            await self.refresh()
        except TinoError as error:
            logger.warning("host_not_started", reason=error.body.message)

    async def _watch(self, child: Child) -> None:
        await child.gone.wait()
        for connection in list(self._connections.values()):
            connection.deliver(None)

    def _heard(self, name: str, params: dict[str, Any], body: bytes) -> None:
        connection = self._connections.get(params.get("connection", 0))
        if connection is None:
            return
        if name == "message":
            connection.deliver(body)
        elif name == "closed":
            connection.deliver(None)

    def _closed(self, connection: Connection) -> None:
        self._connections.pop(connection.number, None)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
