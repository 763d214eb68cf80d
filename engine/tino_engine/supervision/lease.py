"""Who uses the engine, and when nobody does.

A client holds a lease in two ways: its lock file in `run/cli`, written before it even looks for the engine, and its open
event socket. It is live while either stands: a socket that is open, or a lock file whose process is alive (same PID, same
start, same boot). So a client between "lock written" and "socket open" counts, a client whose socket broke counts, and one
that was SIGKILLed stops counting within a tick, because the kernel closed its socket and its PID is gone or another's.

The engine decides alone, because it sees both and is still there when every client was killed. It is also the only one
that removes dead files: a client that unlinked "dead" ones would race with a PID that was reused in between. It looks
every second and at once when a socket closes.

    live client, run or trader  →  stays
    nobody                      →  waits: each client that left keeps the engine for its grace (a window for longer, since a
                                   window that reloads is gone for a moment), then `on_idle`

Three things must not end it early. A directory or a file that cannot be read is not an empty one: whoever held a lease by it
goes on holding it while the process lives. A suspended machine wakes up with every deadline passed: a tick that comes more
than three intervals late starts the waiting anew. A lock file of another PID namespace says nothing of its process: only its
socket keeps the engine.

Two things must not keep it for ever. A dead file that cannot be removed counts once and no more. A client that could not
read its own start (outside Linux) has it bound here when its file is first seen, and a process that began after the file
says its writer came is not the writer: its PID was reused while no engine looked.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tino_engine import log
from tino_engine.contracts import Client, LockFile
from tino_engine.supervision.identity import Liveness, look

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tino_engine.contracts import Hello
    from tino_engine.supervision.clock import Clock
    from tino_engine.supervision.identity import Processes

TICK_SECONDS = 1.0
GAP_FACTOR = 3
START_TOLERANCE_MS = 2_000
"""Starts are whole seconds outside Linux, and a client notes when it came a moment after it began."""
_NAME = re.compile(r"cli-(\d+)\.lock")

logger = log.get("supervision")


@dataclass(frozen=True, slots=True)
class Graces:
    """How long a client that left keeps the engine, in seconds."""

    window: float = 30.0
    terminal: float = 5.0

    def of(self, kind: str) -> float:
        """Give the grace of a kind of client."""
        return self.window if kind == "vscode" else self.terminal


@dataclass(slots=True)
class Lease:
    """One client: what its lock file says, and how many of its sockets are open."""

    key: str
    kind: str
    pid: int | None
    since: int
    tty: str | None = None
    workspace: str | None = None
    start_id: str | None = None
    boot_id: str | None = None
    sockets: int = 0
    alive: bool = False
    trusted_folders: tuple[str, ...] = ()
    announced: bool = False

    def public(self) -> Client:
        """Give the client as others see it."""
        return Client(
            kind=self.kind,  # type: ignore[arg-type]
            pid=self.pid,
            since=self.since,
            tty=self.tty,
            workspace=self.workspace,
            connected=self.sockets > 0,
        )

    @property
    def live(self) -> bool:
        """Whether it holds the engine."""
        return self.sockets > 0 or self.alive


@dataclass(slots=True)
class Leases:
    """All clients. `on_join` and `on_leave` are called once for each coming and going, `on_idle` once, at the end."""

    directory: Path
    clock: Clock
    processes: Processes
    graces: Graces
    busy: Callable[[], bool]
    on_join: Callable[[Client], None]
    on_leave: Callable[[Lease], None]
    on_idle: Callable[[], None]
    _leases: dict[str, Lease] = field(default_factory=dict)
    _deadline: float = 0.0
    _window_until: float = 0.0
    _last_tick: float = 0.0
    _idle: bool = False
    _dead: set[str] = field(default_factory=set)
    """Nonces of dead files that have been counted."""
    _troubles: frozenset[str] = frozenset()
    """What could not be read at the last look, so that each trouble is logged once and not every second."""

    def start(self) -> None:
        """Begin: the spawner, whoever it was, counts as having just been here."""
        now = self.clock.monotonic()
        self._last_tick = now
        self._deadline = now + self.graces.terminal
        self.tick()

    # -- sockets ---------------------------------------------------------------------------------------------------

    def opened(self, hello: Hello) -> Lease:
        """Take in a client's hello; its lease is found by the nonce of its lock file, a browser page gets one of its own."""
        if hello.nonce is not None and hello.nonce not in self._leases:
            self._scan()
        lease = self._leases.get(hello.nonce or "")
        if lease is None:
            key = hello.nonce or f"page-{secrets.token_hex(8)}"
            lease = self._leases[key] = Lease(key, hello.client, hello.pid, self.clock.now_ms())
        lease.sockets += 1
        lease.workspace = hello.workspace or lease.workspace
        lease.trusted_folders = tuple(hello.trusted_folders)
        self._announce(lease)
        return lease

    def closed(self, lease: Lease) -> None:
        """Note that one of the client's sockets closed, and look at once."""
        lease.sockets -= 1
        self.tick()

    # -- looking ---------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at the directory and decide. Safe to call at any time, as often as one likes."""
        now = self.clock.monotonic()
        if now - self._last_tick > GAP_FACTOR * TICK_SECONDS:
            logger.info("tick_gap", seconds=round(now - self._last_tick, 1))
            self._deadline = max(self._deadline, now + self.graces.window)
        self._last_tick = now
        self._scan()
        for lease in [lease for lease in self._leases.values() if not lease.live]:
            del self._leases[lease.key]
            self._wait_for(lease.kind)
            if lease.announced:
                logger.info("client_left", kind=lease.kind, pid=lease.pid)
                self.on_leave(lease)
        if self._idle or self._leases:
            return
        if self.busy():
            self._deadline = max(self._deadline, now + self.graces.terminal)
        elif now >= self._deadline:
            self._idle = True
            self.on_idle()

    def _wait_for(self, kind: str) -> None:
        """Keep the engine for the grace of a client that left."""
        until = self.clock.monotonic() + self.graces.of(kind)
        self._deadline = max(self._deadline, until)
        if kind == "vscode":
            self._window_until = max(self._window_until, until)

    def _scan(self) -> None:
        troubles: set[str] = set()
        held: set[str] = set()
        for path in self._lock_files(troubles):
            pid = int(_NAME.fullmatch(path.name)[1])  # type: ignore[index]
            try:
                lock = LockFile.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValidationError) as error:
                # Half a file cannot be: it is renamed into place. Somebody else's content is left to people.
                troubles.add(f"{path.name}: {type(error).__name__}")
                held |= {lease.key for lease in self._leases.values() if lease.pid == pid and self._still_alive(lease)}
                continue
            if lock.pid != pid:
                continue
            match self._look(lock):
                case Liveness.ALIVE:
                    held.add(lock.nonce)
                    self._hold(lock)
                case Liveness.DEAD:
                    self._remove(path, lock, troubles)
                case Liveness.UNKNOWN:
                    pass
        if "directory" in troubles:
            held |= {lease.key for lease in self._leases.values() if self._still_alive(lease)}
        for lease in self._leases.values():
            lease.alive = lease.key in held
        for trouble in troubles - self._troubles:
            logger.warning("lock_directory_trouble", what=trouble)
        self._troubles = frozenset(troubles)

    def _lock_files(self, troubles: set[str]) -> list[Path]:
        try:
            return [path for path in self.directory.iterdir() if _NAME.fullmatch(path.name)]
        except OSError:
            troubles.add("directory")
            return []

    def _look(self, lock: LockFile) -> Liveness:
        known = self._leases.get(lock.nonce)
        start = lock.start_id or (known.start_id if known else None)
        liveness = look(self.processes, lock.pid, start, lock.boot_id)
        if liveness is Liveness.ALIVE and start is None:
            began = self.processes.started_at_ms(lock.pid)
            if began is not None and began > lock.started_at + START_TOLERANCE_MS:
                return Liveness.DEAD
        return liveness

    def _still_alive(self, lease: Lease) -> bool:
        """Say whether a client whose file cannot be read now, and by which it was alive, goes on living."""
        return (
            lease.alive
            and lease.pid is not None
            and look(self.processes, lease.pid, lease.start_id, lease.boot_id) is Liveness.ALIVE
        )

    def _hold(self, lock: LockFile) -> None:
        lease = self._leases.get(lock.nonce)
        if lease is None:
            lease = Lease(lock.nonce, lock.kind, lock.pid, lock.started_at, lock.tty, lock.workspace)
            self._leases[lock.nonce] = lease
        lease.boot_id = lock.boot_id
        lease.start_id = lease.start_id or lock.start_id or self.processes.start_id(lock.pid)
        lease.alive = True
        self._announce(lease)

    def _announce(self, lease: Lease) -> None:
        if not lease.announced:
            lease.announced = True
            logger.info("client_joined", kind=lease.kind, pid=lease.pid)
            self.on_join(lease.public())

    def _remove(self, path: Path, lock: LockFile, troubles: set[str]) -> None:
        if lock.nonce not in self._dead:
            # Somebody who died just before the first look keeps the engine as if it had been seen.
            self._dead.add(lock.nonce)
            self._wait_for(lock.kind)
        try:
            # Read again right before: the PID may have been taken by a new client that wrote its own file meanwhile.
            if LockFile.model_validate_json(path.read_bytes()).nonce == lock.nonce:
                path.unlink()
                logger.info("lock_file_removed", pid=lock.pid)
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as error:
            troubles.add(f"{path.name}: {type(error).__name__}")

    # -- reading ---------------------------------------------------------------------------------------------------

    def clients(self) -> list[Client]:
        """List the live clients, oldest first."""
        return [lease.public() for lease in sorted(self._leases.values(), key=lambda lease: lease.since)]

    def others(self, nonce: str | None) -> list[Client]:
        """List the live clients except the one with this nonce, after a fresh look."""
        self._scan()
        return [lease.public() for lease in self._leases.values() if lease.live and lease.key != nonce]

    def awaits_window(self, asker: str | None) -> bool:
        """Say whether a window left so lately that it may be reloading, and the asker is a client that itself has left.

        The last terminal to leave asks the engine to end, and must not take it from a window that is gone for a moment. Whoever
        still holds its lease, and a user who says so, may.
        """
        lease = self.find(asker)
        has_left = asker is not None and (lease is None or not lease.alive)
        return has_left and self.clock.monotonic() < self._window_until

    def find(self, nonce: str | None) -> Lease | None:
        """Find a client by the nonce it names itself with."""
        return self._leases.get(nonce) if nonce else None

    def trusted_folders(self) -> list[str]:
        """List every folder that a live client declared as trusted."""
        return sorted({folder for lease in self._leases.values() if lease.live for folder in lease.trusted_folders})
