"""A real engine in a process of its own, for tests: started by the handshake, spoken to over loopback, gone afterwards."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from websockets.sync.client import ClientConnection, connect

from tino_engine.contracts import PROTOCOL
from tino_engine.supervision.identity import SystemProcesses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ENGINE = Path(__file__).parents[1]


def spawn(
    home: Path, *arguments: str, program: Sequence[str] = ("-m", "tino_engine", "serve")
) -> subprocess.Popen[str]:
    """Start `serve`, or a program that does, without saying anything to it."""
    return subprocess.Popen(
        [sys.executable, "-I", *program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "TINO_HOME": str(home)},
    )


def bootstrap(process: subprocess.Popen[str], **changes: Any) -> dict[str, Any]:
    """Read READY and answer it; give the bootstrap that was sent."""
    assert process.stdin is not None
    assert process.stdout is not None
    _ready, _port, nonce = process.stdout.readline().split()
    message = {
        "protocol": PROTOCOL,
        "nonce": nonce,
        "version": "test",
        "windowGraceMs": 60_000,
        "terminalGraceMs": 60_000,
        **changes,
    }
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    return message


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class LiveEngine:
    """Use it as a context: `with LiveEngine(home) as engine`."""

    home: Path
    options: dict[str, Any] = field(default_factory=dict)
    trusted: Iterable[Path] = ()
    process: subprocess.Popen[str] = field(init=False)
    port: int = field(init=False)
    token: str = field(init=False)
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def __enter__(self) -> Self:
        self.process = spawn(self.home)
        bootstrap(self.process, **self.options)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "PHASE healthy\n":
                break
        else:
            assert self.process.stderr is not None
            raise AssertionError(f"the engine did not start: {self.process.stderr.read()}")
        info = json.loads((self.home / "run" / "engine.pid").read_text())
        self.port = info["port"]
        self.token = (self.home / "run" / "engine.token").read_text()
        self.stream = self.hello()
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        if self.process.poll() is None:
            self.call("POST", "/api/shutdown", {"force": True})
            self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, token: str | None = ""
    ) -> Reply:
        """Send a request; the engine's token goes along unless another, or None, is given."""
        sent = {"x-tino-client": self.nonce, **(headers or {})}
        token = self.token if token == "" else token
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        reply = self.call("GET", path)
        assert reply.status == 200, reply.body
        return reply.json

    def post(self, path: str, body: Any = None) -> Any:
        reply = self.call("POST", path, body if body is not None else {})
        assert reply.status == 200, reply.body
        return reply.json

    def socket(self, path: str, **options: Any) -> ClientConnection:
        options.setdefault("additional_headers", {"Authorization": f"Bearer {self.token}"})
        return connect(
            f"ws://127.0.0.1:{self.port}{path}", compression=None, max_size=None, max_queue=None, legacy=True, **options
        )

    def hello(
        self, *, kind: str = "cli", resume: Any = None, nonce: str | None = None, ledger_seq: int | None = None
    ) -> ClientConnection:
        """Open an event stream and say hello; the snapshot is the first thing to be read."""
        socket = self.socket("/ws/events")
        message = {
            "kind": "hello",
            "protocol": PROTOCOL,
            "client": kind,
            "pid": os.getpid(),
            "nonce": nonce or self.nonce,
            "version": "test",
            "trustedFolders": [str(path) for path in self.trusted],
            "resume": resume,
            "ledgerSeq": ledger_seq,
        }
        socket.send(json.dumps(message))
        return socket


def write_client_lock(home: Path, pid: int, nonce: str, kind: str = "cli") -> Path:
    """Write a lock file for a process that exists."""
    processes = SystemProcesses()
    path = home / "run" / "cli" / f"cli-{pid}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "pid": pid,
        "startedAt": 1,
        "tty": None,
        "kind": kind,
        "startId": processes.start_id(pid),
        "bootId": processes.boot_id(),
        "nonce": nonce,
        "version": "test",
    }
    path.write_text(json.dumps(content))
    return path
