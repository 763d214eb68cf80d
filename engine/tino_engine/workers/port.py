"""The child's end of the pipe to the engine."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Never

from tino_engine.workers import protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.contracts import ErrorBody
    from tino_engine.workers.protocol import Frame

GONE = 0
"""Exit status of a child whose engine closed the pipe: an ordinary end."""


class Port:
    """Frames in, frames out; everything else that is printed goes to standard error, which the engine keeps in its log.

    Build it before any code that may print: it moves the real standard output to a descriptor of its own and puts
    standard error in its place, for Python and for native code alike.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        self._in = os.fdopen(os.dup(0), "rb")
        os.dup2(2, 1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        self._lock = threading.Lock()

    def receive(self) -> Frame | None:
        """Wait for the next frame; None when the engine closed the pipe."""
        return protocol.read(self._in)

    def listen(self, handle: Callable[[Frame], None]) -> threading.Thread:
        """Give every frame to `handle` on a thread of its own; end the process when the pipe closes.

        For children whose main thread is busy: a run must be cancellable, and must not outlive its engine.
        """

        def pump() -> None:
            while (frame := self.receive()) is not None:
                handle(frame)
            self.leave()

        thread = threading.Thread(target=pump, name="port", daemon=True)
        thread.start()
        return thread

    def leave(self) -> Never:
        """End the process at once, from any thread."""
        os._exit(GONE)

    def ready(self, **params: Any) -> None:
        """Say that calls may come."""
        self._send({"ready": params})

    def reply(self, request: int, result: dict[str, Any], body: bytes = b"") -> None:
        """End a request with its result."""
        self._send({"id": request, "result": result}, body)

    def fail(self, request: int, error: ErrorBody) -> None:
        """End a request with an error of the catalogue."""
        self._send({"id": request, "error": error.model_dump(mode="json", by_alias=True)})

    def event(self, name: str, params: dict[str, Any], *, request: int | None = None, body: bytes = b"") -> None:
        """Say something on the way to the end of a request, or of one's own accord."""
        header: dict[str, Any] = {"event": name, "params": params}
        if request is not None:
            header["id"] = request
        self._send(header, body)

    def _send(self, header: dict[str, Any], body: bytes = b"") -> None:
        data = memoryview(protocol.encode(header, body))
        with self._lock:
            try:
                while data:
                    data = data[self._out.write(data) :]
            except (BrokenPipeError, OSError):
                self.leave()
