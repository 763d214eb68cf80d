"""Tearsheets and exports, as the engine gives them: made by a child that holds numpy and Arrow, kept where that pays.

A tearsheet is kept beside the tables that it was made from, as `tearsheet.json`. One that another version made, or that cannot be
read, is made anew.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tino_engine import log
from tino_engine.contracts import Tearsheet
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tino_engine.backtest.jobs import Runs
    from tino_engine.contracts import ExportQuery
    from tino_engine.workers.child import Child

TEARSHEET = "tearsheet.json"
VERSION = 1
"""Of the computation in `tearsheet`."""

PAGE = "tearsheet.html"
PLACE = b'"tino:shown"'
"""Where the page, which `webview/tearsheet` becomes, expects the run that it shows."""

logger = log.get("backtest")


class Reports:
    """What is made of finished runs."""

    def __init__(self, runs: Runs, get_child: Callable[[], Awaitable[Child]], dashboard: str | None) -> None:
        self._runs = runs
        self._get_child = get_child
        self._page = Path(dashboard or "dashboard") / PAGE

    async def tearsheet(self, run_id: str) -> Tearsheet:
        """Give a run's tearsheet. Raises `run_not_finished`, `result_unreadable`."""
        folder = await self._runs.result_folder(run_id)
        kept = await asyncio.to_thread(_read, folder / TEARSHEET)
        if kept is not None:
            return kept
        child = await self._get_child()
        reply = await child.call("tearsheet", {"folder": str(folder), "id": run_id, "version": VERSION})
        await asyncio.to_thread(_keep, folder / TEARSHEET, reply.body)
        return Tearsheet.model_validate_json(reply.body)

    async def export(self, run_id: str, query: ExportQuery) -> bytes:
        """Give a run as a file. Raises `run_not_finished`, `result_unreadable`, `pages_not_built`."""
        folder = await self._runs.result_folder(run_id)
        run = await self._runs.get(run_id)
        if query.as_ == "html":
            tearsheet = await self.tearsheet(run_id)
            return await asyncio.to_thread(self._fill_page, run.to_json(), tearsheet.to_json())
        child = await self._get_child()
        params = {"folder": str(folder), "run": run.model_dump(mode="json"), "as": query.as_, "table": query.table}
        return (await child.call("export", params)).body

    def _fill_page(self, run: bytes, tearsheet: bytes) -> bytes:
        try:
            page = self._page.read_bytes()
        except OSError as error:
            raise TinoError("pages_not_built", path=self._page) from error
        # Inside a script element only `<` could end it or begin a comment.
        shown = (b'{"run":' + run + b',"tearsheet":' + tearsheet + b"}").replace(b"<", b"\\u003c")
        return page.replace(PLACE, shown, 1)


def _read(path: Path) -> Tearsheet | None:
    try:
        tearsheet = Tearsheet.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return tearsheet if tearsheet.version == VERSION else None


def _keep(path: Path, content: bytes) -> None:
    """Store it whole or not at all; without room it is made again the next time."""
    beside = path.with_name(f"{path.name}.{new_id('new')}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        logger.warning("tearsheet_not_kept", path=str(path), reason=error.strerror or str(error))
        beside.unlink(missing_ok=True)
