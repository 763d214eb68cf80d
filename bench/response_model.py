"""What most APIs do with bars: a list of models, checked and written as JSON by FastAPI. The floor of the bench `bars over HTTP`."""

import socket
import sys

from fastapi import FastAPI
from pydantic import BaseModel
from uvicorn import Config, Server


class Bar(BaseModel):
    """One bar."""

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float


BARS = [
    {"ts": 60_000 * row, "open": 100.0, "high": 101.5, "low": 99.25, "close": 100.75, "volume": 1_000.0}
    for row in range(int(sys.argv[1]))
]
app = FastAPI(openapi_url=None)


@app.get("/", response_model=list[Bar])
async def bars() -> list[dict[str, float]]:
    """Give them all."""
    return BARS


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
Server(Config(app, log_level="error", access_log=False)).run(sockets=[listener])
