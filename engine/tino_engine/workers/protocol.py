"""Frames between the engine and its children, over the child's standard input and output.

A frame is one JSON object on one line. When it has a key `bytes`, that many raw bytes follow the newline, so Arrow
tables and language-server messages travel without being escaped. The child says `{"ready": …}` once, when it may be
called; from then on

    engine → child   {"id": 7, "call": "bars", "params": {…}}     a request; the id is the engine's
                     {"call": "cancel", "params": {…}}            a notice; nothing comes back
    child → engine   {"id": 7, "event": "progress", "params": {…}}   as many as it likes
                     {"id": 7, "result": {…}}                     the end of the request
                     {"id": 7, "error": {…}}                      its other end: an `ErrorBody`
                     {"event": "message", "params": {…}}          a notice of the child's own

A child lives as long as its standard input is open: end of file means that the engine is gone or wants it gone, and it
leaves at once. It never inherits anything else from the engine, neither the lock nor the listening socket, and prints
nothing of its own on the pipe: see `port.Port`, which moves the real output aside before strategies can print.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from typing import BinaryIO

MAX_HEADER = 8 * 1024 * 1024
"""Longest header line in bytes; a longer one is a fault of the other side."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: its header without `bytes`, and its body."""

    header: dict[str, Any]
    body: bytes = b""


class ProtocolError(Exception):
    """The other side sent something that is not a frame."""


def encode(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Put a frame into bytes."""
    if body:
        header = {**header, "bytes": len(body)}
    line = json.dumps(header, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"
    return line + body if body else line


def _header(line: bytes) -> tuple[dict[str, Any], int]:
    try:
        header = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"not a header: {line[:80]!r}") from error
    if not isinstance(header, dict):
        raise ProtocolError(f"not a header: {line[:80]!r}")
    return header, int(header.pop("bytes", 0))


def read(stream: BinaryIO) -> Frame | None:
    """Read the next frame, blocking; None at end of file."""
    line = stream.readline(MAX_HEADER)
    if not line.endswith(b"\n"):
        return None
    header, size = _header(line)
    body = stream.read(size) if size else b""
    return Frame(header, body) if len(body) == size else None


async def read_async(stream: asyncio.StreamReader) -> Frame | None:
    """Read the next frame on an event loop; None at end of file. The reader's limit must be `MAX_HEADER`."""
    import asyncio  # noqa: PLC0415 - children that block on `read` need no event loop

    try:
        line = await stream.readuntil(b"\n")
        header, size = _header(line)
        return Frame(header, await stream.readexactly(size) if size else b"")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise ProtocolError("a header longer than allowed") from error
