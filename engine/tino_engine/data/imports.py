"""Imports of files as the engine sees them: jobs, one after the other, each in a child process of its own.

A child of its own because an import may take minutes in which pages want bars, and because that makes cancelling simple: the
child is killed, which an import survives at any instant. What a child reports is recorded by the catalog in one transaction;
from then on it is imported, before it is not.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tino_engine import log
from tino_engine.contracts import DataImport, ImportedSeries, ImportList, ImportPreview, ImportProblem, ImportProgress
from tino_engine.data.files import find_files
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tino_engine.contracts import ImportRequest
    from tino_engine.data.catalog import Catalog, DataChild
    from tino_engine.workers.child import Child


logger = log.get("import")
KEPT = 50
"""How many imports are listed."""


class Imports:
    """The imports since the engine started."""

    def __init__(
        self,
        catalog: Catalog,
        data_child: Callable[[], Awaitable[DataChild]],
        spawn: Callable[[], Awaitable[Child]],
        now_ms: Callable[[], int],
        on_change: Callable[[DataImport], None],
        log_path: Path,
    ) -> None:
        """`data_child` answers previews, `spawn` starts a child for one import; `on_change` hears of every import that changed."""
        self._catalog = catalog
        self._data_child = data_child
        self._spawn = spawn
        self._now_ms = now_ms
        self._on_change = on_change
        self._log_path = log_path
        self._imports: dict[str, DataImport] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.children: dict[str, Child] = {}

    @property
    def running(self) -> int:
        """How many are queued or running."""
        return len(self._tasks)

    async def preview(self, request: ImportRequest) -> ImportPreview:
        """Tell how files would be read. Raises errors of the catalogue about the files."""
        await asyncio.to_thread(find_files, request.paths)
        params = await self._catalog.import_params()
        reply = await (await self._data_child()).call(
            "previewImport", {"request": request.model_dump(mode="json"), "known": params["known"]}
        )
        return ImportPreview.model_validate(reply.result)

    async def start(self, request: ImportRequest) -> DataImport:
        """Queue an import. Raises at once what is wrong with its paths, see `find_files`."""
        await asyncio.to_thread(find_files, request.paths)
        job = DataImport(
            id=new_id("imp"),
            status="queued",
            paths=request.paths,
            created_at=self._now_ms(),
            ended_at=None,
            progress=ImportProgress(phase="reading", file=None, bytes_done=0, bytes_total=0, rows=0),
            series=[],
            problems=[],
            error=None,
        )
        self._put(job)
        self._tasks[job.id] = asyncio.create_task(self._run(job.id, request), name=job.id)
        return job

    def list(self) -> ImportList:
        """List imports, newest first."""
        return ImportList(imports=sorted(self._imports.values(), key=lambda job: job.id, reverse=True))

    def get(self, import_id: str) -> DataImport:
        """Give one. Raises `import_not_found`."""
        job = self._imports.get(import_id)
        if job is None:
            raise TinoError("import_not_found", id=import_id)
        return job

    async def cancel(self, import_id: str) -> DataImport:
        """Cancel one; give it as it ended. Raises `import_not_found`, `import_already_ended`."""
        job = self.get(import_id)
        task = self._tasks.get(import_id)
        if task is None:
            raise TinoError("import_already_ended", id=import_id, status=job.status)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return self.get(import_id)

    async def close(self) -> None:
        """End all of them."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, import_id: str, request: ImportRequest) -> None:
        change: dict[str, Any]
        try:
            async with self._catalog.importing:
                change = await self._import(import_id, request)
        except asyncio.CancelledError:
            change = {"status": "cancelled", "error": TinoError("import_cancelled").body}
        except TinoError as error:
            change = {"status": "failed", "error": error.body}
        except Exception:
            reference = new_id("err")
            logger.exception("import_failed", reference=reference)
            change = {"status": "failed", "error": TinoError("internal", reference=reference, log=self._log_path).body}
        self._tasks.pop(import_id, None)
        job = self.get(import_id).model_copy(update={**change, "ended_at": self._now_ms()})
        logger.info("import_ended", id=import_id, status=job.status, code=job.error.code if job.error else None)
        self._put(job)

    async def _import(self, import_id: str, request: ImportRequest) -> dict[str, Any]:
        params = {**await self._catalog.import_params(), "request": request.model_dump(mode="json")}
        child = self.children[import_id] = await self._spawn()

        def on_event(_name: str, progress: dict[str, Any], _body: bytes) -> None:
            job = self.get(import_id)
            if job.status in ("queued", "running"):
                self._put(
                    job.model_copy(update={"status": "running", "progress": ImportProgress.model_validate(progress)})
                )

        try:
            reply = await child.call("importFiles", params, b"", on_event)
        except TinoError as error:
            if error.code == "worker_died":
                raise TinoError(
                    "import_interrupted", reason=error.parameters.get("reason", ""), log=self._log_path
                ) from error
            raise
        finally:
            # Whatever it still does must not go on beside the next import.
            await asyncio.shield(child.kill())
            self.children.pop(import_id, None)
        recorded = asyncio.ensure_future(self._catalog.record_import(reply.result))
        try:
            await asyncio.shield(recorded)
        except asyncio.CancelledError:
            # Too late: what is being recorded is imported.
            await recorded
        return {
            "status": "finished",
            "series": [ImportedSeries.model_validate(item) for item in reply.result["series"]],
            "problems": [ImportProblem.model_validate(item) for item in reply.result["problems"]],
        }

    def _put(self, job: DataImport) -> None:
        self._imports[job.id] = job
        while len(self._imports) > KEPT:
            ended = next((key for key in self._imports if key not in self._tasks), None)
            if ended is None or ended == job.id:
                break
            del self._imports[ended]
        self._on_change(job)
