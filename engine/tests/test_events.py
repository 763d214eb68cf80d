"""The event stream: snapshot, numbers without gaps, resume, who hears what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from live_engine import LiveEngine
from tino_engine.contracts import PROTOCOL, EngineChanged
from tino_engine.hub import QUEUE, RING, Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.tmpdir import TempPathFactory
    from websockets.sync.client import ClientConnection


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory) -> Iterator[LiveEngine]:
    with LiveEngine(tmp_path_factory.mktemp("home")) as live:
        yield live


def receive(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(socket.recv(timeout=20))


def until(socket: ClientConnection, type_: str) -> list[dict[str, Any]]:
    """Read envelopes up to the first of a type."""
    read = [receive(socket)]
    while read[-1]["event"]["type"] != type_:
        read.append(receive(socket))
    return read


def test_hello_gets_a_snapshot_then_numbered_events(engine: LiveEngine) -> None:
    viewer = engine.hello(nonce="1" * 32)
    snapshot = receive(viewer)
    assert snapshot["kind"] == "snapshot"
    assert snapshot["status"]["port"] == engine.port
    other = engine.hello(nonce="2" * 32)
    receive(other)
    other.close()
    envelopes = until(viewer, "client.left")
    numbers = [envelope["seq"] for envelope in envelopes]
    assert numbers == list(range(snapshot["seq"] + 1, snapshot["seq"] + 1 + len(numbers)))
    assert all(envelope["ledgerSeq"] for envelope in envelopes), "comings and goings are durable"
    viewer.close()


def test_a_viewer_that_comes_back_gets_what_it_missed_and_nothing_twice(engine: LiveEngine) -> None:
    viewer = engine.hello(nonce="3" * 32)
    snapshot = receive(viewer)
    viewer.close()
    between = engine.hello(nonce="4" * 32)
    receive(between)
    between.close()
    back = engine.hello(nonce="3" * 32, resume={"instance": snapshot["instance"], "seq": snapshot["seq"]})
    assert receive(back) == {"kind": "resumed", "instance": snapshot["instance"], "seq": snapshot["seq"]}
    numbers: list[int] = []
    while not numbers or numbers[-1] < snapshot["seq"] + 4:
        numbers.append(receive(back)["seq"])
    assert numbers == list(range(snapshot["seq"] + 1, numbers[-1] + 1))
    back.close()


def test_durable_events_are_told_by_the_next_engine_once_and_in_order(tmp_path: Path) -> None:
    with LiveEngine(tmp_path) as first:
        viewer = first.hello(nonce="8" * 32)
        known = receive(viewer)["ledgerSeq"]
        others = [first.hello(nonce=digit * 32) for digit in "9ab"]
        for other in others:
            receive(other)
            other.close()
        for _ in others:
            until(viewer, "client.left")
        viewer.close()
        first.process.kill()
        first.process.wait()
    with LiveEngine(tmp_path) as second:
        back = second.hello(nonce="8" * 32, ledger_seq=known, resume={"instance": "0" * 32, "seq": 1})
        snapshot = receive(back)
        numbers = [missed["ledgerSeq"] for missed in snapshot["missed"]]
        assert numbers == list(range(known + 1, snapshot["ledgerSeq"] + 1))
        assert [missed["event"]["type"] for missed in snapshot["missed"]].count("client.left") >= len(others)
        new = second.hello(nonce="9" * 32)
        assert receive(new)["missed"] == [], "one that comes for the first time wants no past"
        back.close()
        new.close()


@pytest.mark.parametrize(
    "resume",
    [{"instance": "0" * 32, "seq": 0}, {"instance": "SAME", "seq": 10_000_000}],
    ids=["another engine", "the future"],
)
def test_a_place_that_does_not_exist_gets_a_snapshot(engine: LiveEngine, resume: dict[str, Any]) -> None:
    instance = engine.get("/api/engine")["instance"]
    viewer = engine.hello(nonce="5" * 32, resume={**resume, "instance": resume["instance"].replace("SAME", instance)})
    assert receive(viewer)["kind"] == "snapshot"
    viewer.close()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", 1008),
        ("{}", 1008),
        (json.dumps({"kind": "trust", "trustedFolders": []}), 1008),
        (
            json.dumps(
                {"kind": "hello", "protocol": PROTOCOL + 1, "client": "cli", "pid": 1, "nonce": None, "version": "x"}
            ),
            4426,
        ),
    ],
)
def test_anything_but_a_hello_of_this_protocol_is_turned_away(engine: LiveEngine, message: str, code: int) -> None:
    socket = engine.socket("/ws/events")
    socket.send(message)
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_trust_follows_the_client(engine: LiveEngine, tmp_path_factory: TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("workspace")
    query = f"/api/strategies?folder={folder}"
    assert engine.call("GET", query).json["code"] == "workspace_untrusted"
    window = engine.hello(kind="vscode", nonce="6" * 32)
    receive(window)
    window.send(json.dumps({"kind": "trust", "trustedFolders": [str(folder)]}))
    while engine.call("GET", query).status != 200:
        pass
    inside = folder / ".." / "elsewhere.py"
    assert engine.call("GET", f"/api/strategies/schema?path={inside}").json["code"] == "workspace_untrusted"
    window.close()
    while engine.call("GET", query).status == 200:
        pass


def test_a_browser_cannot_declare_trust(engine: LiveEngine) -> None:
    code = engine.post("/api/session/code")["code"]
    token = engine.call("POST", "/api/session", {"code": code}, token=None).json["token"]
    socket = engine.socket("/ws/events", additional_headers={"Authorization": f"Bearer {token}"})
    hello = {
        "kind": "hello",
        "protocol": PROTOCOL,
        "client": "vscode",
        "pid": 1,
        "nonce": "7" * 32,
        "version": "x",
        "trustedFolders": ["/"],
    }
    socket.send(json.dumps(hello))
    receive(socket)
    assert engine.call("GET", "/api/strategies?folder=/").json["code"] == "workspace_untrusted"
    assert "browser" in [client["kind"] for client in engine.get("/api/engine")["clients"]]
    socket.close()


def test_a_page_keeps_the_trust_of_the_client_that_opened_it(
    engine: LiveEngine, tmp_path_factory: TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("workspace")
    query = f"/api/strategies?folder={folder}"
    opener = "8" * 32
    terminal = engine.hello(nonce=opener)
    receive(terminal)
    terminal.send(json.dumps({"kind": "trust", "trustedFolders": [str(folder)]}))
    while engine.call("GET", query).status != 200:
        pass
    code = engine.call("POST", "/api/session/code", {}, {"x-tino-client": opener}).json["code"]
    token = engine.call("POST", "/api/session", {"code": code}, token=None).json["token"]
    ticket = engine.call("POST", "/api/session/ticket", {}, token=token).json["ticket"]
    page = engine.socket("/ws/events", additional_headers={}, subprotocols=["tino", f"ticket.{ticket}"])
    page.send(
        json.dumps(
            {"kind": "hello", "protocol": PROTOCOL, "client": "browser", "pid": None, "nonce": None, "version": "x"}
        )
    )
    receive(page)
    clients = len(engine.get("/api/engine")["clients"])
    terminal.close()
    while len(engine.get("/api/engine")["clients"]) == clients:
        pass
    assert engine.call("GET", query, token=token).status == 200
    page.close()
    while engine.call("GET", query).status == 200:
        pass


def event() -> EngineChanged:
    return EngineChanged(type="engine.changed", state="healthy")


async def test_a_slow_viewer_is_cut_off_and_finds_its_place_again() -> None:
    hub = Hub("0" * 32, lambda: 0)
    slow = hub.subscribe()
    for _ in range(QUEUE + 1):
        hub.publish(event())
    received = last = 0
    while (data := await slow.next()) is not None:
        received += 1
        last = json.loads(data)["seq"]
    assert slow.overrun
    assert received == last == QUEUE

    class Place:
        instance, seq = "0" * 32, last

    missed = hub.since(Place)
    assert missed is not None
    assert [json.loads(data)["seq"] for data in missed] == [QUEUE + 1]


def test_what_the_ring_no_longer_holds_is_not_resumed() -> None:
    hub = Hub("0" * 32, lambda: 0)
    for _ in range(RING + 5):
        hub.publish(event())

    class Place:
        instance = "0" * 32
        seq = 4

    assert hub.since(Place) is None
    Place.seq = 5
    missed = hub.since(Place)
    assert missed is not None
    assert len(list(missed)) == RING
