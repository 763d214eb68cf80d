"""Calls about the engine itself: health, status, shutdown, browser sessions."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls
from tino_engine.contracts import PROTOCOL, BrowserCode, EngineStatus, Health, Session, ShutdownReply, SocketTicket

if TYPE_CHECKING:
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("getHealth")
async def get_health(engine: Engine, arguments: Arguments) -> Health:
    """Answer who is here; with a nonce, prove it."""
    nonce = arguments.query.nonce
    proof = None
    if nonce is not None:
        text = f"tino-health|{nonce}|{engine.pid}|{engine.port}|{engine.instance}"
        proof = hmac.new(engine.token.encode(), text.encode(), hashlib.sha256).hexdigest()
    return Health(
        service="tino",
        status=engine.state,  # type: ignore[arg-type]
        pid=engine.pid,
        port=engine.port,
        instance=engine.instance,
        protocol=PROTOCOL,
        version=engine.version,
        proof=proof,
    )


@calls.call("getEngine")
async def get_engine(engine: Engine, _arguments: Arguments) -> EngineStatus:
    """Describe the engine, its clients and its children."""
    return engine.status()


@calls.call("shutdown")
async def shutdown(engine: Engine, arguments: Arguments) -> ShutdownReply:
    """End the engine; `engine_busy` when others use it and `force` is not set."""
    engine.request_shutdown(arguments.body)
    return ShutdownReply(state="stopping")


@calls.call("createBrowserCode")
async def create_browser_code(engine: Engine, arguments: Arguments) -> BrowserCode:
    """Make a one-time address for a browser; what the asking client trusts, the page may have run."""
    lease = engine.leases.find(arguments.client)
    folders = lease.trusted_folders if lease else ()
    return engine.sessions.issue_code(f"http://127.0.0.1:{engine.port}", arguments.body.path, folders)


@calls.call("createSession")
async def create_session(engine: Engine, arguments: Arguments) -> Session:
    """Exchange a one-time code for a session."""
    return engine.sessions.redeem(arguments.body.code)


@calls.call("createSocketTicket")
async def create_socket_ticket(engine: Engine, arguments: Arguments) -> SocketTicket:
    """Make a one-use ticket for a WebSocket."""
    return engine.sessions.issue_ticket(arguments.credentials.trusted_folders)
