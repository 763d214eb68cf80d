"""The ASGI application: routers, sockets and pages behind the guard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from tino_engine.api import backtest, compare, data, providers, search, strategies, validation
from tino_engine.api import engine as engine_calls
from tino_engine.api.calls import build_router, error_response
from tino_engine.api.guard import Guard
from tino_engine.api.pages import Pages
from tino_engine.api.stream import build_sockets
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from tino_engine.engine import Engine

METHOD_NOT_ALLOWED = 405


def create_app(engine: Engine) -> ASGIApp:
    """Build the HTTP view of an engine."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(
        build_router(
            engine,
            engine_calls.calls,
            data.calls,
            providers.calls,
            strategies.calls,
            backtest.calls,
            compare.calls,
            validation.calls,
            search.calls,
        )
    )
    app.router.routes.extend(build_sockets(engine))
    if engine.bootstrap.dashboard_path is not None:
        app.mount("/", Pages(Path(engine.bootstrap.dashboard_path)))

    async def failed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == METHOD_NOT_ALLOWED:
            return error_response(TinoError("method_not_allowed", method=request.method, path=request.url.path))
        return error_response(TinoError("not_found", path=request.url.path))

    app.add_exception_handler(HTTPException, failed)
    return Guard(app, engine.sessions, engine.port)
