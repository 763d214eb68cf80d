"""Downloads from providers as the engine sees them: jobs, each in a child process of its own.

A download fetches one symbol after the other into files beside the catalog, then stores it, while nobody else writes the catalog, and
records it with the days that it has now. Ended at any instant, what is recorded stays and what was fetched waits for the next
download of the same series: started again, it goes on where it stopped. Nothing is fetched twice unless that is asked for, except today.

Several downloads may run at once, also from one provider: the limit of a provider is one for all of them (`limiter`).
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tino_engine import log
from tino_engine.contracts import (
    Download,
    DownloadedSeries,
    DownloadList,
    DownloadProgress,
    Provider,
    ProviderList,
    ProviderSymbolList,
)
from tino_engine.data.limiter import Limiter
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import Protocol

    from sqlalchemy import Connection

    from tino_engine.contracts import DownloadRequest
    from tino_engine.data.catalog import Catalog
    from tino_engine.ledger import Database
    from tino_engine.workers.child import Child

    class KeyRing(Protocol):
        """The keys that are set."""

        async def get(self, name: str) -> str | None:
            """Give the value of a key."""
            ...

        async def names(self) -> set[str]:
            """Give the names of the keys that are set."""
            ...


logger = log.get("download")
KEPT = 50
"""How many downloads are listed."""
AT_ONCE = 4
"""How many run beside each other; the others wait."""
_DAY = timedelta(days=1)
_LENGTHS = {"DAY": 1, "WEEK": 7, "MONTH": 31}
"""Days of a bar, by the unit of its step; of shorter ones it is one day that counts."""

type Days = tuple[date, date]


class Downloads:
    """Providers, and the downloads since the engine started."""

    def __init__(
        self,
        catalog: Catalog,
        database: Database,
        keys: KeyRing,
        spawn: Callable[[], Awaitable[Child]],
        now_ms: Callable[[], int],
        on_change: Callable[[Download], None],
        data: Path,
        packages: Path,
        log_path: Path,
    ) -> None:
        """`spawn` starts a child; `packages` is where providers of the user's own are looked for."""
        self._catalog = catalog
        self._database = database
        self._keys = keys
        self._spawn = spawn
        self._now_ms = now_ms
        self._on_change = on_change
        self._data = data
        self._packages = packages
        self._log_path = log_path
        self._downloads: dict[str, Download] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._limiters: dict[str, Limiter] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._series: dict[str, asyncio.Lock] = {}
        self._told: dict[str, Any] | None = None
        self._waiting: set[asyncio.Task[None]] = set()
        self.children: dict[str, Child] = {}

    @property
    def running(self) -> int:
        """How many are queued or running."""
        return len(self._tasks)

    async def providers(self) -> ProviderList:
        """List providers. Raises `worker_died`."""
        if self._told is None or self._told["problems"] or self._packages.is_dir():
            # Packages may have been installed or mended since; without any, the answer stays the same.
            self._told = await self._ask("providers", {"packages": str(self._packages)})
        names = await self._keys.names()
        listed = [
            Provider(
                name=item["name"],
                title=item["title"],
                kinds=item["kinds"],
                steps=item["steps"],
                actions=item["actions"],
                key=item["key"],
                key_set=item["name"] in names,
                from_=origin,
                example=item["example"],
                note=item["note"],
            )
            for origin, item in self._told["providers"]
        ]
        return ProviderList(providers=listed, problems=self._told["problems"])

    async def search(self, provider: str, text: str, limit: int) -> ProviderSymbolList:
        """Find symbols of a provider. Raises `provider_unknown`, and what its network does."""
        params = {"provider": provider, "access": await self._access(provider), "text": text, "limit": limit}
        return ProviderSymbolList.model_validate(await self._ask("search", params))

    async def start(self, request: DownloadRequest) -> Download:
        """Queue a download. Raises `range_invalid`."""
        _span(request, self._today())
        job = Download(
            id=new_id("dl"),
            status="queued",
            request=request,
            created_at=self._now_ms(),
            ended_at=None,
            progress=DownloadProgress(
                phase="starting", symbol=None, parts_done=0, parts_total=0, parts_kept=0, rows=0, reason=None
            ),
            series=[],
            error=None,
        )
        self._put(job)
        self._tasks[job.id] = asyncio.create_task(self._run(job.id, request), name=job.id)
        return job

    def list(self) -> DownloadList:
        """List downloads, newest first."""
        return DownloadList(downloads=sorted(self._downloads.values(), key=lambda job: job.id, reverse=True))

    def get(self, download_id: str) -> Download:
        """Give one. Raises `download_not_found`."""
        job = self._downloads.get(download_id)
        if job is None:
            raise TinoError("download_not_found", id=download_id)
        return job

    async def cancel(self, download_id: str) -> Download:
        """Cancel one; give it as it ended. Raises `download_not_found`, `download_already_ended`."""
        job = self.get(download_id)
        task = self._tasks.get(download_id)
        if task is None:
            raise TinoError("download_already_ended", id=download_id, status=job.status)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return self.get(download_id)

    async def close(self) -> None:
        """End all of them; what they fetched waits for the next engine."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, download_id: str, request: DownloadRequest) -> None:
        change: dict[str, Any]
        try:
            async with self._slots:
                await self._download(download_id, request)
            change = {"status": "finished"}
        except asyncio.CancelledError:
            change = {"status": "cancelled", "error": TinoError("download_cancelled").body}
        except TinoError as error:
            change = {"status": "failed", "error": error.body}
        except Exception:
            reference = new_id("err")
            logger.exception("download_failed", reference=reference)
            change = {"status": "failed", "error": TinoError("internal", reference=reference, log=self._log_path).body}
        self._tasks.pop(download_id, None)
        job = self.get(download_id).model_copy(update={**change, "ended_at": self._now_ms()})
        logger.info("download_ended", id=download_id, status=job.status, code=job.error.code if job.error else None)
        self._put(job)

    async def _download(self, download_id: str, request: DownloadRequest) -> None:
        child = self.children[download_id] = await self._spawn()
        try:
            access = await self._access(request.provider)
            for symbol in dict.fromkeys(request.symbols):
                call = {
                    "provider": request.provider,
                    "access": access,
                    "symbol": symbol,
                    "kind": request.kind,
                    "step": request.step,
                    "data": str(self._data),
                }
                await self._one(download_id, request, child, call)
        except TinoError as error:
            if error.code == "worker_died":
                reason = error.parameters.get("reason", "")
                raise TinoError("download_interrupted", reason=reason, log=self._log_path) from error
            raise
        finally:
            await asyncio.shield(child.kill())
            self.children.pop(download_id, None)

    async def _one(self, download_id: str, request: DownloadRequest, child: Child, call: dict[str, Any]) -> None:
        """Download one symbol."""
        self._say(download_id, phase="fetching", symbol=call["symbol"], reason=None)
        known = await self._call(download_id, child, "prepare", call)
        name = known["series"]
        # Two downloads of one series would fetch and store the same days beside each other.
        async with self._series.setdefault(name, asyncio.Lock()):
            today = self._today()
            span = _span(request, today)
            had = [] if request.refresh else await self._database.read(lambda c: _load_spans(c, request.provider, name))
            missing = _subtract(span, had)
            call["spans"] = [[first.isoformat(), last.isoformat()] for first, last in missing]
            fetched = 0
            if missing:
                fetched = (await self._call(download_id, child, "fetch", call))["rows"]
            if not fetched:
                stored = await self._stored(known["instrument"]["id"], name, request.kind)
                if stored is None:
                    words: dict[str, Any] = {"from": span[0].isoformat(), "to": span[1].isoformat()}
                    raise TinoError(
                        "provider_range_empty",
                        provider=request.provider,
                        kind=request.kind,
                        symbol=call["symbol"],
                        **words,
                    )
                spans = _closed([*had, *missing], today, request)
                await self._catalog.record_download(
                    {}, [], request.provider, lambda connection: _save_spans(connection, request.provider, name, spans)
                )
                await self._call(download_id, child, "forget", call)
                self._add(download_id, call["symbol"], known["instrument"]["id"], request, name, stored)
                return
            self._say(download_id, phase="storing")
            async with self._catalog.importing:
                params = await self._catalog.import_params()
                files = await self._catalog.find_ticks(known["instrument"]["id"], request.kind)
                call |= {
                    "known": params["known"],
                    "stored": params["stored"],
                    "ticks": [str(file) for file in files],
                    "others": await self._has_others(known["instrument"]["id"], name),
                }
                result = await self._call(download_id, child, "store", call)
                spans = _closed([*had, *missing], today, request)
                recorded = asyncio.ensure_future(
                    self._catalog.record_download(
                        result,
                        result["changed"],
                        request.provider,
                        lambda connection: _save_spans(connection, request.provider, name, spans),
                    )
                )
                try:
                    await asyncio.shield(recorded)
                except asyncio.CancelledError:
                    # Too late: what is being recorded is stored.
                    await recorded
                    raise
            await self._call(download_id, child, "forget", call)
            self._add(download_id, call["symbol"], known["instrument"]["id"], request, name, result)

    async def _has_others(self, instrument_id: str, name: str) -> bool:
        """Tell whether an instrument has other series than this one."""
        symbols = (await self._catalog.symbols()).symbols
        entry = next((entry for entry in symbols if entry.instrument.id == instrument_id), None)
        if entry is None:
            return False
        names = {coverage.bar_type for coverage in entry.coverage}
        return bool((names | {f"{instrument_id} {ticks.kind}" for ticks in entry.ticks}) - {name})

    async def _stored(self, instrument_id: str, name: str, kind: str) -> dict[str, Any] | None:
        """Give what is stored of a series of which nothing was missing."""
        if kind == "bars":
            series = await self._catalog.find_series(name)
            held = None if series is None else (series.coverage.bars, series.coverage.from_, series.coverage.to)
        else:
            symbols = (await self._catalog.symbols()).symbols
            found = [
                t for entry in symbols if entry.instrument.id == instrument_id for t in entry.ticks if t.kind == kind
            ]
            held = (found[0].rows, found[0].from_, found[0].to) if found else None
        if held is None:
            return None
        return {"outcome": "unchanged", "rows": held[0], "from": held[1], "to": held[2], "notes": []}

    def _add(
        self,
        download_id: str,
        symbol: str,
        instrument_id: str,
        request: DownloadRequest,
        name: str,
        result: dict[str, Any],
    ) -> None:
        job = self.get(download_id)
        series = DownloadedSeries.model_validate(
            {
                "symbol": symbol,
                "instrumentId": instrument_id,
                "kind": request.kind,
                "barType": name if request.kind == "bars" else None,
                **{key: result[key] for key in ("outcome", "rows", "from", "to", "notes")},
            }
        )
        self._put(job.model_copy(update={"series": [*job.series, series]}))

    async def _call(self, download_id: str, child: Child, name: str, params: dict[str, Any]) -> dict[str, Any]:
        def on_event(event: str, told: dict[str, Any], _body: bytes) -> None:
            if event == "progress":
                self._say(download_id, phase="fetching", reason=None, **told)
            elif event == "hold":
                self._say(download_id, phase="waiting", reason=told["reason"])
            self._pass(params["provider"], child, event, told)

        return (await child.call(name, params, b"", on_event)).result

    def _pass(self, provider: str, child: Child, event: str, told: dict[str, Any]) -> None:
        """Give a child its permits, and keep the others back when it was told to wait."""
        limiter = self._limiters.setdefault(provider, Limiter())
        if event == "hold":
            limiter.hold(told["seconds"])
        elif event == "permit":
            waiting = asyncio.create_task(limiter.permit(told["seconds"]))
            waiting.add_done_callback(lambda _: child.notify("permit", {}))
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)

    async def _ask(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Ask a child that lives for one question."""
        child = await self._spawn()

        def on_event(event: str, told: dict[str, Any], _body: bytes) -> None:
            self._pass(params["provider"], child, event, told)

        try:
            return (await child.call(name, params, b"", on_event)).result
        finally:
            await asyncio.shield(child.kill())

    async def _access(self, provider: str) -> dict[str, Any]:
        mirrors = json.loads(os.environ.get("TINO_PROVIDER_MIRRORS") or "{}")
        return {
            "key": await self._keys.get(provider),
            "mirror": mirrors.get(provider),
            "packages": str(self._packages),
        }

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now_ms() / 1000, UTC).date()

    def _say(self, download_id: str, **change: Any) -> None:
        job = self.get(download_id)
        if job.status in ("queued", "running"):
            progress = DownloadProgress.model_validate({**job.progress.model_dump(mode="json"), **change})
            self._put(job.model_copy(update={"status": "running", "progress": progress}))

    def _put(self, job: Download) -> None:
        self._downloads[job.id] = job
        while len(self._downloads) > KEPT:
            ended = next((key for key in self._downloads if key not in self._tasks), None)
            if ended is None or ended == job.id:
                break
            del self._downloads[ended]
        self._on_change(job)


def _span(request: DownloadRequest, today: date) -> Days:
    try:
        first, last = date.fromisoformat(request.from_), date.fromisoformat(request.to) if request.to else today
    except ValueError as error:
        raise TinoError("request_invalid", field="from", reason="from and to are days of the calendar") from error
    if first > last:
        words: dict[str, Any] = {"from": request.from_, "to": request.to or last.isoformat()}
        raise TinoError("range_invalid", field="to", **words)
    return first, min(last, today)


def _subtract(span: Days, had: list[Days]) -> list[Days]:
    """Give the days of a span that are not among those that are there."""
    missing: list[Days] = []
    first, end = span
    for begin, last in sorted(had):
        if last < first or begin > end:
            continue
        if begin > first:
            missing.append((first, begin - _DAY))
        first = max(first, last + _DAY)
    if first <= end:
        missing.append((first, end))
    return missing


def _closed(days: list[Days], today: date, request: DownloadRequest) -> list[Days]:
    """Put days together that touch, without those that may still change.

    A day is over everywhere when the one after it is; a bar of a week or a month that is not over yet began before.
    """
    number, _, unit = request.step.partition("-")
    length = int(number) * _LENGTHS[unit] if request.kind == "bars" and unit in _LENGTHS else 1
    latest = today - (length + 1) * _DAY
    joined: list[Days] = []
    for first, last in sorted((first, min(last, latest)) for first, last in days):
        if last < first:
            continue
        if joined and first <= joined[-1][1] + _DAY:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _load_spans(connection: Connection, provider: str, series: str) -> list[Days]:
    held = tables.download_spans
    query = select(held).where(held.c.provider == provider, held.c.series == series)
    return [(date.fromisoformat(row.from_day), date.fromisoformat(row.to_day)) for row in connection.execute(query)]


def _save_spans(connection: Connection, provider: str, series: str, days: list[Days]) -> None:
    held = tables.download_spans
    connection.execute(held.delete().where(held.c.provider == provider, held.c.series == series))
    for first, last in days:
        row = {"provider": provider, "series": series, "from_day": first.isoformat(), "to_day": last.isoformat()}
        connection.execute(held.insert().values(row))
