"""WebSockets: the event stream, one run's events, and the language server's proxy.

Each accepted socket runs two loops, one that reads and one that writes; the first to end ends the other. A browser that
offered its ticket as a subprotocol is answered with the subprotocol `tino`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tino_engine import log
from tino_engine.contracts import PROTOCOL, ClientMessage, Hello, Resumed, RunChanged, RunProgressed, Snapshot
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tino_engine.api.sessions import Credentials
    from tino_engine.contract_model import ContractModel
    from tino_engine.engine import Engine
    from tino_engine.hub import Subscription

logger = log.get("api")

HELLO_SECONDS = 10
TRY_AGAIN = 1013
GOING_AWAY = 1001
BAD_MESSAGE = 1008
PROTOCOL_MISMATCH = 4426
NOT_FOUND = 4404


def build_sockets(engine: Engine) -> list[WebSocketRoute]:
    """Make the socket routes."""

    def route(path: str, handle: Callable[[Engine, WebSocket], Awaitable[None]]) -> WebSocketRoute:
        async def endpoint(socket: WebSocket) -> None:
            try:
                await handle(engine, socket)
            except WebSocketDisconnect:
                pass
            except Exception:
                logger.exception("socket_failed", path=path)
                with contextlib.suppress(RuntimeError):
                    await socket.close(1011)

        return WebSocketRoute(path, endpoint)

    return [route("/ws/events", _events), route("/ws/backtest/{id}", _run), route("/lsp", _language)]


async def _accept(socket: WebSocket) -> None:
    await socket.accept("tino" if "tino" in socket.scope.get("subprotocols", []) else None)


async def _events(engine: Engine, socket: WebSocket) -> None:
    await _accept(socket)
    reader: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = reader.validate_json(await socket.receive_text())
    except (ValidationError, TimeoutError):
        await socket.close(BAD_MESSAGE, "hello expected")
        return
    if not isinstance(hello, Hello):
        await socket.close(BAD_MESSAGE, "hello expected")
        return
    if hello.protocol != PROTOCOL:
        await socket.close(PROTOCOL_MISMATCH, f"protocol {PROTOCOL}")
        return
    if engine.state == "stopping":
        # It knocked before that and came in after it: others were asked whether they still need the engine, this one was not.
        await socket.close(GOING_AWAY, "stopping")
        return
    credentials: Credentials = socket.scope["state"]["credentials"]
    if credentials.browser:
        granted = list(credentials.trusted_folders)
        hello = hello.model_copy(update={"client": "browser", "pid": None, "nonce": None, "trusted_folders": granted})
    lease = engine.leases.opened(hello)
    subscription = engine.hub.subscribe()
    try:
        # Subscribed before the snapshot is taken, so nothing falls between; what both contain is dropped by its number.
        missed = engine.hub.since(hello.resume)
        if missed is not None and hello.resume is not None:
            resumed = Resumed(kind="resumed", instance=engine.instance, seq=hello.resume.seq)
            await socket.send_text(resumed.model_dump_json())
            for data in missed:
                await socket.send_text(data.decode())
        else:
            await socket.send_text((await engine.snapshot(hello.ledger_seq)).model_dump_json())

        async def listen() -> None:
            while True:
                message = reader.validate_json(await socket.receive_text())
                if not isinstance(message, Hello) and not credentials.browser:
                    lease.trusted_folders = tuple(message.trusted_folders)

        await _both(_send_all(socket, subscription), listen())
    except ValidationError:
        await socket.close(BAD_MESSAGE, "not a client message")
    finally:
        engine.hub.unsubscribe(subscription)
        engine.leases.closed(lease)


async def _run(engine: Engine, socket: WebSocket) -> None:
    run_id = socket.path_params["id"]
    await _accept(socket)

    def wants(event: ContractModel) -> bool:
        return (isinstance(event, RunProgressed) and event.id == run_id) or (
            isinstance(event, RunChanged) and event.run.id == run_id
        )

    subscription = engine.hub.subscribe(wants)
    try:
        try:
            run = await engine.runs.summary(run_id)
        except TinoError as error:
            await socket.close(NOT_FOUND, error.code)
            return
        snapshot = Snapshot(
            kind="snapshot", instance=engine.instance, seq=engine.hub.seq, status=engine.status(), runs=[run]
        )
        await socket.send_text(snapshot.model_dump_json())

        async def send() -> None:
            if run.status in ("queued", "running"):
                while (data := await subscription.next()) is not None:
                    await socket.send_text(data.decode())
                    if b'"run.changed"' in data and not await engine.runs.active(run_id):
                        break
            await socket.close(1000)

        async def listen() -> None:
            while True:
                await socket.receive_text()

        await _both(send(), listen())
    finally:
        engine.hub.unsubscribe(subscription)


async def _language(engine: Engine, socket: WebSocket) -> None:
    await _accept(socket)
    connection = await engine.language.open()
    try:

        async def send() -> None:
            while (message := await connection.receive()) is not None:
                await socket.send_text(message.decode())
            await socket.close(GOING_AWAY)

        async def listen() -> None:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                connection.send((message.get("text") or "").encode() or message.get("bytes") or b"")

        await _both(send(), listen())
    finally:
        connection.close()


async def _send_all(socket: WebSocket, subscription: Subscription) -> None:
    while (data := await subscription.next()) is not None:
        await socket.send_text(data.decode())
    await socket.close(TRY_AGAIN if subscription.overrun else GOING_AWAY)


async def _both(first: Awaitable[None], second: Awaitable[None]) -> None:
    """Run both until one ends; raise what it raised."""
    tasks = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
