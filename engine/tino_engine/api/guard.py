"""The one guard in front of HTTP and WebSocket alike.

The engine listens on loopback, which every web page in the user's browser can reach too. So each request must name the
engine's own address in `Host` (a rebound DNS name does not), must not come from another site (`Origin`, `Sec-Fetch-Site`),
and carries its right in a header that no page can set across sites: there are no cookies and no tokens in addresses.
Pages and their assets are public to whoever passes the first two checks; they hold nothing of the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import error_response
from tino_engine.api.sessions import NOBODY
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tino_engine.api.sessions import Credentials, Sessions

MAX_BODY = 1_000_000
POLICY_VIOLATION = 1008


class Guard:
    """ASGI application around the real one; puts `credentials` into the request's state."""

    def __init__(self, app: ASGIApp, sessions: Sessions, port: int) -> None:
        self._app = app
        self._sessions = sessions
        self._host = f"127.0.0.1:{port}".encode()
        self._origin = f"http://127.0.0.1:{port}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        try:
            self._check_source(scope, headers)
            credentials = self._credentials(scope, headers)
            if scope["type"] == "websocket":
                credentials.require("read")
        except TinoError as error:
            await self._refuse(scope, receive, send, error)
            return
        scope.setdefault("state", {})["credentials"] = credentials
        if scope["type"] == "http":
            if int(headers.get(b"content-length", [b"0"])[0] or 0) > MAX_BODY:
                await self._refuse(scope, receive, send, TinoError("request_too_large", limit=MAX_BODY))
                return
            receive = _bounded(receive)
        try:
            await self._app(scope, receive, send)
        except _TooLargeError:
            await self._refuse(scope, receive, send, TinoError("request_too_large", limit=MAX_BODY))

    def _check_source(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> None:
        if headers.get(b"host") != [self._host]:
            raise TinoError("foreign_origin")
        if any(origin != self._origin for origin in headers.get(b"origin", [])):
            raise TinoError("foreign_origin")
        site = headers.get(b"sec-fetch-site", [b"none"])
        # Somebody may follow a link to a page from anywhere; a call or a socket must come from our own page or program.
        page = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and not scope["path"].startswith("/api")
        if not page and site[0] not in (b"none", b"same-origin"):
            raise TinoError("foreign_origin")

    def _credentials(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> Credentials:
        authorization = headers.get(b"authorization")
        if authorization is not None:
            scheme, _, token = authorization[0].decode("latin-1").partition(" ")
            return self._sessions.of_token(token.strip() if scheme.lower() == "bearer" else "-")
        if scope["type"] == "websocket":
            for protocol in scope.get("subprotocols", []):
                if protocol.startswith("ticket."):
                    return self._sessions.of_ticket(protocol.removeprefix("ticket."))
        return NOBODY

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, error: TinoError) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": error.code})
            return
        await error_response(error)(scope, receive, send)


class _TooLargeError(Exception):
    pass


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise _TooLargeError
        return message

    return bounded


def _headers(scope: Scope) -> dict[bytes, list[bytes]]:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, []).append(value)
    return headers
