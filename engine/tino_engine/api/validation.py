"""Calls about validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.api.calls import Arguments, Calls

if TYPE_CHECKING:
    from tino_engine.contracts import Honesty, Validation, ValidationList, ValidationSummary
    from tino_engine.engine import Engine

calls = Calls()


@calls.call("startValidation")
async def start(engine: Engine, arguments: Arguments) -> ValidationSummary:
    """Check the request and begin with it."""
    lease = engine.leases.find(arguments.client)
    origin = "browser" if arguments.credentials.browser else lease.kind if lease else "cli"
    # A terminal waits for it in the foreground: when it dies, the validation ends with it. A window's goes on.
    owner = lease.key if lease is not None and lease.kind == "cli" else None
    request = arguments.body.request
    return await engine.validations.start(request, origin=origin, owner=owner, trust=engine.require_trusted)


@calls.call("listValidations")
async def list_(engine: Engine, arguments: Arguments) -> ValidationList:
    """List validations, newest first."""
    return await engine.validations.list(arguments.query)


@calls.call("getValidation")
async def get(engine: Engine, arguments: Arguments) -> Validation:
    """Give one with its result."""
    return await engine.validations.get(arguments.path["id"])


@calls.call("cancelValidation")
async def cancel(engine: Engine, arguments: Arguments) -> ValidationSummary:
    """Cancel one; give it as it ended."""
    return await engine.validations.cancel(arguments.path["id"])


@calls.call("getHonesty")
async def get_honesty(engine: Engine, arguments: Arguments) -> Honesty:
    """Judge a result by the number of trials."""
    return await engine.validations.honesty(arguments.query)
