"""The `cluster` child: stands between the engine and a Dask scheduler.

    connect {address}           → {threads}: how many points the cluster's workers run at once
    point {key, setup, point}   → as the call of the worker, see `nautilus/points.py`

`run_point` is what travels: it runs on a thread of a Dask worker, and gives the point to a process of tino's that this thread keeps.
Nothing is retried by Dask, so that a strategy which ends its process is not run over and over.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from tino_engine.contracts import ErrorBody
from tino_engine.errors import TinoError
from tino_engine.workers import protocol
from tino_engine.workers.child import scrub
from tino_engine.workers.port import Port

if TYPE_CHECKING:
    from tino_engine.workers.protocol import Frame

CONNECT_SECONDS = 5
_kept = threading.local()


def main() -> int:
    """Serve until the engine closes the pipe; give the exit status."""
    port = Port()
    link = _Link(port)
    port.ready()
    while (frame := port.receive()) is not None:
        link.take(frame)
    # Threads of the client's would hold the process.
    os._exit(0)


class _Link:
    """The connection, once it stands."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._address = ""
        self._client: Any = None

    def take(self, frame: Frame) -> None:
        number, params = frame.header["id"], frame.header["params"]
        if frame.header["call"] == "connect":
            self._connect(number, params["address"])
            return
        future = self._client.submit(run_point, params["key"], params["setup"], params["point"], pure=False, retries=0)
        future.add_done_callback(lambda ended: self._answer(number, ended))

    def _connect(self, number: int, address: str) -> None:
        import dask.config  # noqa: PLC0415
        from distributed import Client  # noqa: PLC0415

        self._address = address
        # A worker that dies takes its point along, and no other one is to try the same.
        dask.config.set(
            {"distributed.scheduler.allowed-failures": 0, "distributed.comm.timeouts.connect": CONNECT_SECONDS}
        )
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            threads = sum(
                worker["nthreads"] for worker in self._client.scheduler_info(n_workers=-1)["workers"].values()
            )
        except (OSError, ValueError, TypeError) as error:
            self._port.fail(number, self._unreachable(error).body)
            return
        if not threads:
            unfit = TinoError("cluster_unfit", address=address, reason="it has no workers")
            self._port.fail(number, unfit.body)
            return
        self._port.reply(number, {"threads": threads})

    def _answer(self, number: int, future: Any) -> None:
        """Pass on how a point ended; called on a thread of the client's."""
        if future.status != "finished":
            error = None if future.cancelled() else future.exception()
            self._port.fail(number, self._translate(error).body)
            return
        try:
            kind, result, body = future.result()
        except Exception as error:  # noqa: BLE001 - the scheduler went away between end and result
            self._port.fail(number, self._unreachable(error).body)
            return
        if kind == "error":
            self._port.fail(number, ErrorBody.model_validate(result))
        else:
            self._port.reply(number, result, body)
        future.release()

    def _translate(self, error: BaseException | None) -> TinoError:
        name = type(error).__name__
        if error is None or name in ("CancelledError", "FutureCancelledError", "CommClosedError"):
            return self._unreachable(error)
        if name == "KilledWorker":
            return TinoError("worker_died", reason="its Dask worker ended", log="engine.log")
        return TinoError("cluster_unfit", address=self._address, reason=f"{name}: {error}"[:300].rstrip("."))

    def _unreachable(self, error: BaseException | None) -> TinoError:
        reason = "the connection was lost" if error is None else str(error).partition("\n")[0] or type(error).__name__
        return TinoError("cluster_unreachable", address=self._address, reason=reason.rstrip(".")[:300])


# -- on a Dask worker --------------------------------------------------------------------------------------------------


class _Worker:
    """A process of tino's that runs points, kept from one point of a thread to the next."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-m", "tino_engine", "work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=scrub(os.environ),
        )
        self._key: str | None = None
        self._number = 0
        atexit.register(self.close)
        self._read()

    def run(self, key: str, setup: dict[str, Any], point: dict[str, Any]) -> tuple[str, dict[str, Any], bytes]:
        """Run a point; give `result` or `error`, its JSON, and bytes. Raises EOFError when the process ends."""
        assert self._process.stdin is not None
        self._number += 1
        params = {"key": key, "point": point} | ({} if key == self._key else {"setup": setup})
        self._key = key
        self._process.stdin.write(protocol.encode({"id": self._number, "call": "point", "params": params}))
        self._process.stdin.flush()
        while True:
            frame = self._read()
            if frame.header.get("id") != self._number or "event" in frame.header:
                continue
            if "error" in frame.header:
                return "error", frame.header["error"], b""
            return "result", frame.header["result"], frame.body

    def close(self) -> int:
        """End the process; give its status."""
        atexit.unregister(self.close)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return self._process.wait()

    def _read(self) -> Frame:
        assert self._process.stdout is not None
        frame = protocol.read(self._process.stdout)  # type: ignore[arg-type]
        if frame is None:
            raise EOFError
        return frame


def run_point(key: str, setup: dict[str, Any], point: dict[str, Any]) -> tuple[str, dict[str, Any], bytes]:
    """Run a point on this thread's process; give how it ended, as `_Worker.run` does."""
    if getattr(_kept, "worker", None) is None:
        _kept.worker = _Worker()
    try:
        return _kept.worker.run(key, setup, point)
    except (EOFError, OSError):
        status = _kept.worker.close()
        _kept.worker = None
        reason = f"signal {-status}" if status < 0 else f"exit status {status}"
        return (
            "error",
            TinoError("worker_died", reason=reason, log="the worker's log").body.model_dump(mode="json"),
            b"",
        )
