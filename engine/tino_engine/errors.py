"""Errors of the engine: one exception, filled from the catalogue in `contracts/catalogue.ts`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tino_engine.contracts import ERRORS, ErrorBody, Location, TraceFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"\{(\w+)\}")


def _fill(template: str, parameters: dict[str, Any]) -> str:
    return _NAME.sub(lambda match: str(parameters.get(match[1], match[0])), template)


class TinoError(Exception):
    """A failure the user can be told about.

    `code` names an entry of the catalogue, `parameters` fill its sentences; of one that came from another process only the
    sentences are known. Raised anywhere, translated once: into a
    response by `api`, into a failed run by `backtest`, into a frame by a child.
    """

    def __init__(
        self,
        code: str,
        *,
        location: Location | None = None,
        traceback: Sequence[TraceFrame] = (),
        field: str | None = None,
        **parameters: object,
    ) -> None:
        entry = ERRORS[code]
        self.code = code
        self.http = entry.http
        self.parameters: dict[str, object] = parameters
        self.body = ErrorBody(
            code=code,  # type: ignore[arg-type]
            message=_fill(entry.message, parameters),
            hint=_fill(entry.hint, parameters),
            location=location,
            traceback=list(traceback),
            field=field,
        )
        super().__init__(self.body.message)

    @classmethod
    def from_body(cls, body: ErrorBody) -> TinoError:
        """Rebuild an error that came from another process."""
        error = cls.__new__(cls)
        Exception.__init__(error, body.message)
        error.code = body.code
        error.http = ERRORS[body.code].http
        error.parameters = {}
        error.body = body
        return error
