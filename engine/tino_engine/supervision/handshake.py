"""How an engine starts, and the races of it.

    spawner                                   engine
    ───────                                   ──────
    writes its lock file
    spawns  ───────────────────────────────▶  umask 077, run directory checked
                                              flock(run/engine.lock, db/engine.lock)
                                                busy → exit 75, the spawner attaches
                                              bind 127.0.0.1:0
            ◀── READY <port> <nonce> ───────
    ─── one JSON line: bootstrap ──────────▶  checked: shape, nonce echoed, protocol   wrong → exit 5
            ◀── PHASE … ────────────────────  loading · opening the database · …
                                              database migrated, unfinished runs settled, routes answer
            ◀── ERROR <error> ──────────────  or this, and the end
                                              run/engine.token, run/engine.pid by rename
            ◀── health: healthy, proof ─────  and only now

*Two spawners.* Both spawn; the kernel lock lets one engine live. It is taken before anything that takes time is imported,
so the loser is gone in a few hundredths of a second.
*The spawner dies before the bootstrap.* Standard input ends and the engine with it: nobody knows its port.
*The spawner dies after it.* Nothing happens: from then on the pipes carry nothing that matters. A phase that cannot be
written is forgotten; `SIGPIPE` is ignored; before the engine is healthy its standard streams are replaced by the null device.
*It hangs while it starts, and the spawner is dead.* Nobody would end it: a timer of the interpreter does, with its stacks in
`engine-start.log`, when a phase lasts longer than any spawner waits.
*The engine is killed at any instant.* The kernel frees lock and port. `engine.pid` may remain and is believed by nobody: its
process is dead or another's, or health gives no proof.
*A reader comes while `engine.pid` is written.* It is renamed into place whole, after the port answers.
*Somebody deletes `engine.pid` or the token of an engine that lives.* It writes them again within a second.
*Somebody connects between bind and serve.* The kernel queues the connection; the answer comes when there is one.

Nothing here imports more than the standard library until READY was said.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import secrets
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING

from tino_engine.settings import Home, find_home
from tino_engine.supervision.clock import SystemClock
from tino_engine.supervision.run_directory import UnsafeDirectoryError, ensure_private, write_private
from tino_engine.supervision.singleton import EngineLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.engine import Engine

LOOPBACK = "127.0.0.1"
BOOTSTRAP_LIMIT = 64 * 1024
BOOTSTRAP_SECONDS = 30
PHASE_SECONDS = 20
"""Longer than the spawner waits for a new phase (`PHASE_TIMEOUT_MS` in `extension/supervisor/engineProcess.ts`)."""
SERVER_SECONDS = 10
CLOSE_SECONDS = 30
"""The longest that the open requests, and then all else, may take to end."""
ANNOUNCED_SECONDS = 1
EXIT_FAULT = 1
EXIT_ENGINE = 5
EXIT_REFUSED = 6
EXIT_LOCK_BUSY = 75
"""As in `contracts/errors.ts`, which is not imported before READY."""


def serve(port: int) -> int:
    """Run an engine until it has ended; give the exit status."""
    os.umask(0o077)
    with contextlib.suppress(AttributeError):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    home = find_home()
    try:
        ensure_private(home.root)
        ensure_private(home.run)
        ensure_private(home.clients)
        ensure_private(home.database.parent)
        lock = EngineLock.acquire(home.engine_lock)
        database_lock = lock and EngineLock.acquire(home.database_lock)
    except (UnsafeDirectoryError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_REFUSED
    if lock is None or database_lock is None:
        return EXIT_LOCK_BUSY
    try:
        listener = _listen(port)
    except OSError as error:
        sys.stderr.write(f"Port {port} cannot be used: {error.strerror}\n")
        return EXIT_ENGINE
    nonce = secrets.token_hex(16)
    _say(f"READY {listener.getsockname()[1]} {nonce}")
    line = _read_line()
    if line is None:
        sys.stderr.write("The spawner went away before it had said how to start.\n")
        return EXIT_ENGINE
    return _boot(home, lock, listener, nonce, line)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    elif port:
        # A fixed port may still have closed connections of the last engine on it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(128)
    listener.setblocking(False)
    return listener


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def _enter(phase: str) -> None:
    """Say the phase, and end the process if it lasts: the spawner would do that, but it may be dead, and we hold the lock."""
    faulthandler.dump_traceback_later(PHASE_SECONDS, exit=True)
    _say(f"PHASE {phase}")


def _read_line() -> bytes | None:
    """Read one line of bounded length from standard input; None at its end, or when it does not come."""
    data = b""
    clock = SystemClock()
    deadline = clock.monotonic() + BOOTSTRAP_SECONDS
    selector = selectors.DefaultSelector() if sys.platform != "win32" else None
    if selector is not None:
        selector.register(0, selectors.EVENT_READ)
    while not data.endswith(b"\n"):
        if selector is not None and not selector.select(max(0.0, deadline - clock.monotonic())):
            return None
        chunk = os.read(0, 4096)
        if not chunk or len(data) > BOOTSTRAP_LIMIT:
            return None
        data += chunk
    return data


def _boot(home: Home, lock: EngineLock, listener: socket.socket, nonce: str, line: bytes) -> int:
    _enter("loading the engine")
    import asyncio  # noqa: PLC0415 - after READY, see the head of this file

    from pydantic import ValidationError  # noqa: PLC0415

    from tino_engine import log  # noqa: PLC0415
    from tino_engine.contracts import PROTOCOL, Bootstrap  # noqa: PLC0415
    from tino_engine.errors import TinoError  # noqa: PLC0415

    try:
        bootstrap = Bootstrap.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return _refuse(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    if bootstrap.protocol != PROTOCOL:
        return _refuse(f"it speaks protocol {bootstrap.protocol}, this engine {PROTOCOL}")
    if not secrets.compare_digest(bootstrap.nonce, nonce):
        return _refuse("its nonce is not the one of the READY line")
    log.configure(home.log, bootstrap.log_level)
    logger = log.get("supervision")
    try:
        if sys.platform == "win32":
            asyncio.run(_live(home, lock, listener, bootstrap))
        else:
            import uvloop  # noqa: PLC0415

            uvloop.run(_live(home, lock, listener, bootstrap))
    except TinoError as error:
        logger.exception("start_failed", code=error.code)
        _say(f"ERROR {error.body.model_dump_json()}")
        sys.stderr.write(f"{error.body.message} {error.body.hint}\n")
        return EXIT_ENGINE
    except Exception as error:
        logger.exception("engine_failed")
        sys.stderr.write(f"The engine failed: {error!r}\n")
        return EXIT_FAULT
    return 0


def _refuse(reason: str) -> int:
    sys.stderr.write(f"The engine refused its start message: {reason}.\n")
    return EXIT_ENGINE


async def _live(home: Home, lock: EngineLock, listener: socket.socket, bootstrap: object) -> None:
    import asyncio  # noqa: PLC0415

    import uvicorn  # noqa: PLC0415

    from tino_engine.api.app import create_app  # noqa: PLC0415
    from tino_engine.engine import Engine  # noqa: PLC0415
    from tino_engine.errors import TinoError  # noqa: PLC0415

    answering = asyncio.Event()

    class Server(uvicorn.Server):
        """Uvicorn without its signal handlers: the engine decides how it ends."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            answering.set()

    _enter("opening the database")
    for directory in (home.runs, home.data):
        try:
            ensure_private(directory)
        except UnsafeDirectoryError as error:
            raise TinoError("run_directory_unsafe", path=error.path, reason=error.reason) from error
    engine = Engine(home, bootstrap, listener.getsockname()[1], lock_intact=lock.intact)  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        with contextlib.suppress(AttributeError, NotImplementedError, ValueError):
            loop.add_signal_handler(getattr(signal, name), engine.stop, f"signal {name}")
    server = Server(
        uvicorn.Config(
            create_app(engine),
            loop="none",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=16 * 1024 * 1024,
            ws_per_message_deflate=False,
            ws_ping_interval=20,
            ws_ping_timeout=60,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            # Longer than any client keeps an idle connection, so that none sends on one that is just being closed.
            timeout_keep_alive=75,
        )
    )
    serving: asyncio.Task[None] | None = None
    announcing: asyncio.Task[None] | None = None
    try:
        _enter("starting services")
        await engine.start()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        answered = asyncio.create_task(answering.wait())
        await asyncio.wait({serving, answered}, return_when=asyncio.FIRST_COMPLETED)
        _announce(home, engine)
        announcing = asyncio.create_task(_stay_announced(home, engine, lock))
        # From here on a watch of its own takes the place of the timer.
        engine.hang_watch.start()
        _say("PHASE healthy")
        _leave_pipes()
        stopped = asyncio.create_task(engine.stopping.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        engine.stop("the server ended")
    finally:
        if announcing is not None:
            announcing.cancel()
        engine.hang_watch.close()
        faulthandler.dump_traceback_later(CLOSE_SECONDS, exit=True)
        server.should_exit = True
        # Streams end first, so that the server does not wait for their sockets.
        engine.hub.close()
        if serving is not None:
            await asyncio.wait({serving}, timeout=SERVER_SECONDS)
        # Whatever hangs from here on, the process ends: nobody may be left to end it.
        faulthandler.dump_traceback_later(CLOSE_SECONDS, exit=True)
        await engine.close()
        _withdraw(home, engine)
    if serving is not None and serving.done():
        await serving


def _announce(home: Home, engine: Engine) -> None:
    """Tell where the engine is, now that it answers."""
    from tino_engine.contracts import PROTOCOL, EngineInfo  # noqa: PLC0415

    info = EngineInfo(
        pid=engine.pid,
        port=engine.port,
        started_at=engine.started_at,
        python_path=sys.executable,
        instance=engine.instance,
        protocol=PROTOCOL,
        version=engine.version,
        start_id=engine.processes.start_id(engine.pid),
        boot_id=engine.processes.boot_id(),
        log_path=str(home.log),
    )
    write_private(home.engine_token, engine.token)
    write_private(home.engine_info, info.model_dump_json())


async def _stay_announced(home: Home, engine: Engine, lock: EngineLock) -> None:
    """Tell it again when somebody deleted what told it: who comes next would find nobody, and the lock taken for ever."""
    import asyncio  # noqa: PLC0415

    from tino_engine import log  # noqa: PLC0415

    while True:
        await asyncio.sleep(ANNOUNCED_SECONDS)
        if lock.intact() and not (home.engine_info.exists() and home.engine_token.exists()):
            log.get("supervision").warning("announced_again")
            with contextlib.suppress(OSError):
                _announce(home, engine)


def _withdraw(home: Home, engine: Engine) -> None:
    """Remove what announced this engine, unless it is another's by now."""
    import json  # noqa: PLC0415

    with contextlib.suppress(OSError, ValueError):
        if json.loads(home.engine_info.read_bytes()).get("instance") == engine.instance:
            home.engine_info.unlink()
            home.engine_token.unlink()


def _leave_pipes() -> None:
    """Put the null device in place of the standard streams: whoever spawned this may die, its disk may fill."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
