"""Who may do what: the engine's token, browser sessions made from one-time codes, one-use tickets for sockets.

A client of the same user reads `run/engine.token` and gets every scope. A browser page cannot read it: somebody with
`operate` asks for a code, the page's address carries it in the fragment (which no server sees), the page exchanges it for
a session that can read, simulate and stage, never operate. A browser's WebSocket sends no header, so it shows a ticket.
All of it lives in memory and ends with the engine.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tino_engine.contracts import BrowserCode, Session, SocketTicket
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.supervision.clock import Clock

CODE_SECONDS = 60
TICKET_SECONDS = 30
MAX_PENDING = 100
ALL_SCOPES = ("read", "simulate", "stage", "operate")
BROWSER_SCOPES = ("read", "simulate", "stage")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the sender of a request may do."""

    scopes: tuple[str, ...]
    browser: bool
    presented: bool
    """A token was sent, right or wrong."""

    def require(self, scope: str | None) -> None:
        """Raise unless the scope is granted. None: open to all."""
        if scope is None or scope in self.scopes:
            return
        if self.scopes:
            raise TinoError("forbidden")
        raise TinoError("token_wrong" if self.presented else "unauthorized")


NOBODY = Credentials((), browser=False, presented=False)
STRANGER = Credentials((), browser=False, presented=True)


class Sessions:
    """All that was handed out."""

    def __init__(self, token: str, instance: str, clock: Clock) -> None:
        self._token = token.encode()
        self._instance = instance
        self._clock = clock
        self._codes: dict[str, float] = {}
        self._browsers: set[str] = set()
        self._tickets: dict[str, float] = {}

    def of_token(self, presented: str | None) -> Credentials:
        """Say what a bearer token allows."""
        if not presented:
            return NOBODY
        if hmac.compare_digest(presented.encode(), self._token):
            return Credentials(ALL_SCOPES, browser=False, presented=True)
        if any(hmac.compare_digest(presented.encode(), known.encode()) for known in self._browsers):
            return Credentials(BROWSER_SCOPES, browser=True, presented=True)
        return STRANGER

    def of_ticket(self, ticket: str) -> Credentials:
        """Take a ticket; it works once."""
        if self._take(self._tickets, ticket):
            return Credentials(BROWSER_SCOPES, browser=True, presented=True)
        return STRANGER

    def issue_code(self, base: str, path: str) -> BrowserCode:
        """Make a one-time code and the address that carries it."""
        code = self._issue(self._codes, CODE_SECONDS)
        return BrowserCode(
            code=code, expires_at=self._clock.now_ms() + CODE_SECONDS * 1000, url=f"{base}{path}#code={code}"
        )

    def redeem(self, code: str) -> Session:
        """Exchange a code for a session; raise `code_expired` when it is unknown, used or old."""
        if not self._take(self._codes, code):
            raise TinoError("code_expired")
        token = secrets.token_hex(32)
        self._browsers.add(token)
        return Session(token=token, scopes=list(BROWSER_SCOPES), instance=self._instance)  # type: ignore[arg-type]

    def issue_ticket(self) -> SocketTicket:
        """Make a one-use ticket for a WebSocket."""
        ticket = self._issue(self._tickets, TICKET_SECONDS)
        return SocketTicket(ticket=ticket, expires_at=self._clock.now_ms() + TICKET_SECONDS * 1000)

    def _issue(self, pending: dict[str, float], seconds: float) -> str:
        now = self._clock.monotonic()
        for key in [key for key, until in pending.items() if until < now]:
            del pending[key]
        while len(pending) >= MAX_PENDING:
            del pending[next(iter(pending))]
        key = secrets.token_urlsafe(24)
        pending[key] = now + seconds
        return key

    def _take(self, pending: dict[str, float], key: str) -> bool:
        until = pending.pop(key, None)
        return until is not None and until >= self._clock.monotonic()
