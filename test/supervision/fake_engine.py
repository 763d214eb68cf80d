"""A stand-in for the engine that speaks its start handshake, health proof, event stream and shutdown, and can misbehave.

Called like the engine (`-I -m tino_engine serve [--port N]`) by a script that stands where its interpreter would be. It uses
nothing but the standard library, so it starts in a twentieth of a second. `TINO_FAKE` holds how it misbehaves, as words:

    stall       says one phase, what it misses on standard error, and then nothing
    mute        says READY and then nothing
    broken      writes a line to standard error and exits 3
    dying       exits 1 as soon as it is healthy and somebody asked for its health
    protocol=N  speaks another protocol
    gap         leaves a number out of the event stream, once
    mumble      ends each language session at its first message

A file `fake` in the home holds such words for every engine that starts from then on, in place of the variable's. While there is a file
`fake-run`, a run is under way.
"""

import asyncio
import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import socket
import struct
import sys
import time

HOME = os.environ["TINO_HOME"]
RUN = os.path.join(HOME, "run")


def behaviour():
    try:
        with open(os.path.join(HOME, "fake")) as file:
            return file.read().split()
    except OSError:
        return os.environ.get("TINO_FAKE", "").split()


BEHAVIOUR = behaviour()
PROTOCOL = next((int(word[9:]) for word in BEHAVIOUR if word.startswith("protocol=")), 1)
STARTS = os.path.join(HOME, "logs", "fake-starts.log")


def say(line):
    os.write(1, line.encode() + b"\n")


def start_ticks(pid):
    """The start of a living process, None when it is gone; without /proc the answer is always the same word."""
    if not os.path.isdir("/proc/self"):
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return "alive"
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def boot_id():
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return f"{file.read().strip()}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return None


def write_private(name, text):
    temporary = os.path.join(RUN, f".{name}.{os.getpid()}")
    with open(temporary, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(text)
    os.replace(temporary, os.path.join(RUN, name))


class Fake:
    def __init__(self, port, bootstrap):
        self.port = port
        self.graces = {
            "vscode": bootstrap.get("windowGraceMs", 30_000) / 1000,
            "cli": bootstrap.get("terminalGraceMs", 5_000) / 1000,
        }
        self.instance = secrets.token_hex(16)
        self.token = secrets.token_hex(32)
        self.started_at = int(time.time() * 1000)
        self.state = "starting"
        self.seq = 0
        self.envelopes = []
        self.sockets = {}
        self.stopping = asyncio.Event()
        self.gap = "gap" in BEHAVIOUR

    # -- who is here -----------------------------------------------------------------------------------------------

    def locks(self):
        found = {}
        try:
            names = os.listdir(os.path.join(RUN, "cli"))
        except OSError:
            return found
        for name in names:
            if not re.fullmatch(r"cli-\d+\.lock", name):
                continue
            path = os.path.join(RUN, "cli", name)
            try:
                with open(path) as file:
                    lock = json.load(file)
            except (OSError, ValueError):
                continue
            start = start_ticks(lock["pid"])
            if start is not None and lock["startId"] in (None, start):
                found[lock["nonce"]] = lock
            else:
                os.unlink(path)
        return found

    def clients(self):
        locks = self.locks()
        live = {
            nonce: (lock["kind"], lock["pid"], lock["startedAt"], lock["tty"], lock["workspace"])
            for nonce, lock in locks.items()
        }
        for hello in self.sockets.values():
            live.setdefault(hello["nonce"], (hello["client"], hello["pid"], self.started_at, None, hello["workspace"]))
        connected = {hello["nonce"] for hello in self.sockets.values()}
        return {
            nonce: {
                "kind": kind,
                "pid": pid,
                "since": since,
                "tty": tty,
                "workspace": workspace,
                "connected": nonce in connected,
            }
            for nonce, (kind, pid, since, tty, workspace) in live.items()
        }

    async def watch(self):
        deadline = time.monotonic() + 5
        while not self.stopping.is_set():
            live = self.clients()
            if live:
                deadline = time.monotonic() + max(self.graces.get(client["kind"], 5) for client in live.values())
            elif time.monotonic() > deadline:
                self.stop()
            await asyncio.sleep(0.03)

    def stop(self):
        if self.state == "stopping":
            return
        self.state = "stopping"
        self.publish({"type": "engine.changed", "state": "stopping"})
        asyncio.get_running_loop().call_later(0.05, self.stopping.set)

    # -- HTTP ------------------------------------------------------------------------------------------------------

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                with open(os.path.join(HOME, "logs", "fake-requests.log"), "a") as log:
                    log.write(f"{method} {target}\n")
                if headers.get("upgrade") == "websocket":
                    await (self.stream if target.startswith("/ws/") else self.language)(headers, reader, writer)
                    return
                status, reply = self.answer(method, target, headers, body)
                data = json.dumps(reply).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode()
                    + data
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, method, target, headers, body):
        path, _, query = target.partition("?")
        if path == "/api/health":
            nonce = query.partition("nonce=")[2]
            text = f"tino-health|{nonce}|{os.getpid()}|{self.port}|{self.instance}"
            proof = hmac.new(self.token.encode(), text.encode(), hashlib.sha256).hexdigest()
            if "dying" in BEHAVIOUR:
                asyncio.get_running_loop().call_later(0.2, os._exit, 1)
            return 200, {
                "service": "tino",
                "status": self.state,
                "pid": os.getpid(),
                "port": self.port,
                "instance": self.instance,
                "protocol": PROTOCOL,
                "version": "0.0.0-fake",
                "proof": proof,
            }
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, error("unauthorized", "This request carries no valid token.")
        if path == "/api/engine":
            return 200, self.status()
        if path == "/api/shutdown":
            wanted = json.loads(body or b"{}")
            words = {"vscode": "window", "cli": "terminal", "trader": "trader"}
            others = [
                f"{words[client['kind']]} {client['pid']}"
                for nonce, client in self.clients().items()
                if nonce != wanted.get("nonce")
            ]
            if os.path.exists(os.path.join(HOME, "fake-run")):
                others.append("1 run under way")
            if others and not wanted.get("force"):
                return 409, error("engine_busy", f"The engine is in use: {', '.join(others)}.")
            self.stop()
            return 200, {"state": "stopping"}
        if path == "/api/backtest" and method == "GET":
            return 200, {"runs": [], "more": False}
        return 404, error("not_found", f"There is nothing at {path}.")

    def status(self):
        return {
            "state": self.state,
            "mode": "PAPER",
            "pid": os.getpid(),
            "port": self.port,
            "instance": self.instance,
            "protocol": PROTOCOL,
            "version": "0.0.0-fake",
            "startedAt": self.started_at,
            "pythonPath": sys.executable,
            "home": HOME,
            "logPath": os.path.join(HOME, "logs", "engine.log"),
            "memoryBytes": 1,
            "clients": list(self.clients().values()),
            "runsRunning": 0,
            "runsQueued": 0,
            "children": [],
        }

    # -- events ----------------------------------------------------------------------------------------------------

    def publish(self, event):
        self.seq += 1
        envelope = {
            "kind": "event",
            "instance": self.instance,
            "seq": self.seq,
            "ledgerSeq": None,
            "at": int(time.time() * 1000),
            "event": event,
        }
        self.envelopes.append(envelope)
        if self.gap and self.seq == 3:
            self.gap = False
            return
        for writer in list(self.sockets):
            send(writer, envelope)

    def upgrade(self, headers, writer):
        if headers.get("authorization") != f"Bearer {self.token}":
            writer.write(b"HTTP/1.1 403 X\r\ncontent-length: 0\r\n\r\n")
            return False
        accept = base64.b64encode(
            hashlib.sha1((headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        )
        writer.write(
            b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: "
            + accept
            + b"\r\n\r\n"
        )
        return True

    async def language(self, headers, reader, writer):
        if "mumble" not in BEHAVIOUR:
            writer.write(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n")
        elif self.upgrade(headers, writer):
            await receive(reader, writer)

    async def stream(self, headers, reader, writer):
        if not self.upgrade(headers, writer):
            return
        hello = json.loads(await receive(reader, writer))
        resume = hello["resume"]
        if resume and resume["instance"] == self.instance:
            send(writer, {"kind": "resumed", "instance": self.instance, "seq": resume["seq"]})
            for envelope in self.envelopes[resume["seq"] :]:
                send(writer, envelope)
        else:
            send(
                writer,
                {"kind": "snapshot", "instance": self.instance, "seq": self.seq, "status": self.status(), "runs": []},
            )
        self.sockets[writer] = hello
        client = {
            "kind": hello["client"],
            "pid": hello["pid"],
            "since": self.started_at,
            "tty": None,
            "workspace": hello["workspace"],
            "connected": True,
        }
        self.publish({"type": "client.joined", "client": client})
        try:
            while (message := await receive(reader, writer)) is not None:
                if json.loads(message)["kind"] == "trust":
                    self.publish({"type": "data.changed", "barTypes": json.loads(message)["trustedFolders"]})
        finally:
            self.sockets.pop(writer, None)
            self.publish({"type": "client.left", "client": client})


def error(code, message):
    return {"code": code, "message": message, "hint": "-", "location": None, "traceback": [], "field": None}


def send(writer, message):
    data = json.dumps(message).encode()
    length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
    writer.write(b"\x81" + length + data)


async def receive(reader, writer):
    while True:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        mask = await reader.readexactly(4)
        data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(await reader.readexactly(size)))
        if first & 0x0F == 8:
            writer.write(b"\x88\x00")
            return None
        if first & 0x0F == 9:
            writer.write(b"\x8a" + bytes([len(data)]) + data)
        if first & 0x0F == 1:
            return data


async def live(listener, bootstrap):
    fake = Fake(listener.getsockname()[1], bootstrap)
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, fake.stop)
    server = await asyncio.start_server(fake.serve, sock=listener)
    fake.state = "healthy"
    write_private("engine.token", fake.token)
    info = {
        "pid": os.getpid(),
        "port": fake.port,
        "startedAt": fake.started_at,
        "pythonPath": sys.executable,
        "instance": fake.instance,
        "protocol": PROTOCOL,
        "version": "0.0.0-fake",
        "startId": start_ticks(os.getpid()),
        "bootId": boot_id(),
        "logPath": os.path.join(HOME, "logs", "engine.log"),
    }
    write_private("engine.pid", json.dumps(info))
    say("PHASE healthy")
    watching = asyncio.create_task(fake.watch())
    await fake.stopping.wait()
    watching.cancel()
    server.close()
    for writer in list(fake.sockets):
        writer.close()
    os.unlink(os.path.join(RUN, "engine.pid"))


def main():
    if "broken" in BEHAVIOUR:
        sys.stderr.write("Something is missing\n")
        sys.exit(3)
    lock = os.open(os.path.join(RUN, "engine.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(75)
    with open(STARTS, "a") as log:
        log.write(f"{os.getpid()}\n")
    if "stall" in BEHAVIOUR:
        say("PHASE looking for its glasses")
        print("They were here a moment ago.", file=sys.stderr, flush=True)
        sys.stdin.read()
        sys.exit(5)
    port = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 0
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as problem:
        sys.stderr.write(f"Port {port} cannot be used: {problem.strerror}\n")
        sys.exit(5)
    listener.listen(128)
    nonce = secrets.token_hex(16)
    say(f"READY {listener.getsockname()[1]} {nonce}")
    line = sys.stdin.readline()
    if not line:
        sys.exit(5)
    if "mute" in BEHAVIOUR:
        time.sleep(60)
    bootstrap = json.loads(line)
    if bootstrap["protocol"] != PROTOCOL:
        sys.stderr.write(
            f"The engine refused its start message: it speaks protocol {bootstrap['protocol']}, this engine {PROTOCOL}.\n"
        )
        sys.exit(5)
    if bootstrap["nonce"] != nonce:
        sys.stderr.write("The engine refused its start message: its nonce is not the one of the READY line.\n")
        sys.exit(5)
    say("PHASE opening the database")
    asyncio.run(live(listener, bootstrap))


main()
