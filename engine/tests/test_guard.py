"""Who gets in: every route and socket against foreign hosts, other sites, missing and narrow tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus

from live_engine import LiveEngine
from tino_engine.contracts import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.tmpdir import TempPathFactory

SOCKETS = ("/ws/events", "/ws/backtest/run_00000000000000000000000000", "/lsp")
PATH = {"{id}": "run_00000000000000000000000000", "{series}": "equity"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory) -> Iterator[LiveEngine]:
    home = tmp_path_factory.mktemp("home")
    pages = tmp_path_factory.mktemp("pages")
    (pages / "index.html").write_text("<!doctype html><title>tino</title>")
    (pages / "assets").mkdir()
    (pages / "assets" / "main-abc.js").write_text("0")
    with LiveEngine(home, {"dashboardPath": str(pages)}) as live:
        yield live


def fill(path: str) -> str:
    for name, value in PATH.items():
        path = path.replace(name, value)
    return path


FOREIGN = {
    "a rebound name": {"Host": "evil.example"},
    "localhost": {"Host": "localhost:{port}"},
    "another port": {"Host": "127.0.0.1:1"},
    "another site": {"Origin": "http://evil.example"},
    "a sandboxed page": {"Origin": "null"},
    "another local port": {"Origin": "http://127.0.0.1:1"},
    "a cross-site fetch": {"Sec-Fetch-Site": "cross-site"},
    "a same-site fetch": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("name", CALLS)
def test_no_call_is_answered_to_others(engine: LiveEngine, name: str, headers: dict[str, str]) -> None:
    call = CALLS[name]
    reply = engine.call(
        call.method,
        fill(call.path),
        {} if call.body else None,
        {key: value.replace("{port}", str(engine.port)) for key, value in headers.items()},
    )
    assert (reply.status, reply.json["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.scope is not None])
def test_every_call_with_a_scope_needs_a_token(engine: LiveEngine, name: str) -> None:
    call = CALLS[name]
    for token, status, code in ((None, 401, "unauthorized"), ("f" * 64, 403, "token_wrong"), ("", 403, "token_wrong")):
        sent = {"Authorization": f"Bearer {token}"} if token is not None else {}
        reply = engine.call(call.method, fill(call.path), {} if call.body else None, sent, token=None)
        expected = (401, "unauthorized") if token in (None, "") else (status, code)
        assert (reply.status, reply.json["code"]) == expected, token


def session(engine: LiveEngine) -> str:
    code = engine.post("/api/session/code", {"path": "/runs"})
    assert code["url"] == f"http://127.0.0.1:{engine.port}/runs#code={code['code']}"
    reply = engine.call("POST", "/api/session", {"code": code["code"]}, token=None)
    assert reply.status == 200
    assert reply.json["scopes"] == ["read", "simulate", "stage"]
    again = engine.call("POST", "/api/session", {"code": code["code"]}, token=None)
    assert (again.status, again.json["code"]) == (403, "code_expired")
    return reply.json["token"]


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.scope == "operate"])
def test_a_browser_session_never_operates(engine: LiveEngine, name: str) -> None:
    call = CALLS[name]
    reply = engine.call(call.method, fill(call.path), {}, token=session(engine))
    assert (reply.status, reply.json["code"]) == (403, "forbidden")


def test_a_browser_session_reads_from_its_own_origin(engine: LiveEngine) -> None:
    origin = {"Origin": f"http://127.0.0.1:{engine.port}", "Sec-Fetch-Site": "same-origin"}
    assert engine.call("GET", "/api/engine", headers=origin, token=session(engine)).status == 200


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "{token}", "Origin": "http://evil.example"}],
    ids=["no token", "wrong token", "another site"],
)
def test_no_socket_opens_for_others(engine: LiveEngine, path: str, headers: dict[str, str]) -> None:
    sent = {name: value.replace("{token}", f"Bearer {engine.token}") for name, value in headers.items()}
    with pytest.raises(InvalidStatus) as refused:
        engine.socket(path, additional_headers=sent)
    assert refused.value.response.status_code == 403


def test_a_socket_ticket_works_once(engine: LiveEngine) -> None:
    token = session(engine)
    ticket = engine.call("POST", "/api/session/ticket", {}, token=token).json["ticket"]
    options = {
        "additional_headers": {},
        "subprotocols": ["tino", f"ticket.{ticket}"],
        "origin": f"http://127.0.0.1:{engine.port}",
    }
    socket = engine.socket("/ws/events", **options)
    assert socket.subprotocol == "tino"
    socket.close()
    with pytest.raises(InvalidStatus):
        engine.socket("/ws/events", **options)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media"),
        (b"{", {}, 422, "request_invalid"),
        (b"[]", {}, 422, "request_invalid"),
        (b"[" * 100_000, {}, 422, "request_invalid"),
        (b" " * 1_000_001, {}, 413, "request_too_large"),
        (b'{"path": "/x", "from": "2020-02-31x"}', {}, 422, "request_invalid"),
        (b'{"path": 5}', {}, 422, "request_invalid"),
    ],
)
def test_a_body_must_be_small_json_of_the_right_shape(
    engine: LiveEngine, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    reply = engine.call("POST", "/api/backtest", body, headers)
    assert (reply.status, reply.json["code"]) == (status, code)


def test_an_error_names_the_field(engine: LiveEngine) -> None:
    reply = engine.call("POST", "/api/backtest", {"path": "/x", "venue": {"leverage": "many"}})
    assert reply.json["field"] == "venue.leverage"


@pytest.mark.parametrize("path", ["/", "/backtest", "/runs?x=1", "/a/deep/link"])
def test_pages_are_public_and_locked_down(engine: LiveEngine, path: str) -> None:
    reply = engine.call("GET", path, headers={"Sec-Fetch-Site": "cross-site"}, token=None)
    assert reply.status == 200
    assert b"<title>tino" in reply.body
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-cache"


def test_built_assets_may_be_kept(engine: LiveEngine) -> None:
    assert "immutable" in engine.call("GET", "/assets/main-abc.js", token=None).headers["cache-control"]


@pytest.mark.parametrize("path", ["/api/nothing", "/assets/missing.js"])
def test_what_is_not_there_is_not_found(engine: LiveEngine, path: str) -> None:
    reply = engine.call("GET", path)
    assert reply.status == 404
    assert reply.json["code"] == "not_found"


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd"])
def test_no_path_leads_out_of_the_pages(engine: LiveEngine, path: str) -> None:
    reply = engine.call("GET", path)
    assert b"root:" not in reply.body
    assert reply.status == 404 or b"<title>tino" in reply.body


def test_a_wrong_method_is_said_so(engine: LiveEngine) -> None:
    assert engine.call("DELETE", "/api/engine").json["code"] == "method_not_allowed"
