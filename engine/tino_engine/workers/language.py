"""The `language` child: one language host for all windows. See `lsp.host` for what it is told and tells."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from tino_engine.workers.port import Port

if TYPE_CHECKING:
    from tino_engine.workers.protocol import Frame


def main() -> int:
    """Serve until the engine closes the pipe, which ends the process at once."""
    port = Port()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # After the port: what is printed while these are loaded must not reach the pipe.
    from tino_engine.lsp.host import Host  # noqa: PLC0415

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        host = Host(port)

        def hand_over(frame: Frame) -> None:
            loop.call_soon_threadsafe(host.handle, frame)

        port.listen(hand_over)
        port.ready()
        await asyncio.Event().wait()

    asyncio.run(serve())
    return 0
