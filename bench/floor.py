"""The floor under the engine's start: the same third-party packages imported, one route answered, nothing else.

Which packages those are is read from standard input, one module a line, as the engine was found to load them. It binds a loopback port,
says `READY <port>`, and answers `GET /` with as little as there is.
"""

import importlib
import socket
import sys


def main() -> None:
    """Import, bind, serve."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print("READY", listener.getsockname()[1], flush=True)
    for name in sys.stdin.read().split():
        importlib.import_module(name)

    from fastapi import FastAPI
    from uvicorn import Config, Server

    app = FastAPI(openapi_url=None)

    @app.get("/")
    async def answer() -> dict[str, str]:
        return {"status": "healthy"}

    Server(Config(app, log_level="error", access_log=False, ws="websockets-sansio")).run(sockets=[listener])


main()
