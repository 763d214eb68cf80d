"""Who may use the run directory, played by a user without rights: root may do anything, so as root these would show nothing.

`serve` runs in a forked child that has given up root, if it had it, and that finds its input at an end: a directory that is
accepted ends it with 5, since nobody tells it how to start, and one that is refused with 6.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tino_engine.supervision.handshake import EXIT_ENGINE, EXIT_REFUSED, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534


def as_unprivileged(work: Callable[[], int]) -> tuple[int, str]:
    """Run it in a child without rights; give its exit status and what it wrote to standard error."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.close(read)
            ended, other_end = os.pipe()
            os.close(other_end)
            for descriptor, target in ((ended, 0), (os.open(os.devnull, os.O_WRONLY), 1), (write, 2)):
                os.dup2(descriptor, target)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            status = work()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as errors:
        said = errors.read().decode()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said


@pytest.fixture
def ground() -> Iterator[Path]:
    """A directory that the unprivileged user can reach, and owns."""
    path = Path(tempfile.mkdtemp(prefix="tino-permissions-"))
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


def start(home: Path, prepare: Callable[[Path], object] = lambda home: home) -> tuple[int, str]:
    """Prepare the home and start an engine in it, both as the unprivileged user."""

    def work() -> int:
        os.umask(0)
        prepare(home)
        os.environ["TINO_HOME"] = str(home)
        # Standard error is the pipe; what pytest has put in its place is not.
        sys.stderr = os.fdopen(2, "w", buffering=1)
        return serve(0)

    return as_unprivileged(work)


def test_what_is_made_is_private_whatever_the_umask(ground: Path) -> None:
    status, said = start(ground / "deep" / "home")
    assert status == EXIT_ENGINE, said
    made = list((ground / "deep" / "home").rglob("*"))
    assert {path.name for path in made} >= {"run", "cli", "db", "engine.lock"}
    for path in made:
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path


def whole(home: Path) -> None:
    for directory in (home, home / "run", home / "run" / "cli", home / "db"):
        directory.mkdir(mode=0o700)


def replaced(path: str) -> Callable[[Path], None]:
    """Put a link to another private directory, or file, in the place of one."""

    def prepare(home: Path) -> None:
        whole(home)
        target = home.parent / "elsewhere"
        if (home / path).is_dir():
            (home / path).rename(target)
        else:
            target.write_text("")
        (home / path).symlink_to(target)

    return prepare


def with_mode(path: str, mode: int) -> Callable[[Path], None]:
    def prepare(home: Path) -> None:
        whole(home)
        if not (home / path).exists():
            (home / path).write_text("")
        (home / path).chmod(mode)

    return prepare


def as_file(path: str) -> Callable[[Path], None]:
    def prepare(home: Path) -> None:
        whole(home)
        shutil.rmtree(home / path)
        (home / path).write_text("")

    return prepare


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        pytest.param(replaced("."), "symbolic link", id="home is a link"),
        pytest.param(replaced("run"), "symbolic link", id="run is a link"),
        pytest.param(replaced("run/cli"), "symbolic link", id="cli is a link"),
        pytest.param(replaced("db"), "symbolic link", id="db is a link"),
        pytest.param(replaced("run/engine.lock"), "engine.lock", id="the lock is a link"),
        pytest.param(with_mode(".", 0o750), "mode 750", id="the group may enter"),
        pytest.param(with_mode("run", 0o701), "mode 701", id="others may pass through"),
        pytest.param(with_mode("run/cli", 0o722), "mode 722", id="others may write"),
        pytest.param(with_mode("db", 0o755), "mode 755", id="others may read the database's directory"),
        pytest.param(with_mode("run/engine.lock", 0), "Permission denied", id="the lock cannot be opened"),
        pytest.param(with_mode("run", 0o500), "Permission denied", id="nothing can be made in run"),
        pytest.param(as_file("run/cli"), "not a directory", id="cli is a file"),
    ],
)
def test_what_is_not_the_users_alone_is_refused(ground: Path, prepare: Callable[[Path], object], reason: str) -> None:
    status, said = start(ground / "home", prepare)
    assert (status, reason in said) == (EXIT_REFUSED, True), said
    assert "Traceback" not in said


@pytest.mark.parametrize(("home", "reason"), [("/usr", "belongs to another user"), ("/usr/tino", "Permission denied")])
def test_what_is_another_users_is_refused(home: str, reason: str) -> None:
    status, said = start(Path(home))
    assert (status, reason in said) == (EXIT_REFUSED, True), said
