"""The language host as the engine meets it: the real child, over frames, with several windows at once."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pytest

from lsp_facts import SYMBOLS, run
from tino_engine.workers import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 60
"""Seconds after which a message that must come is missed; only ever reached by a fault."""

EMA_CROSS = Path(__file__).parent / "workspaces" / "desk" / "strategies" / "ema_cross.py"
HEAD = "from nautilus_trader.model import InstrumentId\nfrom nautilus_trader.trading import Strategy\n\n\nclass A(Strategy): ...\n"


class Child:
    """The host's process and its pipe."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tino_engine", "language"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.frames: queue.Queue[protocol.Frame | None] = queue.Queue()
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._pump), threading.Thread(target=self._pump_errors)]
        for thread in self._threads:
            thread.start()
        self._numbers = count(1)
        self._sessions: dict[int, Window] = {}
        self.closed: queue.Queue[int] = queue.Queue()
        ready = self.frames.get(timeout=DEADLINE)
        assert ready is not None
        assert "ready" in ready.header

    def _pump(self) -> None:
        assert self.process.stdout is not None
        while (frame := protocol.read(cast("BinaryIO", self.process.stdout))) is not None:
            self.frames.put(frame)
        self.frames.put(None)

    def _pump_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(line.decode() for line in self.process.stderr)

    def send(self, call: str, params: dict[str, Any], body: bytes = b"") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(protocol.encode({"call": call, "params": params}, body))
        self.process.stdin.flush()

    def window(self, folder: Path | None = None, *, initialize: bool = True) -> Window:
        number = next(self._numbers)
        window = Window(self, number)
        self._sessions[number] = window
        self.send("open", {"connection": number})
        if initialize:
            window.initialize(folder)
        return window

    def route(self) -> None:
        """Take the next frame and put it where it belongs."""
        frame = self.frames.get(timeout=DEADLINE)
        assert frame is not None, f"the host ended: {''.join(self.errors)}"
        connection = frame.header["params"]["connection"]
        match frame.header["event"]:
            case "message":
                self._sessions[connection].inbox.append(json.loads(frame.body))
            case "closed":
                self.closed.put(connection)

    def wait_closed(self) -> int:
        while self.closed.empty():
            self.route()
        return self.closed.get_nowait()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait(DEADLINE)
        for thread in self._threads:
            thread.join(DEADLINE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return status


class Window:
    """One editor's end of a session."""

    def __init__(self, child: Child, connection: int) -> None:
        self.connection = connection
        self.inbox: list[dict[str, Any]] = []
        self.answer_refreshes = True
        self._child = child
        self._numbers = count(1)

    def raw(self, body: bytes) -> None:
        self._child.send("message", {"connection": self.connection}, body)

    def notify(self, method: str, params: Any = None) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def ask(self, method: str, params: Any = None) -> int:
        number = next(self._numbers)
        self.raw(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())
        return number

    def take(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a message; the others stay."""
        while True:
            for message in self.inbox:
                if wanted(message):
                    self.inbox.remove(message)
                    return message
            self._child.route()

    def answer(self, number: int) -> Any:
        message = self.take(lambda message: message.get("id") == number and "method" not in message)
        assert "error" not in message, message
        return message.get("result")

    def call(self, method: str, params: Any = None) -> Any:
        return self.answer(self.ask(method, params))

    def initialize(self, folder: Path | None) -> dict[str, Any]:
        folders = None if folder is None else [{"uri": folder.as_uri(), "name": folder.name}]
        capabilities = {
            "general": {"positionEncodings": ["utf-8", "utf-16"]},
            "workspace": {"codeLens": {"refreshSupport": True}},
        }
        parameters = {"processId": None, "rootUri": None, "capabilities": capabilities, "workspaceFolders": folders}
        result = self.call("initialize", parameters)
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str) -> None:
        self.notify(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}
        )

    def edit(self, uri: str, version: int, *changes: tuple[tuple[int, int, int, int], str]) -> None:
        edits = [
            {"range": {"start": {"line": a, "character": b}, "end": {"line": c, "character": d}}, "text": text}
            for (a, b, c, d), text in changes
        ]
        self.notify(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": edits}
        )

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        message = self.take(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri
            )
        )
        return message["params"]["diagnostics"]

    def titles(self, uri: str) -> list[str]:
        return [lens["command"]["title"] for lens in self.call("textDocument/codeLens", {"textDocument": {"uri": uri}})]

    def wait_refresh(self) -> int:
        return self.take(lambda message: message.get("method") == "workspace/codeLens/refresh")["id"]


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    child = Child()
    yield child
    assert child.end() == 0
    assert [line for line in child.errors if "Traceback" in line] == []


@pytest.fixture
def host(child: Child) -> Child:
    child.send("catalog", SYMBOLS)
    child.send("runs", {"runs": []})
    return child


NUMBERS = count()


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return (tmp_path / f"a{next(NUMBERS)}.py").as_uri()


def test_counts_in_utf_16_whatever_the_client_prefers(host: Child) -> None:
    window = host.window(initialize=False)
    capabilities = window.initialize(None)["capabilities"]
    assert capabilities["positionEncoding"] == "utf-16"
    assert capabilities["textDocumentSync"]["change"] == 2


def test_from_the_text_to_the_fix(host: Child, uri: str) -> None:
    window = host.window()
    text = HEAD + "x = '😀', InstrumentId.from_str('APPL.XNAS')\n"
    window.open(uri, text)
    (diagnostic,) = window.diagnostics(uri)
    assert diagnostic["code"] == "symbol_unknown"
    assert diagnostic["data"] == {"replacements": ["AAPL.XNAS"]}
    (related,) = diagnostic["relatedInformation"]
    assert related["message"].startswith("AAPL.XNAS: 3,521 daily bars, 2000-01-03 to 2013-12-31")
    assert diagnostic["range"] == {"start": {"line": 5, "character": 32}, "end": {"line": 5, "character": 43}}
    context = {"diagnostics": [], "only": ["quickfix"]}
    asked = {"textDocument": {"uri": uri}, "range": diagnostic["range"], "context": context}
    (action,) = window.call("textDocument/codeAction", asked)
    assert (action["title"], action["isPreferred"]) == ("Replace with AAPL.XNAS", True)
    ((place, edits),) = action["edit"]["changes"].items()
    assert place == uri
    assert edits == [{"range": diagnostic["range"], "newText": "'AAPL.XNAS'"}]
    window.edit(uri, 2, ((5, 32, 5, 43), edits[0]["newText"]))
    assert window.diagnostics(uri) == []
    assert window.call("textDocument/codeAction", asked) == []
    assert window.call("textDocument/codeAction", {**asked, "context": {"diagnostics": [], "only": ["refactor"]}}) == []


def test_edits_that_come_together_are_read_once(host: Child, uri: str) -> None:
    window = host.window()
    window.open(uri, HEAD + "InstrumentId.from_str('')\n")
    assert [d["code"] for d in window.diagnostics(uri)] == ["instrument_invalid"]
    for version, letter in enumerate("APPL.XNA", 2):
        window.edit(uri, version, ((5, 21 + version, 5, 21 + version), letter))
    window.edit(uri, 10, ((5, 31, 5, 31), "S"))
    window.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
    last = window.take(
        lambda message: (
            message.get("method") == "textDocument/publishDiagnostics" and message["params"]["version"] == 10
        )
    )
    assert [d["code"] for d in last["params"]["diagnostics"]] == ["symbol_unknown"]
    assert "APPL.XNAS" in last["params"]["diagnostics"][0]["message"]


def test_a_lens_appears_and_follows_the_runs(host: Child) -> None:
    window, path = host.window(EMA_CROSS.parent), str(EMA_CROSS)
    uri = EMA_CROSS.as_uri()
    window.open(uri, EMA_CROSS.read_text())
    lens, sweep = window.call("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert sweep["command"] == {**lens["command"], "title": "Sweep", "command": "tino.sweepParameters"}
    assert lens["command"] == {
        "title": "▶ Backtest",
        "command": "tino.runBacktest",
        "arguments": [{"path": path, "name": "EmaCross"}],
    }
    host.send("runs", {"runs": [run(path, "EmaCross")]})
    first = window.wait_refresh()
    assert window.titles(uri) == [
        "▶ Backtest · last: +12.3\N{NARROW NO-BREAK SPACE}%, Sharpe 0.71",
        "Show last run",
        "Sweep",
    ]
    # While the editor has not answered it is not asked again; what changed meanwhile is asked for afterwards, once.
    for number in (2, 3, 4):
        host.send("runs", {"runs": [run(path, "EmaCross", number)]})
    assert len(window.titles(uri)) == 3
    assert [m for m in window.inbox if m.get("method") == "workspace/codeLens/refresh"] == []
    window.raw(json.dumps({"jsonrpc": "2.0", "id": first, "result": None}).encode())
    second = window.wait_refresh()
    window.raw(json.dumps({"jsonrpc": "2.0", "id": second, "error": {"code": -32601, "message": "no"}}).encode())
    host.send("runs", {"runs": []})
    third = window.wait_refresh()
    window.raw(json.dumps({"jsonrpc": "2.0", "id": third, "result": None}).encode())
    assert window.titles(uri) == ["▶ Backtest", "Sweep"]


def test_runs_of_other_files_ask_nobody(host: Child, uri: str) -> None:
    window = host.window()
    window.open(uri, HEAD)
    assert len(window.titles(uri)) == 1
    host.send("runs", {"runs": [run("/elsewhere/b.py", "B")]})
    assert len(window.titles(uri)) == 1
    assert window.inbox == []


def test_a_new_catalog_is_taken_into_account(host: Child, uri: str) -> None:
    window = host.window()
    host.send("catalog", {"symbols": []})
    window.open(uri, HEAD + "InstrumentId.from_str('AAPL.XNAS')\n")
    assert [d["severity"] for d in window.diagnostics(uri)] == [3]
    host.send("catalog", SYMBOLS)
    assert window.diagnostics(uri) == []


def test_a_base_that_was_saved_is_read_again(host: Child, tmp_path: Path, uri: str) -> None:
    base = tmp_path / "base.py"
    base.write_text("class Base: ...\n")
    window = host.window(tmp_path)
    window.open(uri, "from base import Base\n\n\nclass A(Base): ...\n")
    assert window.titles(uri) == []
    base.write_text("from nautilus_trader.trading import Strategy\n\n\nclass Base(Strategy): ...\n")
    window.notify("textDocument/didSave", {"textDocument": {"uri": base.as_uri()}})
    assert window.titles(uri) == ["▶ Backtest"]
    base.write_text("class Base: ...  # No more.\n")
    window.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": base.as_uri(), "type": 2}]})
    assert window.titles(uri) == []


def test_added_folders_are_roots(host: Child, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "base.py").write_text(HEAD)
    uri = (tmp_path / "s" / "a.py").as_uri()
    window = host.window()
    window.open(uri, "from lib.base import A\n\n\nclass B(A): ...\n")
    assert window.titles(uri) == []
    folder = {"uri": tmp_path.as_uri(), "name": "w"}
    window.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [folder], "removed": []}})
    assert window.titles(uri) == ["▶ Backtest"]


def test_hover_and_completion_answer(host: Child, uri: str) -> None:
    window = host.window()
    window.open(uri, HEAD + "InstrumentId.from_str('MSFT.XNAS')\nInstrumentId.from_str('AA")
    at = {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 26}}
    assert window.call("textDocument/hover", at) is None  # The text is broken; its literals are not known.
    found = window.call("textDocument/completion", {**at, "position": {"line": 6, "character": 25}})
    assert [item["label"] for item in found["items"]] == ["AAPL.XNAS"]
    window.edit(uri, 2, ((6, 25, 6, 25), "PL.XNAS')\n"))
    assert "MSFT.XNAS" in window.call("textDocument/hover", at)["contents"]["value"]


def test_what_was_said_is_taken_back_on_close(host: Child, uri: str) -> None:
    window = host.window()
    window.open(uri, HEAD + "InstrumentId.from_str('')\n")
    assert len(window.diagnostics(uri)) == 1
    window.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert window.diagnostics(uri) == []
    assert window.titles(uri) == []


def test_texts_that_are_no_files_are_left_alone(host: Child) -> None:
    window = host.window()
    for uri in ("untitled:Untitled-1", "git:/w/a.py?ref"):
        window.open(uri, HEAD + "InstrumentId.from_str('')\n")
        window.edit(uri, 2, ((0, 0, 0, 0), "x"))
        assert window.titles(uri) == []
    assert window.inbox == []


def test_windows_see_their_own_texts_only(host: Child, uri: str) -> None:
    one, two = host.window(), host.window()
    one.open(uri, HEAD + "InstrumentId.from_str('')\n")
    two.open(uri, HEAD + "class B(Strategy): ...\n")
    assert one.titles(uri) == ["▶ Backtest"]
    assert two.titles(uri) == ["▶ Backtest", "▶ Backtest"]
    assert len(one.diagnostics(uri)) == 1
    assert two.inbox == []


@pytest.mark.parametrize("ask_first", [True, False])
def test_exit_ends_one_session_and_no_other(host: Child, uri: str, *, ask_first: bool) -> None:
    leaving, staying = host.window(), host.window()
    staying.open(uri, HEAD)
    leaving.open(uri, HEAD + "InstrumentId.from_str('')\n")
    if ask_first:
        leaving.call("shutdown")
    leaving.notify("exit")
    assert host.wait_closed() == leaving.connection
    assert staying.titles(uri) == ["▶ Backtest"]
    # What still comes for the session that ended goes nowhere, and newcomers are served.
    leaving.notify(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": ""}}
    )
    host.send("close", {"connection": leaving.connection})
    newcomer = host.window()
    newcomer.open(uri, HEAD)
    assert newcomer.titles(uri) == ["▶ Backtest"]
    assert host.process.poll() is None


def test_a_window_that_vanishes_takes_nothing_with_it(host: Child, uri: str) -> None:
    vanishing, staying = host.window(), host.window()
    vanishing.open(uri, HEAD)
    vanishing.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
    host.send("close", {"connection": vanishing.connection})
    staying.open(uri, HEAD)
    assert staying.titles(uri) == ["▶ Backtest"]


BAD: list[tuple[bytes, Any, int]] = [
    (b"{", None, -32700),
    (b"\xff\xfe", None, -32700),
    (b"[]", None, -32600),
    (b"7", None, -32600),
    (b"{}", None, -32600),
    (b'{"id": 5, "method": "textDocument/hover"}', 5, -32600),
    (b'{"jsonrpc": "2.0", "id": 6, "method": "textDocument/hover", "params": {"x": 1}}', 6, -32602),
    (b'{"jsonrpc": "2.0", "id": 7, "method": "no/such"}', 7, -32601),
    (b'{"jsonrpc": "2.0", "id": 8, "method": "no/such", "params": {"a": [1]}}', 8, -32601),
    (b'{"jsonrpc": "2.0", "id": 9, "method": 5}', 9, -32602),
]


def test_nonsense_is_answered_as_the_protocol_has_it() -> None:
    # A child of its own: pygls logs a traceback for each, which the others must not.
    child = Child()
    try:
        window = child.window()
        for body, number, code in BAD:
            window.raw(body)
            error = window.take(lambda message: "error" in message)
            assert (body, error["id"], error["error"]["code"]) == (body, number, code)
        assert window.call("textDocument/codeLens", {"textDocument": {"uri": "file:///none.py"}}) == []
    finally:
        assert child.end() == 0


def test_before_initialize_nothing_is_done(host: Child, uri: str) -> None:
    window = host.window(initialize=False)
    window.open(uri, HEAD + "InstrumentId.from_str('')\n")
    number = window.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
    error = window.take(lambda message: message.get("id") == number)
    assert error["error"]["code"] == -32002
    window.initialize(None)
    assert window.titles(uri) == []


def test_nonsense_from_the_engine_is_logged_and_passed_over(uri: str) -> None:
    child = Child()
    try:
        child.send("catalog", {"symbols": "?"})
        child.send("message", {})
        child.send("message", {"connection": 99}, b"{}")
        child.send("close", {"connection": 99})
        child.send("whatever", {})
        window = child.window()
        window.open(uri, HEAD)
        assert window.titles(uri) == ["▶ Backtest"]
    finally:
        assert child.end() == 0
    log = "".join(child.errors)
    assert log.count("could not be handled") == 2
    assert "an unknown notice: whatever" in log


def test_the_host_is_light() -> None:
    heavy = "nautilus_trader pandas pyarrow numpy sqlalchemy fastapi uvicorn".split()
    code = f"import sys, tino_engine.workers.language, tino_engine.lsp.host; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
