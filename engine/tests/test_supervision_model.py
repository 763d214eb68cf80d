"""The engine's side of supervision as a state machine: who counts as a client, when the engine ends, that there is one.

`Leases`, identity and the kernel locks are the product's own; clock, process table and lock directory are fakes that can do
what a machine does in years: reuse PIDs, step the clock, sleep, lose directories, refuse to read and to unlink. The rules
play clients, engines and faults in any order; what must hold is checked after each. The engine's life is told again here in
a few lines (`EngineProcess`), because the order of `supervision.handshake` is what is under test in `test_serve.py`.

The examples are the same in every run. `TINO_MODEL_EXAMPLES=20000` tries that many new ones.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stubs import BOOT, FakeClock, FakeProcesses
from tino_engine import log
from tino_engine.contracts import PROTOCOL, Client, Hello
from tino_engine.supervision.lease import Graces, Leases
from tino_engine.supervision.singleton import EngineLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.supervision.lease import Lease

GRACES = Graces(window=8, terminal=3)
PIDS = range(10, 17)
"""Few, so that they are reused all the time."""
CONTAINER = BOOT.replace("4026531836", "4026532000")
EARLIER_BOOT = "99999999-1111-1111-1111-111111111111:4026531836"
DAY = 86_400.0
EXAMPLES = int(os.environ.get("TINO_MODEL_EXAMPLES", "0"))

log.configure(Path(tempfile.gettempdir()) / "tino-model.log", "error")


@dataclass
class LockDirectory:
    """`run/cli` as a disk that can refuse. It checks each removal itself: only what is dead may go."""

    may_unlink: object
    files: dict[str, bytes] = field(default_factory=dict)
    gone: bool = False
    unreadable: bool = False
    broken: set[str] = field(default_factory=set)
    stuck: bool = False

    def iterdir(self) -> Iterator[LockPath]:
        if self.gone:
            raise FileNotFoundError
        if self.unreadable:
            raise PermissionError
        return iter([LockPath(self, name) for name in sorted(self.files)])


@dataclass
class LockPath:
    directory: LockDirectory
    name: str

    def read_bytes(self) -> bytes:
        if self.name not in self.directory.files:
            raise FileNotFoundError
        if self.name in self.directory.broken:
            raise OSError(5, "Input/output error")
        return self.directory.files[self.name]

    def unlink(self) -> None:
        if self.directory.stuck:
            raise PermissionError
        content = self.directory.files.pop(self.name)
        self.directory.may_unlink(json.loads(content))  # type: ignore[operator]


@dataclass
class ClientProcess:
    pid: int
    start: str
    kind: str
    nonce: str
    started_at: int
    reads_start: bool
    boot: str = BOOT
    left: bool = False
    stopped: bool = False
    lease: Lease | None = None

    @property
    def file(self) -> str:
        return f"cli-{self.pid}.lock"

    def content(self) -> bytes:
        start = self.start if self.reads_start else None
        lock = {
            "pid": self.pid,
            "startedAt": self.started_at,
            "tty": None,
            "kind": self.kind,
            "startId": start,
            "bootId": self.boot if self.reads_start else None,
            "nonce": self.nonce,
            "version": "0",
        }
        return json.dumps(lock).encode()


class EngineProcess:
    """One start of the engine, from its locks to its end."""

    def __init__(self, world: Supervision) -> None:
        self.world = world
        self.state = "refused"
        self.locks: list[EngineLock] = []
        for path in (world.home / "run" / "engine.lock", world.home / "db" / "engine.lock"):
            path.parent.mkdir(exist_ok=True)
            lock = EngineLock.acquire(path)
            if lock is None:
                self.die()
                return
            self.locks.append(lock)
        self.state = "healthy"
        self.present: dict[str, int] = {}
        self.seen: set[str] = set()
        self.keeps_until = world.clock.monotonic() + GRACES.terminal
        self.leases = Leases(
            world.directory,  # type: ignore[arg-type]
            world.clock,
            world.processes,
            GRACES,
            busy=lambda: world.busy,
            on_join=self._joined,
            on_leave=self._left,
            on_idle=self._idle,
        )
        self.leases.start()

    def look(self) -> None:
        if self.state == "stopping":
            self.die()
            self.state = "ended"
        elif self.state == "healthy":
            self.leases.tick()
            if not self.locks[0].intact():
                self.state = "stopping"

    def die(self) -> None:
        """The kernel takes the locks back, however it ends."""
        for lock in self.locks:
            os.close(lock._descriptor)
        self.locks = []
        self.state = "dead"

    def _joined(self, client: Client) -> None:
        key = f"{client.kind}-{client.pid}-{client.since}"
        self.present[key] = self.present.get(key, 0) + 1
        assert self.present[key] == 1, "it came and had not left"

    def _left(self, lease: Lease) -> None:
        client = lease.public()
        key = f"{client.kind}-{client.pid}-{client.since}"
        assert self.present.pop(key) == 1, "it left and had not come"

    def _idle(self) -> None:
        world = self.world
        assert self.state == "healthy"
        assert not world.holders(), "it must not end while a client holds it"
        assert not world.busy
        assert world.clock.monotonic() >= self.keeps_until, "it must wait out the grace of who was here"
        self.state = "stopping"


class Supervision(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="tino-model-"))
        self.clock = FakeClock()
        self.processes = FakeProcesses()
        self.directory = LockDirectory(self.check_removal)
        self.clients: list[ClientProcess] = []
        self.engines: list[EngineProcess] = []
        self.busy = False
        self.starts = 0

    def teardown(self) -> None:
        """Everybody is killed. Whatever is wrong with the disk, the engine is gone after its grace, without anybody's help."""
        try:
            self.busy = False
            for client in self.clients:
                self.die(client)
            for _ in range(int(GRACES.window) + 3):
                self.each_second()
            assert self.engines == [], "an engine without clients is left"
        finally:
            for engine in self.engines:
                engine.die()
            shutil.rmtree(self.home)

    def die(self, client: ClientProcess) -> None:
        if self.lives(client):
            del self.processes.table[client.pid]
        self.break_socket(client)

    def break_socket(self, client: ClientProcess) -> None:
        lease, client.lease = client.lease, None
        if lease is not None and self.engine is not None:
            self.engine.leases.closed(lease)

    # -- what is so ------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> EngineProcess | None:
        return next((engine for engine in self.engines if engine.state == "healthy"), None)

    def lives(self, client: ClientProcess) -> bool:
        return self.processes.table.get(client.pid) == client.start

    def holders(self) -> list[ClientProcess]:
        """Clients that hold the engine: by an open socket, or alive with a lock file that says so.

        A file that cannot be read now still says what it said when the engine last read it.
        """
        return [
            client
            for client in self.clients
            if client.lease is not None
            or (self.lives(client) and not client.left and client.boot == BOOT and self.says_so(client))
        ]

    def says_so(self, client: ClientProcess) -> bool:
        content = None if self.directory.gone else self.directory.files.get(client.file)
        legible = content == client.content() and not self.directory.unreadable
        if legible and client.file not in self.directory.broken:
            return True
        return (
            self.engine is not None
            and client.nonce in self.engine.seen
            and (content is not None or self.directory.gone)
        )

    def check_removal(self, lock: dict[str, object]) -> None:
        if lock["bootId"] == EARLIER_BOOT:
            return
        writer = next(client for client in self.clients if client.nonce == lock["nonce"])
        assert not self.lives(writer), "the file of a living client was removed"
        assert writer.boot == BOOT, "the file of another container was removed"

    def new_process(self) -> tuple[int, str]:
        free = [pid for pid in PIDS if pid not in self.processes.table]
        # A PID that was a client's before any other.
        pid = max(free, key=lambda it: (f"cli-{it}.lock" in self.directory.files, -it))
        self.starts += 1
        self.processes.table[pid] = str(self.starts)
        self.processes.began[pid] = self.clock.now_ms() // 1000 * 1000
        return pid, str(self.starts)

    @property
    def has_room(self) -> bool:
        return len(self.processes.table) < len(PIDS)

    def other_programs(self) -> list[int]:
        return [pid for pid, start in self.processes.table.items() if all(it.start != start for it in self.clients)]

    def write(self, client: ClientProcess) -> None:
        self.directory.gone = False
        self.directory.files[client.file] = client.content()
        self.directory.broken.discard(client.file)

    def each_second(self) -> None:
        """What every process does once a second: clients keep their files and start an engine, engines look."""
        self.clock.pass_(1)
        awake = [client for client in self.clients if self.lives(client) and not (client.left or client.stopped)]
        for client in awake:
            if self.directory.gone or self.directory.files.get(client.file) != client.content():
                self.write(client)
        if awake and self.engine is None:
            self.an_engine_is_spawned()
        for engine in self.engines:
            engine.look()
        self.engines = [engine for engine in self.engines if engine.state in ("healthy", "stopping")]
        self.unbound()

    def unbound(self) -> None:
        """Sockets end with their engine."""
        if self.engine is None:
            for client in self.clients:
                client.lease = None

    # -- clients ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.has_room)
    @rule(kind=st.sampled_from(["cli", "vscode", "trader"]), reads_start=st.booleans(), container=st.integers(0, 9))
    def client_starts(self, kind: str, container: int, *, reads_start: bool) -> None:
        pid, start = self.new_process()
        boot = CONTAINER if container == 0 and reads_start else BOOT
        client = ClientProcess(pid, start, kind, secrets.token_hex(16), self.clock.now_ms(), reads_start, boot)
        self.clients.append(client)
        self.write(client)

    @precondition(lambda self: self.engine and self.clients)
    @rule(data=st.data())
    def client_says_hello(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients))
        if not self.lives(client) or client.left or client.stopped or client.lease is not None or self.engine is None:
            return
        hello = Hello(
            kind="hello",
            protocol=PROTOCOL,
            client=client.kind,  # type: ignore[arg-type]
            pid=client.pid,
            nonce=client.nonce,
            version="0",
            trusted_folders=[],
        )
        client.lease = self.engine.leases.opened(hello)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), how=st.sampled_from(["SIGKILL", "leave", "socket", "SIGSTOP", "SIGCONT"]))
    def something_happens_to_a_client(self, data: st.DataObject, how: str) -> None:
        client = data.draw(st.sampled_from(self.clients))
        if how == "SIGSTOP":
            client.stopped = True
        elif how == "SIGCONT":
            client.stopped = False
        else:
            if not self.lives(client) or (how == "leave" and client.stopped):
                return
            if how == "SIGKILL":
                self.die(client)
            if how == "leave":
                client.left = True
                if self.directory.files.get(client.file) == client.content():
                    del self.directory.files[client.file]
            lease, client.lease = client.lease, None
            if lease is not None and self.engine is not None:
                self.engine.leases.closed(lease)

    @initialize(kinds=st.lists(st.sampled_from(["cli", "vscode"]), min_size=1, max_size=3))
    def some_are_there(self, kinds: list[str]) -> None:
        for kind in kinds:
            self.client_starts(kind, 1, reads_start=True)
        self.an_engine_is_spawned()

    @precondition(lambda self: self.has_room and len(self.other_programs()) < 2)
    @rule()
    def another_program_takes_a_pid(self) -> None:
        pid, _ = self.new_process()
        # A clock that was set back in between would hide that this began after the client's file was written.
        former = max((client.started_at for client in self.clients if client.pid == pid), default=0)
        self.processes.began[pid] = max(self.processes.began[pid], former + 5_000)

    @precondition(lambda self: self.other_programs())
    @rule()
    def another_program_ends(self) -> None:
        del self.processes.table[self.other_programs()[0]]

    # -- engines ---------------------------------------------------------------------------------------------------

    @rule()
    def an_engine_is_spawned(self) -> None:
        engine = EngineProcess(self)
        if engine.state == "healthy":
            self.engines.append(engine)

    @rule()
    def the_engine_is_killed(self) -> None:
        for engine in self.engines:
            engine.die()
        self.engines = []
        self.unbound()

    @rule(busy=st.booleans())
    def work(self, *, busy: bool) -> None:
        self.busy = busy

    # -- the machine -----------------------------------------------------------------------------------------------

    @rule(seconds=st.integers(1, 10))
    def time_passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.each_second()

    @rule(seconds=st.sampled_from([4.0, 60.0, 36_000.0]))
    def the_machine_sleeps(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        before = self.engine
        if before is not None:
            before.look()
            assert before.state == "healthy" or not before.locks[0].intact(), "waking up is no reason to end"

    @rule(step=st.sampled_from([-DAY, DAY]))
    def the_clock_is_set(self, step: float) -> None:
        self.clock.wall_offset += step

    @rule()
    def the_run_directory_is_deleted(self) -> None:
        shutil.rmtree(self.home / "run", ignore_errors=True)
        self.directory.files.clear()
        self.directory.gone = True

    @rule(fault=st.sampled_from(["unreadable", "stuck"]))
    def the_directory_misbehaves_or_recovers(self, fault: str) -> None:
        setattr(self.directory, fault, not getattr(self.directory, fault))

    @precondition(lambda self: self.directory.files)
    @rule(data=st.data(), how=st.sampled_from(["truncated", "garbage", "unreadable", "deleted", "misnamed"]))
    def a_lock_file_is_spoilt(self, data: st.DataObject, how: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.directory.files)))
        content = self.directory.files[name]
        if how == "unreadable":
            self.directory.broken.add(name)
        elif how == "deleted":
            del self.directory.files[name]
            if self.engine is not None:
                self.engine.seen -= {client.nonce for client in self.clients if client.file == name}
        elif how == "misnamed":
            self.directory.files["cli-99.lock"] = content
        else:
            self.directory.files[name] = content[: len(content) // 2] if how == "truncated" else b"\x00\xff"

    @rule(pid=st.sampled_from(PIDS))
    def a_file_of_an_earlier_boot_lies_there(self, pid: int) -> None:
        if f"cli-{pid}.lock" not in self.directory.files and not self.directory.gone:
            old = ClientProcess(pid, "1", "cli", secrets.token_hex(16), 1, reads_start=True, boot=EARLIER_BOOT)
            self.directory.files[old.file] = old.content()

    # -- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def there_is_one_engine_at_most(self) -> None:
        assert len(self.engines) <= 1

    @invariant()
    def nobody_counts_who_is_not_there(self) -> None:
        if self.engine is None:
            return
        self.engine.leases.tick()
        if self.engine is None:
            return
        counted = {client.pid for client in self.engine.leases.clients()}
        there = {client.pid for client in self.clients if client.lease is not None or self.lives(client)}
        assert counted <= there, "a dead client, or another program with its PID, counts"

    @invariant()
    def whoever_holds_it_is_counted(self) -> None:
        if self.engine is None:
            return
        listed = {client.pid for client in self.engine.leases.others(None)}
        holders = self.holders()
        self.engine.seen = {client.nonce for client in holders if client.boot == BOOT}
        assert {client.pid for client in holders} <= listed
        graces = [self.clock.monotonic() + GRACES.of(client.kind) for client in holders]
        self.engine.keeps_until = max([self.engine.keeps_until, *graces])


Supervision.TestCase.settings = settings(
    max_examples=EXAMPLES or 200,
    stateful_step_count=50,
    deadline=None,
    derandomize=EXAMPLES == 0,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestSupervision = Supervision.TestCase
