"""One window's session with the language host: pygls's server and protocol, one of each a connection.

pygls is made for a process that serves one client. Four things are different here:
- `exit` ends the session and not the process, whose other sessions go on.
- Messages leave through a writer that puts each on the pipe at once, in the order in which they were made; pygls would
  start a task for each when writing is a coroutine.
- Documents are our own (see `document`), since pygls's lose their place at characters that end no line.
- What pygls caches by protocol object, it keeps for the life of the process; here objects come and go.

A text is analysed when somebody asks about it, or after an edit once nothing else is waiting: edits that arrive together
are read once. A file that is slow to read is read later, so that typing in it does not hold up other windows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.exceptions import FeatureRequestError, JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method
from pygls.uris import to_fs_path

from tino_engine import __version__
from tino_engine.lsp import actions, completion
from tino_engine.lsp.analysis import Analysis, analyse
from tino_engine.lsp.diagnostics import Finding, Subject, diagnose
from tino_engine.lsp.document import Document
from tino_engine.lsp.hover import hover
from tino_engine.lsp.lenses import lenses

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from tino_engine.lsp.catalog import CatalogIndex
    from tino_engine.lsp.results import RunIndex

logger = logging.getLogger("tino.language")

QUICK_SECONDS = 0.005
"""A file that is read faster than this is read after every edit; a slower one waits for a pause four times as long."""

MAX_PAUSE_SECONDS = 0.5

_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
}
_converter = default_converter()
"""Shared: it holds no state of a session, and what it learns of the protocol's types is learnt once."""


class Facts:
    """What the engine told all sessions: the catalog, None until then, and the last runs."""

    def __init__(self, runs: RunIndex) -> None:
        self.catalog: CatalogIndex | None = None
        self.runs = runs


class _OpenText:
    """An open document, with what is known of it and what was said about it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.analysis: Analysis | None = None
        self.stale = True
        self.cost = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.reported: list[tuple[Finding, types.Diagnostic]] = []


class _Writer:
    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def write(self, data: bytes) -> None:
        self._send(data)

    def close(self) -> None:
        """Nothing is to be closed: the pipe is everybody's."""


class _Protocol(LanguageServerProtocol):
    """The protocol of one session. What returns `Any` here is a generator in pygls; a plain function does as well."""

    @property
    def _session(self) -> Session:
        return cast("_Server", self._server).session

    def get_message_type(self, method: str) -> type[Any] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return types.METHOD_TO_TYPES.get(method, (None,))[0]

    def get_result_type(self, method: str) -> type[Any] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return types.METHOD_TO_TYPES.get(method, (None, None))[1]

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        # Every client speaks UTF-16; taking the client's first choice would mean a second way of counting.
        if params.capabilities.general is not None:
            params.capabilities.general.position_encodings = [types.PositionEncodingKind.Utf16]
        self._session.initialized = True
        return (yield from super().lsp_initialize(params))

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> Any:
        self._session.end()

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Any:
        self._session.opened(params.text_document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Any:
        self._session.changed(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Any:
        self._session.closed(params.text_document.uri)


class _Server(LanguageServer):
    """pygls's server with the session it belongs to."""

    def __init__(self, session: Session) -> None:
        self.session = session
        super().__init__("tino", __version__, protocol_cls=_Protocol, converter_factory=lambda: _converter)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Keep faults of ours in the log; a message box would help nobody. Those of requests are there already."""
        if source is not FeatureRequestError:
            logger.error("session %s: %s", self.session.connection, source.__name__, exc_info=error)


class Session:
    """One connection. `send` puts a message on the pipe, `on_end` hears that the client has taken its leave."""

    def __init__(
        self, connection: int, facts: Facts, send: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self.connection = connection
        self.initialized = False
        self._facts = facts
        self._on_end = on_end
        self._texts: dict[str, _OpenText] = {}
        self._refreshing: Future[Any] | None = None
        self._refresh_again = False
        self._server = _Server(self)
        self._server.protocol.set_writer(_Writer(send), include_headers=False)
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._register()

    # -- what the host does ----------------------------------------------------------------------------------------

    def take(self, message: bytes) -> None:
        """Handle one JSON-RPC message; a request that is none gets an error, as the protocol has it."""
        protocol = self._server.protocol
        try:
            raw = json.loads(message)
        except ValueError:
            logger.warning("session %s sent something that is no JSON", self.connection)
            self._refuse(None, types.ErrorCodes.ParseError, "This is no JSON.")
            return
        request = raw.get("id") if isinstance(raw, dict) else None
        method = raw.get("method") if isinstance(raw, dict) else None
        if isinstance(method, str) and protocol.get_message_type(method) is None:
            raw.setdefault("params", None)  # pygls takes an unknown method for a fault when it has none.
        try:
            structured = protocol.structure_message(raw) if isinstance(raw, dict) else raw
        except JsonRpcException as error:
            logger.warning("session %s sent a %s that does not fit the protocol", self.connection, method)
            self._refuse(request, types.ErrorCodes.InvalidParams, str(error))
            return
        if not hasattr(structured, "jsonrpc"):
            self._refuse(request, types.ErrorCodes.InvalidRequest, "This is no JSON-RPC message.")
        elif self.initialized or method in (types.INITIALIZE, types.EXIT):
            protocol.handle_message(cast("Any", structured))
        elif request is not None:
            self._refuse(request, types.ErrorCodes.ServerNotInitialized, "The session has not been initialized.")

    def _refuse(self, request: Any, code: types.ErrorCodes, message: str) -> None:
        answer = {"jsonrpc": "2.0", "id": request, "error": {"code": code.value, "message": message}}
        self._send(json.dumps(answer).encode())

    def catalog_changed(self) -> None:
        """Look at every text again: what was unknown may be known now."""
        for text in self._texts.values():
            self._publish(text)

    def runs_changed(self, files: set[str]) -> None:
        """Have the editor ask for its lenses again if it shows one of these files, given as resolved paths."""
        if any(_resolved(text.document) in files for text in self._texts.values()):
            self._refresh_lenses()

    def end(self) -> None:
        """End the session; the connection is closed by the engine."""
        self.dispose()
        self._on_end()

    def dispose(self) -> None:
        """Stop everything that is under way."""
        for text in self._texts.values():
            if text.timer is not None:
                text.timer.cancel()
        self._texts.clear()

    # -- what the client tells -------------------------------------------------------------------------------------

    def opened(self, item: types.TextDocumentItem) -> None:
        """Take a text that the editor opened."""
        self.closed(item.uri)
        text = _OpenText(Document(item.uri, item.text, item.version))
        if text.document.path is not None:
            self._texts[item.uri] = text
            self._schedule(text)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """Take an edit."""
        text = self._texts.get(params.text_document.uri)
        if text is not None:
            text.document.change(params.content_changes, params.text_document.version)
            text.stale = True
            self._schedule(text)

    def closed(self, uri: str) -> None:
        """Forget a text, and take back what was said about it."""
        text = self._texts.pop(uri, None)
        if text is None:
            return
        if text.timer is not None:
            text.timer.cancel()
        if text.reported:
            self._say(text.document, [])

    def _others_changed(self, _: Any) -> None:
        # An open text may derive from what was saved, changed on disk or added to the workspace just now.
        for text in self._texts.values():
            text.stale = True
            self._schedule(text)

    # -- what the client asks --------------------------------------------------------------------------------------

    def _register(self) -> None:
        quick_fixes = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
        for method, handler, options in (
            (types.TEXT_DOCUMENT_DID_SAVE, self._others_changed, None),
            (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, self._others_changed, None),
            (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._others_changed, None),
            (types.TEXT_DOCUMENT_CODE_LENS, self._lenses, types.CodeLensOptions()),
            (types.TEXT_DOCUMENT_HOVER, self._hover, None),
            (types.TEXT_DOCUMENT_CODE_ACTION, self._actions, quick_fixes),
            (types.TEXT_DOCUMENT_COMPLETION, self._complete, types.CompletionOptions(completion.TRIGGERS)),
        ):
            # pygls marks what it is given, and a bound method cannot be marked.
            self._server.feature(method, options)(partial(handler))

    def _lenses(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        text = self._texts.get(params.text_document.uri)
        return [] if text is None else list(lenses(text.document, self._current(text), self._facts.runs))

    def _hover(self, params: types.HoverParams) -> types.Hover | None:
        text = self._texts.get(params.text_document.uri)
        if text is None:
            return None
        return hover(text.document, self._current(text), params.position, self._facts.catalog, self._facts.runs)

    def _actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        text = self._texts.get(params.text_document.uri)
        only = params.context.only
        if text is None or (only is not None and types.CodeActionKind.QuickFix not in only):
            return []
        self._current(text)
        return list(actions.replacements(text.document, params.range, text.reported))

    def _complete(self, params: types.CompletionParams) -> types.CompletionList | None:
        text = self._texts.get(params.text_document.uri)
        return None if text is None else completion.complete(text.document, params.position, self._facts.catalog)

    # -- analysis --------------------------------------------------------------------------------------------------

    def _schedule(self, text: _OpenText) -> None:
        if text.timer is not None:
            text.timer.cancel()
        pause = 0.0 if text.cost < QUICK_SECONDS else min(4 * text.cost, MAX_PAUSE_SECONDS)
        text.timer = self._loop.call_later(pause, self._current, text)

    def _current(self, text: _OpenText) -> Analysis:
        """Give the analysis of the text as it stands; publish what follows from a new one."""
        if text.analysis is not None and not text.stale:
            return text.analysis
        if text.timer is not None:
            text.timer.cancel()
            text.timer = None
        document = text.document
        assert document.path is not None
        started = time.perf_counter()
        before = text.analysis
        text.analysis = analyse(document.path, document.text, document.version, self._roots(), before)
        text.cost = time.perf_counter() - started
        text.stale = False
        self._publish(text)
        return text.analysis

    def _roots(self) -> list[str]:
        folders = self._server.workspace.folders.values()
        return [path for folder in folders if (path := to_fs_path(folder.uri)) is not None]

    def _publish(self, text: _OpenText) -> None:
        if text.analysis is None or text.stale or text.document.path is None:
            return  # The analysis that is due publishes.
        findings = diagnose(Subject(text.document.path, text.analysis, self._facts.catalog))
        reported = [(finding, self._diagnostic(text.document, finding)) for finding in findings]
        if reported != text.reported:
            text.reported = reported
            self._say(text.document, [diagnostic for _, diagnostic in reported])

    def _diagnostic(self, document: Document, finding: Finding) -> types.Diagnostic:
        place = document.range(finding.span)
        diagnostic = types.Diagnostic(
            place, finding.message, _SEVERITIES[finding.severity], finding.code, source="tino"
        )
        if finding.replacements and self._facts.catalog is not None:
            diagnostic.data = {"replacements": list(finding.replacements)}
            here = types.Location(document.uri, place)
            diagnostic.related_information = [
                types.DiagnosticRelatedInformation(here, f"{name}: {self._facts.catalog.describe(name)}")
                for name in finding.replacements
            ]
        return diagnostic

    def _say(self, document: Document, diagnostics: list[types.Diagnostic]) -> None:
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, diagnostics, document.version)
        )

    def _refresh_lenses(self) -> None:
        workspace = self._server.client_capabilities.workspace
        if workspace is None or workspace.code_lens is None or not workspace.code_lens.refresh_support:
            return
        # One request at a time: what changes meanwhile is asked for when the answer is there.
        if self._refreshing is not None and not self._refreshing.done():
            self._refresh_again = True
            return
        self._refresh_again = False
        self._refreshing = self._server.workspace_code_lens_refresh(None)
        self._refreshing.add_done_callback(self._refreshed)

    def _refreshed(self, answer: Future[Any]) -> None:
        if not answer.cancelled() and answer.exception() is not None:
            logger.info("session %s refused to refresh its lenses: %s", self.connection, answer.exception())
        if self._refresh_again:
            self._refresh_lenses()


def _resolved(document: Document) -> str:
    return os.path.normcase(os.path.realpath(document.path or ""))
