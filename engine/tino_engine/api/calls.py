"""Routes from the call table.

A router file binds functions to call names; method, path, scope and models come from the generated table, so a route
cannot drift from the contract. The function gets the engine and an `Arguments` with everything checked, and gives the
contract's reply model, or bytes for an Arrow stream or a file. Errors are translated here, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from tino_engine import log
from tino_engine.contracts import CALLS, PATTERNS
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic_core import ErrorDetails

    from tino_engine.api.sessions import Credentials
    from tino_engine.contract_model import ContractModel
    from tino_engine.contracts import Call
    from tino_engine.engine import Engine

    type Endpoint = Callable[[Engine, Arguments], Awaitable[ContractModel | bytes]]

MEDIA = {"arrow": "application/vnd.apache.arrow.stream", "file": "application/octet-stream"}
logger = log.get("api")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a request carries, checked against the contract."""

    path: dict[str, str]
    query: Any
    body: Any
    credentials: Credentials
    client: str | None
    """The nonce the client names itself with."""


class Calls:
    """Collects the endpoints of one router file."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}

    def call(self, name: str) -> Callable[[Endpoint], Endpoint]:
        """Bind a function to a call of the table."""
        assert name in CALLS, f"no call {name} in the table"

        def bind(endpoint: Endpoint) -> Endpoint:
            self.endpoints[name] = endpoint
            return endpoint

        return bind


def build_router(engine: Engine, *files: Calls) -> APIRouter:
    """Make the routes of all bound calls; raise when the table has a call nobody serves."""
    router = APIRouter()
    served: set[str] = set()
    for file in files:
        for name, endpoint in file.endpoints.items():
            call = CALLS[name]
            router.add_api_route(
                call.path,
                _handler(engine, name, call, endpoint),
                methods=[call.method],
                name=name,
                include_in_schema=False,
                response_model=None,
            )
            served.add(name)
    assert served == set(CALLS), f"calls nobody serves: {set(CALLS) - served}"
    return router


def _handler(engine: Engine, name: str, call: Call, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            credentials: Credentials = request.scope["state"]["credentials"]
            credentials.require(call.scope)
            arguments = Arguments(
                path=dict(request.path_params),
                query=_query(request, call),
                body=await _body(request, call),
                credentials=credentials,
                client=request.headers.get("x-tino-client"),
            )
            reply = await endpoint(engine, arguments)
        except TinoError as error:
            return error_response(error)
        except Exception:
            reference = new_id("err")
            logger.exception("request_failed", call=name, reference=reference)
            return error_response(TinoError("internal", reference=reference, log=engine.home.log))
        if isinstance(reply, bytes):
            return Response(reply, media_type=MEDIA[str(call.reply)])
        return Response(reply.to_json(), media_type="application/json")

    return handle


def error_response(error: TinoError) -> Response:
    """Give an error as every client expects it."""
    return Response(error.body.to_json(), status_code=error.http, media_type="application/json")


def _query(request: Request, call: Call) -> Any:
    if call.query is None:
        return None
    try:
        return call.query.model_validate_strings(dict(request.query_params))
    except ValidationError as error:
        raise _invalid(error) from error


async def _body(request: Request, call: Call) -> Any:
    if call.body is None:
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise TinoError("unsupported_media")
    try:
        return call.body.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> TinoError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return TinoError(
        "request_invalid", field=place or None, reason=f"{place}: {_words(first)}" if place else _words(first)
    )


def _words(error: ErrorDetails) -> str:
    """Say what is wrong with a value, for people: a pattern by what it stands for."""
    if error["type"] == "string_pattern_mismatch":
        wanted = PATTERNS.get(error.get("ctx", {}).get("pattern", ""), "text of another form").rstrip(".")
        return f"expected {wanted[:1].lower()}{wanted[1:]}"
    return error["msg"][:1].lower() + error["msg"][1:]
