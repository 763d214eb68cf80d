"""Who counts as a client, and when the engine may end: over a fake clock and process table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from stubs import BOOT, FakeClock, FakeProcesses, write_lock
from tino_engine.contracts import PROTOCOL, Client, Hello
from tino_engine.supervision.lease import START_TOLERANCE_MS, Graces, Leases

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class World:
    directory: Path
    clock: FakeClock = field(default_factory=FakeClock)
    processes: FakeProcesses = field(default_factory=FakeProcesses)
    busy: bool = False
    joined: list[Client] = field(default_factory=list)
    left: list[Client] = field(default_factory=list)
    ended: int = 0

    def __post_init__(self) -> None:
        self.leases = Leases(
            self.directory,
            self.clock,
            self.processes,
            Graces(window=30, terminal=5),
            busy=lambda: self.busy,
            on_join=self.joined.append,
            on_leave=lambda lease: self.left.append(lease.public()),
            on_idle=self._end,
        )
        self.leases.start()

    def _end(self) -> None:
        self.ended += 1

    def run_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.pass_(1)
            self.leases.tick()

    def hello(
        self, nonce: str | None, kind: str = "cli", pid: int | None = 10, folders: list[str] | None = None
    ) -> Hello:
        return Hello(
            kind="hello",
            protocol=PROTOCOL,
            client=kind,  # type: ignore[arg-type]
            pid=pid,
            nonce=nonce,
            version="0",
            trusted_folders=folders or [],
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_engine_that_nobody_came_for_ends_after_the_grace_of_a_terminal(world: World) -> None:
    world.run_for(4)
    assert world.ended == 0
    world.run_for(1)
    assert world.ended == 1
    world.run_for(60)
    assert world.ended == 1, "it ends once"


def test_a_window_that_died_while_it_started_the_engine_leaves_its_grace(tmp_path: Path) -> None:
    write_lock(tmp_path, 10, kind="vscode")
    world = World(tmp_path)
    world.run_for(29)
    assert world.ended == 0
    world.run_for(1)
    assert world.ended == 1


@pytest.mark.parametrize(("kind", "grace"), [("cli", 5), ("vscode", 30)])
def test_the_last_client_leaves_its_grace(world: World, kind: str, grace: int) -> None:
    world.processes.table[10] = "1"
    write_lock(world.directory, 10, kind=kind)
    world.run_for(100)
    assert world.ended == 0
    del world.processes.table[10]
    world.run_for(grace)
    assert world.ended == 0
    world.run_for(1)
    assert world.ended == 1
    assert [client.pid for client in world.left] == [10]
    assert not list(world.directory.iterdir()), "the engine removes dead files"


def test_a_terminal_that_leaves_later_does_not_shorten_a_windows_grace(world: World) -> None:
    world.processes.table |= {10: "1", 11: "1"}
    write_lock(world.directory, 10, kind="vscode")
    write_lock(world.directory, 11, kind="cli")
    world.run_for(60)
    del world.processes.table[10]
    world.run_for(2)
    del world.processes.table[11]
    world.run_for(20)
    assert world.ended == 0
    world.run_for(12)
    assert world.ended == 1


@pytest.mark.parametrize(
    ("start_id", "boot_id", "in_table", "lives", "file_stays"),
    [
        pytest.param("1", BOOT, "1", True, True, id="same process"),
        pytest.param("1", BOOT, "2", False, False, id="PID reused"),
        pytest.param("1", BOOT, None, False, False, id="gone"),
        pytest.param(None, BOOT, "7", True, True, id="start not readable by the client"),
        pytest.param("1", "99999999-1111-1111-1111-111111111111:4026531836", "1", False, False, id="earlier boot"),
        pytest.param("1", BOOT.replace("4026531836", "4026532000"), "1", False, True, id="another container"),
        pytest.param("1", None, "1", True, True, id="boot not readable by the client"),
    ],
)
def test_a_lock_file_counts_only_with_its_process(
    world: World, start_id: str | None, boot_id: str | None, in_table: str | None, lives: bool, file_stays: bool
) -> None:
    if in_table is not None:
        world.processes.table[10] = in_table
    write_lock(world.directory, 10, start_id=start_id, boot_id=boot_id)
    world.leases.tick()
    assert bool(world.leases.clients()) is lives
    assert bool(list(world.directory.iterdir())) is file_stays


def test_a_socket_holds_the_engine_without_a_live_file(world: World) -> None:
    nonce = write_lock(world.directory, 10, boot_id=BOOT.replace("4026531836", "4026532000"))
    lease = world.leases.opened(world.hello(nonce))
    world.run_for(200)
    assert world.ended == 0
    world.leases.closed(lease)
    world.run_for(6)
    assert world.ended == 1


def test_the_first_look_binds_the_start_that_a_client_could_not_read(world: World) -> None:
    world.processes.table[10] = "7"
    nonce = write_lock(world.directory, 10, start_id=None)
    world.leases.closed(world.leases.opened(world.hello(nonce)))
    world.run_for(10)
    assert world.leases.clients()
    world.processes.table[10] = "8"
    world.run_for(1)
    assert not world.leases.clients(), "the PID is another process now"


def test_a_browser_page_is_a_client_while_it_is_open(world: World) -> None:
    lease = world.leases.opened(world.hello(None, "browser", None))
    world.run_for(100)
    assert [client.kind for client in world.leases.clients()] == ["browser"]
    world.leases.closed(lease)
    world.run_for(6)
    assert world.ended == 1


def test_work_holds_the_engine(world: World) -> None:
    world.busy = True
    world.run_for(200)
    assert world.ended == 0
    world.busy = False
    world.run_for(6)
    assert world.ended == 1


def test_a_suspended_machine_starts_waiting_anew(world: World) -> None:
    world.run_for(3)
    world.clock.pass_(10_000)
    world.leases.tick()
    assert world.ended == 0
    world.run_for(29)
    assert world.ended == 0
    world.run_for(1)
    assert world.ended == 1


def test_a_directory_that_cannot_be_read_is_not_empty(world: World) -> None:
    world.processes.table[10] = "1"
    write_lock(world.directory, 10)
    world.leases.tick()
    world.directory.rename(world.directory.with_suffix(".moved"))
    world.run_for(100)
    assert world.ended == 0
    assert world.leases.clients()


def test_a_directory_that_cannot_be_read_keeps_nobody_who_died(world: World) -> None:
    world.processes.table[10] = "1"
    write_lock(world.directory, 10)
    world.leases.tick()
    world.directory.rename(world.directory.with_suffix(".moved"))
    del world.processes.table[10]
    world.run_for(6)
    assert world.ended == 1


def test_a_file_that_became_illegible_says_what_it_said(world: World) -> None:
    world.processes.table[10] = "1"
    write_lock(world.directory, 10)
    world.leases.tick()
    (world.directory / "cli-10.lock").write_text("{")
    world.run_for(100)
    assert (world.ended, len(world.leases.others(None))) == (0, 1)
    del world.processes.table[10]
    world.run_for(6)
    assert world.ended == 1


def test_a_pid_that_was_reused_while_no_engine_looked_is_nobody(tmp_path: Path) -> None:
    """Outside Linux a client cannot write its own start; when its process began tells it from its PID's next owner."""
    write_lock(tmp_path, 10, start_id=None)
    world = World(tmp_path)
    world.processes.table[10] = "another"
    world.processes.began[10] = 1 + START_TOLERANCE_MS + 1
    world.run_for(6)
    assert world.ended == 1
    assert not list(tmp_path.iterdir())


def test_a_window_that_reloads_is_awaited_when_a_terminal_has_left(world: World) -> None:
    window, terminal = "a" * 32, "b" * 32
    world.processes.table |= {10: "1", 11: "1"}
    write_lock(world.directory, 11, nonce=terminal)
    socket = world.leases.opened(world.hello(window, "vscode", 10))
    assert not world.leases.awaits_window("c" * 32)
    world.leases.closed(socket)
    assert not world.leases.awaits_window(terminal), "it has not left: a newer one that makes room for itself"
    assert not world.leases.awaits_window(None), "a user who says so"
    (world.directory / "cli-11.lock").unlink()
    world.run_for(1)
    assert world.leases.awaits_window(terminal)
    world.run_for(28)
    assert (world.ended, world.leases.awaits_window(terminal)) == (0, True)
    world.run_for(1)
    assert (world.ended, world.leases.awaits_window(terminal)) == (1, False)


def test_a_traders_lock_holds_the_engine(world: World) -> None:
    world.processes.table[10] = "1"
    write_lock(world.directory, 10, kind="trader")
    world.run_for(200)
    assert world.ended == 0
    assert [client.kind for client in world.leases.others("0" * 32)] == ["trader"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 10}', "\x00\xff"])
def test_a_file_that_is_not_a_lock_is_left_alone(world: World, content: str) -> None:
    path = world.directory / "cli-10.lock"
    path.write_text(content)
    world.run_for(3)
    assert path.exists()
    assert not world.leases.clients()


def test_a_file_that_names_another_process_than_it_holds_counts_for_nobody(world: World) -> None:
    world.processes.table |= {10: "1", 11: "1"}
    write_lock(world.directory, 10)
    (world.directory / "cli-10.lock").rename(world.directory / "cli-11.lock")
    world.run_for(1)
    assert not world.leases.clients()


def test_everyone_joins_and_leaves_once(world: World) -> None:
    world.processes.table[10] = "1"
    nonce = write_lock(world.directory, 10)
    world.run_for(3)
    first = world.leases.opened(world.hello(nonce))
    second = world.leases.opened(world.hello(nonce))
    world.leases.closed(first)
    world.run_for(3)
    assert world.leases.clients()[0].connected
    world.leases.closed(second)
    (world.directory / "cli-10.lock").unlink()
    world.run_for(1)
    assert (len(world.joined), len(world.left)) == (1, 1)


def test_trusted_folders_are_those_of_live_clients(world: World) -> None:
    one = world.leases.opened(world.hello("a" * 32, "vscode", 10, ["/projects/one"]))
    world.leases.opened(world.hello("b" * 32, "cli", 11, ["/projects/two"]))
    assert world.leases.trusted_folders() == ["/projects/one", "/projects/two"]
    world.leases.closed(one)
    assert world.leases.trusted_folders() == ["/projects/two"]
