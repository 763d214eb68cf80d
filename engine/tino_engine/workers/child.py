"""The engine's end of the pipe to a child: spawn, call, listen, end.

A child is started with a scrubbed environment and an isolated interpreter, gets its own process group, and dies with the
engine because its standard input closes. What it prints goes to the engine's log, line by line, bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tino_engine import log
from tino_engine.contracts import ErrorBody
from tino_engine.errors import TinoError
from tino_engine.workers import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEPT_ENVIRONMENT = frozenset(
    "PATH HOME LANG LANGUAGE TZ TMPDIR TEMP TMP USER LOGNAME SHELL SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC APPDATA LOCALAPPDATA "
    "USERPROFILE PROGRAMDATA SSL_CERT_FILE SSL_CERT_DIR".split()
)
STDERR_LINES = 200

ISOLATED = ("-P", "-s")
"""What `-I` means, but for `PYTHON*`: of these there is only the one that is set here."""


def scrub(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep what a child needs: no `PYTHON*`, no `LD_*`, nothing that might hold a secret."""
    return {
        key: value for key, value in environment.items() if key in KEPT_ENVIRONMENT or key.startswith(("LC_", "TINO_"))
    }


def proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep how the network is reached, for the one child that reaches it: it may hold a password, and runs no strategy."""
    return {
        key: value for key, value in environment.items() if key.lower() in ("http_proxy", "https_proxy", "no_proxy")
    }


class Reply:
    """The end of a request: the result object and the bytes that came with it."""

    __slots__ = ("body", "result")

    def __init__(self, result: dict[str, Any], body: bytes) -> None:
        self.result = result
        self.body = body


class _Request:
    __slots__ = ("done", "on_event")

    def __init__(
        self, done: asyncio.Future[Reply], on_event: Callable[[str, dict[str, Any], bytes], None] | None
    ) -> None:
        self.done = done
        self.on_event = on_event


class Child:
    """One running child process. Build it with `spawn`."""

    def __init__(self, role: str, process: asyncio.subprocess.Process) -> None:
        self.role = role
        self._process = process
        self._requests: dict[int, _Request] = {}
        self._next = 1
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._logger = log.get(f"child.{role}").bind(child_pid=process.pid)
        self._on_notice: Callable[[str, dict[str, Any], bytes], None] | None = None
        self.gone = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read_frames(), name=f"{role}-frames"),
            asyncio.create_task(self._read_errors(), name=f"{role}-stderr"),
        ]

    @classmethod
    async def spawn(cls, role: str, arguments: list[str] | None = None) -> Child:
        """Start `python -m tino_engine <role>`, isolated; it may be called once `ready` returned.

        Raises `worker_start_failed` when the system will not start a process.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *ISOLATED,
                "-X",
                "utf8",
                "-m",
                "tino_engine",
                role,
                *(arguments or []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # Sets of strings have the same order in every process: a strategy that goes through one must be repeatable.
                env={**scrub(os.environ), **(proxies(os.environ) if role == "provide" else {}), "PYTHONHASHSEED": "0"},
                limit=protocol.MAX_HEADER,
                start_new_session=True,
            )
        except OSError as error:
            raise TinoError("worker_start_failed", reason=str(error), log="engine.log") from error
        return cls(role, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def stderr_tail(self) -> list[str]:
        """The last lines it printed."""
        return list(self._stderr)

    async def ready(self) -> dict[str, Any]:
        """Wait until it may be called; give what it says of itself. Raises `worker_died` when it ends before."""
        return await asyncio.shield(self._ready)

    def listen(self, on_notice: Callable[[str, dict[str, Any], bytes], None]) -> None:
        """Be told what the child says of its own accord."""
        self._on_notice = on_notice

    async def call(
        self,
        name: str,
        params: dict[str, Any],
        body: bytes = b"",
        on_event: Callable[[str, dict[str, Any], bytes], None] | None = None,
    ) -> Reply:
        """Send a request and wait for its end. Raises the child's error, or `worker_died` when the child ends first."""
        await self.ready()
        number, self._next = self._next, self._next + 1
        done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._requests[number] = _Request(done, on_event)
        try:
            self._write({"id": number, "call": name, "params": params}, body)
            await self._flush()
            return await done
        finally:
            self._requests.pop(number, None)

    def notify(self, name: str, params: dict[str, Any], body: bytes = b"") -> None:
        """Send a notice; nothing comes back, and nothing happens if the child is gone."""
        self._write({"call": name, "params": params}, body)

    async def close(self, patience: float = 2.0) -> None:
        """End it: close its input, wait, then kill."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.close()
        try:
            async with asyncio.timeout(patience):
                await self.gone.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it now, with everything it started."""
        if not self.gone.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    # Its own process group: what a strategy started goes with it. The PID cannot have been reused,
                    # since this process has not yet reaped it.
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        await self.gone.wait()

    def _write(self, header: dict[str, Any], body: bytes) -> None:
        stream = self._process.stdin
        if stream is None or stream.is_closing() or self.gone.is_set():
            return
        stream.write(protocol.encode(header, body))

    async def _flush(self) -> None:
        with contextlib.suppress(ConnectionError):
            if self._process.stdin is not None:
                await self._process.stdin.drain()

    async def _read_frames(self) -> None:
        assert self._process.stdout is not None
        try:
            while (frame := await protocol.read_async(self._process.stdout)) is not None:
                self._take(frame.header, frame.body)
        except protocol.ProtocolError:
            self._logger.exception("protocol_error")
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        status = await self._process.wait()
        await self._tasks[1]
        self.gone.set()
        failure = self._death(status)
        if not self._ready.done():
            self._ready.set_exception(failure)
            self._ready.exception()  # Nobody may be waiting; it is not lost, every later call raises it again.
        for request in self._requests.values():
            if not request.done.done():
                request.done.set_exception(failure)

    def _death(self, status: int) -> TinoError:
        if status < 0:
            reason = (
                f"signal {signal.Signals(-status).name}" if -status in signal.valid_signals() else f"signal {-status}"
            )
        else:
            reason = f"exit status {status}"
        return TinoError("worker_died", reason=reason, log="engine.log")

    def _take(self, header: dict[str, Any], body: bytes) -> None:
        if "ready" in header:
            if not self._ready.done():
                self._ready.set_result(header["ready"])
            return
        request = self._requests.get(header.get("id", 0))
        if "event" in header:
            handler = self._on_notice if request is None else request.on_event
            if handler is not None:
                handler(header["event"], header.get("params", {}), body)
            return
        if request is None or request.done.done():
            return
        if "error" in header:
            request.done.set_exception(_error(header["error"]))
        else:
            request.done.set_result(Reply(header.get("result", {}), body))

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        stream = self._process.stderr
        while True:
            try:
                line = await stream.readuntil(b"\n")
            except asyncio.IncompleteReadError as rest:
                line = rest.partial
                if not line:
                    return
            except asyncio.LimitOverrunError as overrun:
                line = await stream.readexactly(overrun.consumed)
            text = line.decode(errors="replace").rstrip()
            if text:
                self._stderr.append(text)
                self._logger.info("output", text=text[:2000])


def _error(data: object) -> TinoError:
    try:
        return TinoError.from_body(ErrorBody.model_validate(data))
    except ValidationError:
        return TinoError("worker_died", reason="it sent an error that is not in the catalogue", log="engine.log")
