"""Who may do what: the engine's token, browser sessions made from one-time codes, one-use tickets for sockets.

A client of the same user reads `run/engine.token` and gets every scope. A browser page cannot read it: somebody with
`operate` asks for a code, the page's address carries it in the fragment (which no server sees), the page exchanges it for
a session that can read, simulate and stage, never operate. A browser's WebSocket sends no header, so it shows a ticket.
Which folders' code the page may have run is not its own to say: they are those of the client that asked for the code, and go
with the session and its tickets.
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
    trusted_folders: tuple[str, ...] = ()
    """Of a browser page: those of the client that opened it."""

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
        self._codes = _Passes(clock, CODE_SECONDS)
        self._tickets = _Passes(clock, TICKET_SECONDS)
        self._browsers: dict[str, tuple[str, ...]] = {}

    def of_token(self, presented: str | None) -> Credentials:
        """Say what a bearer token allows."""
        if not presented:
            return NOBODY
        if hmac.compare_digest(presented.encode(), self._token):
            return Credentials(ALL_SCOPES, browser=False, presented=True)
        for known, folders in self._browsers.items():
            if hmac.compare_digest(presented.encode(), known.encode()):
                return _page(folders)
        return STRANGER

    def of_ticket(self, ticket: str) -> Credentials:
        """Take a ticket; it works once."""
        folders = self._tickets.take(ticket)
        return STRANGER if folders is None else _page(folders)

    def issue_code(self, base: str, path: str, trusted_folders: tuple[str, ...]) -> BrowserCode:
        """Make a one-time code and the address that carries it."""
        code = self._codes.issue(trusted_folders)
        return BrowserCode(
            code=code, expires_at=self._clock.now_ms() + CODE_SECONDS * 1000, url=f"{base}{path}#code={code}"
        )

    def redeem(self, code: str) -> Session:
        """Exchange a code for a session; raise `code_expired` when it is unknown, used or old."""
        folders = self._codes.take(code)
        if folders is None:
            raise TinoError("code_expired")
        token = secrets.token_hex(32)
        self._browsers[token] = folders
        return Session(token=token, scopes=list(BROWSER_SCOPES), instance=self._instance)  # type: ignore[arg-type]

    def issue_ticket(self, trusted_folders: tuple[str, ...]) -> SocketTicket:
        """Make a one-use ticket for a WebSocket."""
        ticket = self._tickets.issue(trusted_folders)
        return SocketTicket(ticket=ticket, expires_at=self._clock.now_ms() + TICKET_SECONDS * 1000)


def _page(trusted_folders: tuple[str, ...]) -> Credentials:
    return Credentials(BROWSER_SCOPES, browser=True, presented=True, trusted_folders=trusted_folders)


class _Passes:
    """Secrets that work once and not for long, each with the folders it stands for. Of too many the oldest give way."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._pending: dict[str, tuple[float, tuple[str, ...]]] = {}

    def issue(self, trusted_folders: tuple[str, ...]) -> str:
        now = self._clock.monotonic()
        for key in [key for key, (until, _) in self._pending.items() if until < now]:
            del self._pending[key]
        while len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        key = secrets.token_urlsafe(24)
        self._pending[key] = (now + self._seconds, trusted_folders)
        return key

    def take(self, key: str) -> tuple[str, ...] | None:
        found = self._pending.pop(key, None)
        return found[1] if found is not None and found[0] >= self._clock.monotonic() else None
