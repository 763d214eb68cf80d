"""The language host's one place where frames of the engine become messages of sessions.

    open {connection}            a window connected; its messages follow
    message {connection} + body  one JSON-RPC message, without headers
    close {connection}           the window is gone
    catalog {symbols}            a `SymbolList`: what the catalog holds now
    runs {runs}                  the newest ended run of every strategy; those left out have none

and back: `message {connection}` with a body, and `closed {connection}` when a client sent `exit`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tino_engine.contracts import RunList, SymbolList
from tino_engine.lsp.catalog import CatalogIndex
from tino_engine.lsp.results import RunIndex
from tino_engine.lsp.session import Facts, Session

if TYPE_CHECKING:
    from typing import Protocol

    from tino_engine.workers.protocol import Frame

    class Pipe(Protocol):
        """The way to the engine; see `workers.port`."""

        def event(self, name: str, params: dict[str, Any], *, request: int | None = None, body: bytes = b"") -> None:
            """Say something of one's own accord."""
            ...


logger = logging.getLogger("tino.language")


class Host:
    """All sessions. Call it on the event loop only."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._facts = Facts(RunIndex())
        self._sessions: dict[int, Session] = {}

    def handle(self, frame: Frame) -> None:
        """Do what a frame says. A fault in one session is logged and leaves the others alone."""
        name, params = frame.header.get("call"), frame.header.get("params", {})
        try:
            match name:
                case "open":
                    self._open(params["connection"])
                case "message":
                    # A message may still be under way when its session has ended.
                    if (session := self._sessions.get(params["connection"])) is not None:
                        session.take(frame.body)
                case "close":
                    if (session := self._sessions.pop(params["connection"], None)) is not None:
                        session.dispose()
                case "catalog":
                    self._facts.catalog = CatalogIndex(SymbolList.model_validate(params))
                    for session in list(self._sessions.values()):
                        session.catalog_changed()
                case "runs":
                    self._take_runs(params)
                case _:
                    logger.warning("an unknown notice: %s", name)
        except Exception:
            logger.exception("the notice %s could not be handled", name)

    def _open(self, connection: int) -> None:
        def send(message: bytes) -> None:
            self._pipe.event("message", {"connection": connection}, body=message)

        def ended() -> None:
            if self._sessions.pop(connection, None) is not None:
                self._pipe.event("closed", {"connection": connection})

        self._sessions[connection] = Session(connection, self._facts, send, ended)

    def _take_runs(self, params: dict[str, Any]) -> None:
        before, now = self._facts.runs, RunIndex(RunList.model_validate({**params, "more": False}).runs)
        self._facts.runs = now
        changed = now.changed(before)
        for session in list(self._sessions.values()):
            session.runs_changed(changed)
