"""The engine: one object that owns everything the process does. HTTP is a view of it.

Start-up order is told in `supervision/handshake.py`. `Engine.close` undoes it: nothing new is taken, runs under way are
recorded as interrupted, children end, the last events are sent, the ledger is committed and the database closed. It runs
on every path that leaves the process a choice.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tino_engine import __version__, log
from tino_engine.api.sessions import Sessions
from tino_engine.backtest.jobs import Runs
from tino_engine.backtest.reports import Reports
from tino_engine.contracts import (
    PROTOCOL,
    ChildProcess,
    ClientJoined,
    ClientLeft,
    DataChanged,
    DownloadChanged,
    EngineChanged,
    EngineStatus,
    ImportChanged,
    RunListQuery,
    Snapshot,
)
from tino_engine.data import Catalog, Downloads, Fundamentals, Imports, Place, Quality, Uploads
from tino_engine.errors import TinoError
from tino_engine.hub import Hub
from tino_engine.ledger import Database, Writer, append, newest, read_after
from tino_engine.search import Sweeps
from tino_engine.search.cluster import make_executor
from tino_engine.search.trials import count_run
from tino_engine.search.validations import Validations
from tino_engine.secrets import Keys, find_keychain
from tino_engine.supervision.clock import SystemClock
from tino_engine.supervision.hang import HangWatch
from tino_engine.supervision.identity import SystemProcesses
from tino_engine.supervision.lease import TICK_SECONDS, Graces, Leases
from tino_engine.workers.child import Child
from tino_engine.workers.language_host import LanguageHost
from tino_engine.workers.pool import Single, Spare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tino_engine.contract_model import ContractModel
    from tino_engine.contracts import Bootstrap, Client, DataImport, Download, ShutdownRequest
    from tino_engine.settings import Home
    from tino_engine.supervision.clock import Clock
    from tino_engine.supervision.identity import Processes
    from tino_engine.supervision.lease import Lease

WARM_UP_SECONDS = 0.5
"""How long a client is here before a worker is made ready for it."""

EDIT_SECONDS = 2.0
"""How soon lists say that code was edited since it ran."""

logger = log.get("engine")


class Engine:
    """One running engine. Build it, `start` it, serve `api.create_app(engine)`, wait for `stopping`, `close` it."""

    version = __version__

    def __init__(
        self,
        home: Home,
        bootstrap: Bootstrap,
        port: int,
        *,
        clock: Clock | None = None,
        processes: Processes | None = None,
        lock_intact: Callable[[], bool] = lambda: True,
    ) -> None:
        self.home = home
        self.bootstrap = bootstrap
        self.port = port
        self.pid = os.getpid()
        self.instance = secrets.token_hex(16)
        self.token = secrets.token_hex(32)
        self.state = "starting"
        self.clock = clock or SystemClock()
        self.processes = processes or SystemProcesses()
        self.started_at = self.clock.now_ms()
        self.stopping = asyncio.Event()
        self._lock_intact = lock_intact
        self._tasks: set[asyncio.Task[Any]] = set()
        self._refresh_wanted = asyncio.Event()

        self.sessions = Sessions(self.token, self.instance, self.clock)
        self.hub = Hub(self.instance, self.clock.now_ms)
        self.database = Database.open(home.database, log_path=home.log)
        self.writer = Writer(self.database)
        self.hang_watch = HangWatch(home.logs / "engine-stacks.log", self.clock)
        self.spare = Spare()
        self.data_child = Single("data")
        self.catalog = Catalog(
            self.database,
            self.writer,
            self.data_child.get,
            home.data,
            self._data_changed,
            in_use=lambda: self.runs.running + self.runs.queued + self.sweeps.running + self.validations.running > 0,
        )
        self.imports = Imports(
            self.catalog,
            self.data_child.get,
            _spawn_data,
            self.clock.now_ms,
            self._import_changed,
            home.log,
        )
        self.quality = Quality(self.catalog, self.database, self.writer, _spawn_data)
        self.fundamentals = Fundamentals(self.catalog, self.database, self.writer, _spawn_data)
        self.uploads = Uploads(home.data / "uploads")
        self.keys = Keys(self.database, self.writer, self.clock.now_ms, lambda: find_keychain(str(home.root)))
        self.place = self.catalog.place = Place(
            self.database, self.writer, self.keys, lambda: Child.spawn("data"), home.data / "catalog", self.clock.now_ms
        )
        self.downloads = Downloads(
            self.catalog,
            self.database,
            self.keys,
            lambda: Child.spawn("provide"),
            self.clock.now_ms,
            self._download_changed,
            home.data,
            home.root / "providers",
            home.log,
        )
        self.language = LanguageHost(self._language_facts)
        self.runs = Runs(
            home,
            self.database,
            self.writer,
            self.hub,
            self.catalog,
            self.spare,
            self.clock,
            self._refresh_wanted.set,
            count_run,
        )
        self.reports = Reports(self.runs, self.data_child.get, bootstrap.dashboard_path)
        self.validation_child = Single("validation")
        self.validations = Validations(
            home,
            self.database,
            self.writer,
            self.hub,
            self.catalog,
            self.clock,
            self.validation_child,
            lambda workers, cluster: make_executor(self.processes.memory_bytes, workers, cluster),
        )
        self.sweeps = Sweeps(
            home,
            self.database,
            self.writer,
            self.hub,
            self.catalog,
            self.spare,
            self.clock,
            self.processes.memory_bytes,
        )
        self.leases = Leases(
            home.clients,
            self.clock,
            self.processes,
            Graces(bootstrap.window_grace_ms / 1000, bootstrap.terminal_grace_ms / 1000),
            busy=lambda: (
                self.runs.running
                + self.runs.queued
                + self.imports.running
                + self.validations.running
                + self.downloads.running
                + self.sweeps.running
                > 0
            ),
            on_join=lambda client: self._client_event(ClientJoined(type="client.joined", client=client), client),
            on_leave=self._client_left,
            on_idle=lambda: self.stop("nobody uses it"),
        )

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up the state an earlier engine left, and begin to watch."""
        self.writer.start()
        self.hub.ledger_seq = await self.database.read(newest)
        await self.runs.recover()
        await self.sweeps.recover()
        await self.validations.recover()
        await self.catalog.recover()
        await asyncio.to_thread(self.uploads.clear)
        self.state = "healthy"
        self.leases.start()
        self._spawn(self._watch())
        self._spawn(self._keep_language_host_informed())
        self._spawn(self._look_for_edits())
        logger.info("healthy", pid=self.pid, port=self.port, instance=self.instance, version=self.version)

    def stop(self, reason: str, *, wanted: bool = True, after: float = 0.0) -> None:
        """Begin to end; safe to call more than once, from the event loop only.

        From here on nobody new is let in. Clients that are told leave it at that; an end that nobody `wanted` they are
        not told, so that they start another engine as after a crash. `after` seconds are left for replies to go out.
        """
        if self.state == "stopping":
            return
        self.state = "stopping"
        logger.info("stopping", reason=reason)
        if wanted:
            self.hub.publish(EngineChanged(type="engine.changed", state="stopping"))
        asyncio.get_running_loop().call_later(after, self.stopping.set)

    async def close(self) -> None:
        """End everything in order, see the head of this file. A step that fails is logged, and the next one is taken."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for part, close in (
            ("downloads", self.downloads.close),
            ("imports", self.imports.close),
            ("validations", self.validations.close),
            ("validation_child", self.validation_child.close),
            ("runs", self.runs.close),
            ("sweeps", self.sweeps.close),
            ("spare", self.spare.close),
            ("data_child", self.data_child.close),
            ("language_host", self.language.close),
            ("writer", self.writer.close),
            ("database", lambda: asyncio.to_thread(self.database.close)),
        ):
            try:
                await close()
            except Exception:
                logger.exception("not_closed", part=part)
        self.hub.close()
        logger.info("stopped")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.state == "stopping":
                return  # The end has a timer of its own.
            # The watch decides when the engine ends: a fault in one look must not leave it running for ever.
            for look in (self.hang_watch.tick, self.leases.tick, self._look_at_lock):
                try:
                    look()
                except Exception:
                    logger.exception("watch_failed")

    def _look_at_lock(self) -> None:
        if not self._lock_intact():
            self.stop("the run directory was removed", wanted=False)

    # -- what requests need ----------------------------------------------------------------------------------------

    def status(self) -> EngineStatus:
        """Describe the engine as it is now."""
        self.leases.tick()
        children = [
            ("language", self.language.running),
            ("data", self.data_child.running),
            ("spare", self.spare.running),
            ("validation", self.validation_child.running),
            *(("work", child) for child in self.validations.workers),
            *(("work", child) for child in (*self.runs.workers, *self.sweeps.workers)),
            *(("data", child) for child in self.imports.children.values()),
            *(("provide", child) for child in self.downloads.children.values()),
        ]
        return EngineStatus(
            state=self.state,  # type: ignore[arg-type]
            mode="PAPER",
            pid=self.pid,
            port=self.port,
            instance=self.instance,
            protocol=PROTOCOL,
            version=self.version,
            started_at=self.started_at,
            now=self.clock.now_ms(),
            python_path=sys.executable,
            home=str(self.home.root),
            log_path=str(self.home.log),
            memory_bytes=self.processes.memory_bytes(self.pid),
            clients=self.leases.clients(),
            runs_running=self.runs.running,
            runs_queued=self.runs.queued,
            children=[
                ChildProcess(role=role, pid=child.pid, memory_bytes=self.processes.memory_bytes(child.pid))  # type: ignore[arg-type]
                for role, child in children
                if child is not None
            ],
        )

    async def snapshot(self, known: int | None = None) -> Snapshot:
        """Give what a viewer starts from; what happens while it is put together comes as events after it.

        `known` is the newest durable event the viewer heard of, perhaps from an engine that died: the later ones are
        told with it.
        """
        seq, ledger_seq = self.hub.seq, self.hub.ledger_seq
        missed = []
        if known is not None and known < ledger_seq:
            missed = await self.database.read(lambda connection: read_after(connection, known, ledger_seq))
        listed = await self.runs.list(RunListQuery(limit=50))
        pinned = await self.runs.list(RunListQuery(limit=1000, pinned=True))
        shown = {run.id: run for run in [*listed.runs, *pinned.runs]}
        return Snapshot(
            kind="snapshot",
            instance=self.instance,
            seq=seq,
            ledger_seq=ledger_seq,
            missed=missed,
            status=self.status(),
            runs=[*shown.values(), *(run for run in self.runs.under_way if run.id not in shown)],
        )

    def require_trusted(self, path: str) -> list[str]:
        """Give the trusted folders that hold the path; raise `workspace_untrusted` when none does."""
        try:
            target = Path(path).resolve()
        except (OSError, ValueError) as error:
            # A loop of links, or text that no file system takes for a path.
            raise TinoError("workspace_untrusted", path=path) from error
        roots = [folder for folder in self.leases.trusted_folders() if target.is_relative_to(Path(folder).resolve())]
        if not roots:
            raise TinoError("workspace_untrusted", path=path)
        return roots

    def request_shutdown(self, request: ShutdownRequest) -> None:
        """Stop, unless others use the engine; raise `engine_busy` with who they are."""
        if not request.force:
            holders = [_describe(client) for client in self.leases.others(request.nonce)]
            busy = self.runs.running + self.runs.queued
            if busy:
                holders.append(f"{busy} run{'s' if busy > 1 else ''} under way")
            if self.imports.running:
                holders.append("an import under way")
            if self.sweeps.running:
                holders.append("a sweep under way")
            if self.validations.running:
                holders.append("a validation under way")
            if self.downloads.running:
                holders.append("a download under way")
            if not holders and self.leases.awaits_window(request.nonce):
                holders.append("a window that may be reloading")
            if holders:
                raise TinoError("engine_busy", holders=", ".join(holders))
        self.stop("asked to", after=0.05)

    # -- events ----------------------------------------------------------------------------------------------------

    def _client_event(self, event: ContractModel, client: Client) -> None:
        if client.kind != "browser" and self.state == "healthy":
            self._spawn(self._warm_up())
        self._spawn(self._record_client(event, client))

    def _client_left(self, lease: Lease) -> None:
        client = lease.public()
        self._client_event(ClientLeft(type="client.left", client=client), client)
        if self.state != "stopping":
            # While the engine ends it closes the sockets itself: then nobody left, and the runs are interrupted.
            self._spawn(self.runs.cancel_owned(lease.key))
            self._spawn(self.sweeps.stop_owned(lease.key))
            self._spawn(self.validations.cancel_owned(lease.key))

    async def _warm_up(self) -> None:
        # Clients that come back after a crash wait for the engine's answer, which a starting worker would hold up.
        await asyncio.sleep(WARM_UP_SECONDS)
        await self.spare.warm_up()

    async def _record_client(self, event: Any, client: Client) -> None:
        payload = event.model_dump(mode="json")
        ledger_seq = await self.writer.write(
            lambda connection: append(
                connection,
                type_=event.type,
                source="engine",
                source_event_id=f"{self.instance}:{event.type}:{client.kind}:{client.pid}:{client.since}:{secrets.token_hex(4)}",
                occurred_at=self.clock.now_ms(),
                payload=payload,
            ),
            event.type,
        )
        self.hub.publish(event, ledger_seq)

    def _import_changed(self, job: DataImport) -> None:
        self.hub.publish(ImportChanged.model_validate({"type": "import.changed", "import": job}))

    def _download_changed(self, job: Download) -> None:
        self.hub.publish(DownloadChanged(type="download.changed", download=job))

    def _data_changed(self, bar_types: list[str]) -> None:
        self.hub.publish(DataChanged(type="data.changed", bar_types=bar_types))
        self._refresh_wanted.set()

    async def _language_facts(self) -> dict[str, dict[str, Any]]:
        symbols = await self.catalog.symbols()
        runs = await self.runs.latest()
        return {
            "catalog": symbols.model_dump(mode="json"),
            "runs": {"runs": [run.model_dump(mode="json") for run in runs]},
        }

    async def _keep_language_host_informed(self) -> None:
        while True:
            await self._refresh_wanted.wait()
            self._refresh_wanted.clear()
            try:
                await self.language.refresh()
            except Exception:
                logger.exception("language_host_not_informed")

    async def _look_for_edits(self) -> None:
        while True:
            await asyncio.sleep(EDIT_SECONDS)
            try:
                await self.runs.look_for_edits()
            except Exception:
                logger.exception("edits_not_looked_for")

    def _spawn(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _spawn_data() -> Child:
    return await Child.spawn("data")


def _describe(client: Client) -> str:
    names = {"vscode": "window", "cli": "terminal", "browser": "browser page", "trader": "trader"}
    where = client.workspace or client.tty
    process = f" {client.pid}" if client.pid is not None else ""
    return f"{names[client.kind]}{process}{f' ({where})' if where else ''}"
