"""The catalog as the engine sees it: which series there are, by the database, and a child that touches their files.

The database decides what is in the catalog; a file that no row refers to is not. The engine is the only writer of these rows,
so they are kept in memory from the first question on. Nothing here imports numpy or pyarrow.
"""

from __future__ import annotations

import asyncio
import difflib
import math
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tino_engine import log
from tino_engine.contracts import (
    ActionsImportReply,
    BarsQuery,
    CorporateAction,
    Coverage,
    Instrument,
    ResampleReply,
    SampleReply,
    SymbolEntry,
    SymbolList,
    TickCoverage,
    Watchlist,
    WatchlistList,
)
from tino_engine.data import watchlists
from tino_engine.data.actions_file import read_actions
from tino_engine.data.bar_type import BarType
from tino_engine.data.days import day_bounds, day_of, parse_day
from tino_engine.data.series import Series
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.ledger import append, tables
from tino_engine.workers.child import Child

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from pathlib import Path
    from typing import Protocol

    from sqlalchemy import Connection, Table

    from tino_engine.contracts import ActionsImportRequest, ActionsRequest, ResampleRequest
    from tino_engine.data.place import Place
    from tino_engine.ledger import Database, Writer

    class Reply(Protocol):
        """What a child's call ends with."""

        result: dict[str, Any]
        body: bytes

    class DataChild(Protocol):
        """The running data child; see `workers.data` for its calls."""

        async def call(self, name: str, params: dict[str, Any]) -> Reply:
            """Call it; raises its error."""
            ...


logger = log.get("data")

NEAR = 3
"""How many similar names an error lists."""

_SAMPLE = "sample"
_BY_HAND = "by hand"
_WATCHLIST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
"""The contract's pattern of a name, which the path of a call is not held against."""
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class ResolvedSeries(Series):
    """A stored series that was asked for: what a child needs of it, and what the catalog says about it."""

    coverage: Coverage

    @property
    def bars(self) -> int:
        """How many bars are stored."""
        return self.coverage.bars

    @property
    def source(self) -> str:
        """Where they came from, for people."""
        return self.coverage.source


@dataclass(frozen=True, slots=True)
class _Contents:
    """Everything the database says, by name and in order of name."""

    entries: dict[str, SymbolEntry]
    series: dict[str, ResolvedSeries]
    ticks: dict[tuple[str, str], tuple[Path, ...]]
    """Files by instrument and kind, in order of time."""
    watchlists: dict[str, list[str]]


class Catalog:
    """The stored market data."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        child: Callable[[], Awaitable[DataChild]],
        folder: Path,
        on_change: Callable[[list[str]], None] = lambda _: None,
        in_use: Callable[[], bool] = lambda: False,
        spawn: Callable[[], Awaitable[Child]] = lambda: Child.spawn("data"),
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Take the database and where the files are.

        `child` gives the running data child, `spawn` starts one of its own for what takes long; `folder` is the home's data folder; `on_change` hears which bar types changed or
        went; `in_use` tells whether runs may be reading files.
        """
        self._database = database
        self._writer = writer
        self._child = child
        self._spawn = spawn
        self._folder = folder
        self._on_change = on_change
        self._in_use = in_use
        self._now_ms = now_ms
        self._contents: _Contents | None = None
        self._loading = asyncio.Lock()
        self.place: Place | None = None
        """Where the files live besides here; None in a home that knows of no other place."""
        self.importing = asyncio.Lock()
        """Held by whoever writes into the catalog: the folder of incoming files is emptied at the start of each import."""

    async def symbols(self) -> SymbolList:
        """List instruments with what is stored of them, in order of id."""
        return SymbolList(symbols=list((await self._read()).entries.values()))

    async def find_series(self, bar_type: str) -> ResolvedSeries | None:
        """Find a stored series by its bar type."""
        return (await self._read()).series.get(bar_type)

    async def find_ticks(self, instrument_id: str, kind: str) -> tuple[Path, ...]:
        """Give the files of an instrument's quotes, trades or deltas, in order of time; none when nothing is stored."""
        files = (await self._read()).ticks.get((instrument_id, kind), ())
        await self._have(files)
        return files

    async def files(self) -> list[Path]:
        """Give the files of all series."""
        contents = await self._read()
        bars = [file for series in contents.series.values() for file in series.files]
        return bars + [file for files in contents.ticks.values() for file in files]

    async def resolve(self, symbols: Sequence[str], bar_types: Sequence[str]) -> list[ResolvedSeries]:
        """Give the series asked for, each once: the bar types, then the finest series of every symbol without one.

        A symbol may leave out its venue where only one venue has it, and upper case does not matter; `@name` is a watchlist. Raises
        `symbol_unknown`, `bar_type_invalid` or `bar_type_unknown`, the unknown ones with similar names, and `watchlist_unknown`.
        """
        contents = await self._read()
        found = [_get_series(contents, text, "barTypes") for text in bar_types]
        named = {series.instrument.id for series in found}
        for symbol in symbols:
            for instrument_id in _get_symbols(contents, symbol):
                if instrument_id in named:
                    continue
                found.append(_get_finest(contents, instrument_id))
        await self._have(file for series in found for file in series.files)
        return list({series.bar_type: series for series in found}.values())

    async def series_of(self, symbol: str | None) -> list[ResolvedSeries]:
        """Give all series, or those of an instrument or watchlist. Raises `symbol_unknown`, `watchlist_unknown`."""
        contents = await self._read()
        wanted = None if symbol is None else set(_get_symbols(contents, symbol))
        found = [series for series in contents.series.values() if wanted is None or series.instrument.id in wanted]
        await self._have(file for series in found for file in series.files)
        return found

    async def instrument_id(self, symbol: str) -> str:
        """Give the instrument that a symbol means. Raises `symbol_unknown`."""
        return _get_symbol(await self._read(), symbol)

    def check_range(self, series: ResolvedSeries, from_day: str | None, to_day: str | None) -> tuple[int, int]:
        """Give the first and last instant, in nanoseconds and inclusive, of the bars from one day to another, inclusive.

        None is an open end. Raises `range_invalid`, or `data_missing` with what is covered when the range lies wholly outside it.
        """
        if from_day is not None and to_day is not None and parse_day(from_day, "from") > parse_day(to_day, "to"):
            raise _range_invalid(from_day, to_day)
        first, last = day_bounds(series.instrument, from_day, to_day)
        if last < series.coverage.from_ * 1_000_000 or first > series.coverage.to * 1_000_000 + 999_999:
            raise self.missing(series, from_day, to_day)
        return first, last

    def missing(self, series: ResolvedSeries, from_day: str | None, to_day: str | None) -> TinoError:
        """Give the error for a range without bars, which says what is covered."""
        covered = [day_of(series.instrument, at * 1_000_000) for at in (series.coverage.from_, series.coverage.to)]
        words: dict[str, Any] = {
            "from": from_day or "the start",
            "to": to_day or "the end",
            "coverage": f"{series.bars:,} {BarType.parse(series.bar_type).description} from {covered[0]} to {covered[1]}",
        }
        return TinoError("data_missing", field="to" if from_day is None else "from", barType=series.bar_type, **words)

    async def bars(self, query: BarsQuery) -> bytes:
        """Give bars as an Arrow IPC stream; see `data.serving.stream_bars`. A range without bars gives a table without rows.

        Raises `bar_type_invalid`, `bar_type_unknown`, `range_invalid`, `data_corrupt`.
        """
        series = _get_series(await self._read(), query.bar_type, "barType")
        if query.from_ is not None and query.to is not None and query.from_ > query.to:
            raise _range_invalid(_words(query.from_), _words(query.to))
        params = {
            "folder": str(self._folder),
            "series": series.to_params(),
            "adjustment": query.adjustment,
            "from": query.from_,
            "to": query.to,
            "points": query.points,
            "step": query.step,
        }
        await self._have(series.files)
        return (await (await self._child()).call("bars", params)).body

    async def import_sample(self, sample: str = "usStocks") -> SampleReply:
        """Bring an embedded sample into the catalog; what is there already is checked, and repaired if it is damaged.

        Files are written first, then recorded in one transaction together with an event of the ledger, so that an import that
        ends in between has not happened. Imports go one at a time. Raises `disk_full`, `worker_died`.
        """
        async with self.importing:
            before = (await self._read()).series
            reply = await (await self._child()).call("importSample", {"folder": str(self._folder), "sample": sample})
            changed = await self._database.read(lambda connection: _find_changed(connection, before, reply.result))
            await self._store(reply.result, changed, _SAMPLE)
            contents = await self._read()
            entries = [contents.entries[item["id"]] for item in reply.result["instruments"]]
            return SampleReply(imported=[item for item in changed if item not in before], symbols=entries)

    async def import_params(self) -> dict[str, Any]:
        """Give what a child has to know to import files: the data folder, the stored instruments and series."""
        contents = await self._read()
        # Which series an import merges with is known to the child alone.
        await self._have(file for series in contents.series.values() for file in series.files)
        return {
            "folder": str(self._folder),
            "known": [entry.instrument.model_dump(mode="json") for entry in contents.entries.values()],
            "stored": [series.to_params() for series in contents.series.values()],
        }

    async def record_download(
        self,
        result: dict[str, Any],
        changed: list[str],
        source: str,
        record: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        """Record what a child has stored of a provider's answers; `importing` is held.

        As with an import, and `ticks` beside the coverage of bars; `record` adds what else belongs to the same transaction.
        """

        def write(connection: Connection) -> None:
            at = self._now_ms()
            if changed or result.get("actions"):
                _record(connection, result, at, source)
            record(connection)

        if changed:
            await self._push(result)
        await self._writer.write(write, f"download from {source}")
        if changed:
            logger.info("downloaded", source=source, series=changed)
            await self._changed(changed)

    async def record_import(self, result: dict[str, Any]) -> None:
        """Record what a child has imported; `importing` is held. Files of series that were replaced are removed afterwards."""
        changed = [item["barType"] for item in result["series"] if item["outcome"] != "unchanged"]
        await self._store(result, changed, result["coverage"][0]["source"])

    async def remove(self, bar_types: Sequence[str]) -> SymbolList:
        """Remove series; an instrument without any goes too, with its actions. Raises `bar_type_unknown`, `bar_type_invalid`.

        A series of ticks is named by its instrument and kind: `BTCUSDT.BINANCE trades`.
        """
        contents = await self._read()
        ticks = {" ".join(key) for key in contents.ticks}
        wanted = [text if text in ticks else _get_series(contents, text, "barTypes").bar_type for text in bar_types]
        async with self.importing:
            at = self._now_ms()
            await self._writer.write(lambda connection: _remove(connection, wanted, at), "removal of data")
            await self._changed(wanted)
            logger.info("removed", bar_types=wanted)
        return await self.symbols()

    async def change_actions(self, request: ActionsRequest) -> SymbolEntry:
        """Set and remove splits and dividends of an instrument; give it as it is then. Raises `symbol_unknown`, `request_invalid`."""
        instrument_id = await self.instrument_id(request.instrument_id)
        for action in request.put:
            _check_action(action)
        removed = [(item.ex_day, item.kind) for item in request.remove]
        await self._write_actions([(instrument_id, action) for action in request.put], _BY_HAND, instrument_id, removed)
        return (await self._read()).entries[instrument_id]

    async def import_actions(self, request: ActionsImportRequest) -> ActionsImportReply:
        """Take in files of splits and dividends, wholly or not at all. Raises errors of imports, and `symbol_unknown`."""
        rows = await asyncio.to_thread(read_actions, request.paths, request.symbol)
        contents = await self._read()
        named = [(_get_symbol(contents, symbol), action) for symbol, action in rows]
        before = {instrument_id: contents.entries[instrument_id].actions for instrument_id, _ in named}
        changed = sum(action not in before[instrument_id] for instrument_id, action in named)
        source = ", ".join(dict.fromkeys(path.rpartition("/")[2] for path in request.paths))[:200]
        await self._write_actions(named, source)
        entries = (await self._read()).entries
        return ActionsImportReply(rows=len(rows), changed=changed, symbols=[entries[key] for key in before])

    async def _write_actions(
        self,
        put: Sequence[tuple[str, CorporateAction]],
        source: str,
        instrument_id: str = "",
        removed: Sequence[tuple[str, str]] = (),
    ) -> None:
        at = self._now_ms()

        def write(connection: Connection) -> None:
            held = tables.corporate_actions
            for day, kind in removed:
                same = (held.c.instrument_id == instrument_id, held.c.ex_day == day, held.c.kind == kind)
                connection.execute(held.delete().where(*same))
            for name, action in put:
                key = {"instrument_id": name, "ex_day": action.ex_day, "kind": action.kind}
                _put(connection, held, key, {"value": f"{Decimal(repr(action.value)):f}", "source": source})
            payload = {
                "source": source,
                "put": [{"instrumentId": name, **action.model_dump(mode="json")} for name, action in put],
                "removed": [{"instrumentId": instrument_id, "exDay": day, "kind": kind} for day, kind in removed],
            }
            append(
                connection,
                type_="data.actions_changed",
                source="catalog",
                source_event_id=new_id("actions"),
                occurred_at=at,
                payload=payload,
            )

        async with self.importing:
            await self._writer.write(write, "splits and dividends")
            self._contents = None
        touched = {instrument_id, *(name for name, _ in put)}
        series = (await self._read()).series.values()
        self._on_change([item.bar_type for item in series if item.instrument.id in touched])

    async def resample(self, request: ResampleRequest) -> ResampleReply:
        """Store a series at a coarser step. Raises `bar_type_unknown`, `bar_type_invalid`, `resample_not_coarser`, `data_corrupt`, `disk_full`."""
        async with self.importing:
            series = _get_series(await self._read(), request.bar_type, "barType")
            params = {"folder": str(self._folder), "series": series.to_params(), "step": request.step}
            child = await self._spawn()
            try:
                result = (await child.call("resample", params)).result
            finally:
                await asyncio.shield(child.kill())
            covered = Coverage.model_validate(result["coverage"][0])
            before = (await self._read()).series.get(covered.bar_type)
            changed = before is None or before.coverage != covered
            await self._store(result, [covered.bar_type] if changed else [], covered.source)
            return ResampleReply(coverage=covered, changed=changed)

    async def watchlists(self) -> WatchlistList:
        """List the watchlists, in order of name."""
        named = (await self._read()).watchlists
        return WatchlistList(watchlists=[Watchlist(name=name, symbols=symbols) for name, symbols in named.items()])

    async def put_watchlist(self, name: str, symbols: Sequence[str]) -> WatchlistList:
        """Make or replace a list. Raises `symbol_unknown`, and `request_invalid` for what is no name."""
        if not _WATCHLIST.fullmatch(name):
            raise TinoError("request_invalid", field="name", reason=f"“{name[:60]}” is no name for a watchlist")
        contents = await self._read()
        ids = list(dict.fromkeys(key for symbol in symbols for key in _get_symbols(contents, symbol)))
        at = self._now_ms()
        await self._writer.write(lambda connection: watchlists.put_watchlist(connection, name, ids, at), "watchlist")
        return await self._watchlists_changed()

    async def remove_watchlist(self, name: str) -> WatchlistList:
        """Remove a list. Raises `watchlist_unknown`."""
        if not await self._writer.write(lambda connection: watchlists.remove_watchlist(connection, name), "watchlist"):
            raise _watchlist_unknown(await self._read(), name)
        return await self._watchlists_changed()

    async def _watchlists_changed(self) -> WatchlistList:
        self._contents = None
        self.tell_change([])
        return await self.watchlists()

    def tell_change(self, bar_types: list[str]) -> None:
        """Tell everybody that shows data that some of it changed; without a bar type: something other than bars."""
        self._on_change(bar_types)

    async def recover(self) -> None:
        """Remove what imports left that were killed: whole files that nothing refers to, and parts of files.

        Nothing is touched when the database knows of no data at all: then it is more likely new than the files are old.
        """
        contents = await self._read()
        if contents.series or contents.ticks:
            await self._sweep()

    async def _store(self, result: dict[str, Any], changed: list[str], source: str) -> None:
        if changed:
            await self._push(result)
            at = self._now_ms()
            await self._writer.write(
                lambda connection: _record(connection, result, at, source), f"import from {source}"
            )
            logger.info("imported", source=source, bar_types=changed, notes=result.get("notes", []))
            await self._changed(changed)

    async def _changed(self, bar_types: list[str]) -> None:
        self._contents = None
        await self._sweep()
        self._on_change(bar_types)

    async def _sweep(self) -> None:
        """Remove files of bars that no series has, unless a run may still be reading them; the next sweep finds them again."""
        if self._in_use():
            return
        wanted = set(await self.files())
        removed = await asyncio.to_thread(_sweep, self._folder / "catalog", wanted)
        if removed:
            logger.info("leftovers_removed", files=removed)
        if self.place is not None:
            await self.place.prune(wanted)

    async def _have(self, files: Iterable[Path]) -> None:
        """Bring here what is elsewhere. Raises `catalog_remote_failed`, `disk_full`."""
        if self.place is not None:
            await self.place.have(files)

    async def _push(self, result: dict[str, Any]) -> None:
        """Bring elsewhere what is about to be recorded: what is recorded is there."""
        if self.place is not None:
            files = [self._folder / "catalog" / file for item in _stored_items(result) for file in item["files"]]
            await self.place.push(files, [item["id"] for item in result["instruments"]])

    async def _read(self) -> _Contents:
        async with self._loading:
            if self._contents is None:
                self._contents = await self._database.read(lambda connection: _load(connection, self._folder))
            return self._contents


def _stored_items(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [*result["coverage"], *result.get("ticks", ())]


def _words(ms: int) -> str:
    """Give an instant as people read it; one beyond the calendar as the calendar's end."""
    return datetime.fromtimestamp(min(max(ms // 1000, 0), _LAST_SECOND), UTC).isoformat(sep=" ")


def _range_invalid(first: str, last: str) -> TinoError:
    words: dict[str, Any] = {"from": first, "to": last}
    return TinoError("range_invalid", field="to", **words)


def _get_series(contents: _Contents, text: str, field: str) -> ResolvedSeries:
    series = contents.series.get(text)
    if series is None:
        bar_type = str(BarType.parse(text, field=field))
        raise TinoError("bar_type_unknown", field=field, barType=bar_type, near=_near(text, contents.series))
    return series


def _get_symbols(contents: _Contents, text: str) -> list[str]:
    """Give the instruments that a symbol or `@watchlist` means; those of a list that are no longer stored are passed over."""
    if not text.startswith(watchlists.SIGN):
        return [_get_symbol(contents, text)]
    symbols = contents.watchlists.get(text.removeprefix(watchlists.SIGN))
    if symbols is None:
        raise _watchlist_unknown(contents, text.removeprefix(watchlists.SIGN))
    return [symbol for symbol in symbols if symbol in contents.entries]


def _watchlist_unknown(contents: _Contents, name: str) -> TinoError:
    return TinoError("watchlist_unknown", field="symbols", name=name, near=_near(name, contents.watchlists))


def _check_action(action: CorporateAction) -> None:
    """Raise `request_invalid` for an action that no price can be adjusted for."""
    parse_day(action.ex_day, "exDay")
    if not math.isfinite(action.value) or action.value <= 0 or (action.kind == "split" and action.value == 1):
        reason = f"{action.value:g} is no {'ratio' if action.kind == 'split' else 'amount'} of a {action.kind}"
        raise TinoError("request_invalid", field="put", reason=reason)


def _get_symbol(contents: _Contents, text: str) -> str:
    if text in contents.entries:
        return text
    wanted = text.upper()
    same = [
        name for name, entry in contents.entries.items() if wanted in (name.upper(), entry.instrument.symbol.upper())
    ]
    if len(same) == 1:
        return same[0]
    near = f"; name its venue: {', '.join(same)}" if same else _near_symbol(wanted, contents.entries)
    raise TinoError("symbol_unknown", field="symbols", symbol=text, near=near)


def _near_symbol(wanted: str, entries: dict[str, SymbolEntry]) -> str:
    # Compared without the venue too: APPL is nearer to AAPL than to AAPL.XNAS.
    names = {name.upper(): name for name in entries} | {
        entry.instrument.symbol.upper(): name for name, entry in entries.items()
    }
    matches = difflib.get_close_matches(wanted, names, NEAR)
    return _similar(dict.fromkeys(names[match] for match in matches))


def _near(text: str, names: Iterable[str]) -> str:
    return _similar(difflib.get_close_matches(text, list(names), NEAR))


def _similar(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f" (similar: {listed})" if listed else ""


def _get_finest(contents: _Contents, instrument_id: str) -> ResolvedSeries:
    stored = [item.bar_type for item in contents.entries[instrument_id].coverage]
    if not stored:
        raise TinoError("bar_type_unknown", field="symbols", barType=f"of {instrument_id}", near="")
    return contents.series[min(stored, key=lambda text: (BarType.parse(text).fineness, text))]


def _load(connection: Connection, folder: Path) -> _Contents:
    instruments = {
        row.id: Instrument.model_validate(row.definition)
        for row in connection.execute(select(tables.instruments).order_by(tables.instruments.c.id))
    }
    actions: dict[str, list[CorporateAction]] = {instrument_id: [] for instrument_id in instruments}
    held = tables.corporate_actions
    for row in connection.execute(select(held).order_by(held.c.ex_day, held.c.kind.desc())):
        action = CorporateAction(ex_day=row.ex_day, kind=row.kind, value=float(row.value))
        actions[row.instrument_id].append(action)
    coverage: dict[str, list[Coverage]] = {instrument_id: [] for instrument_id in instruments}
    series: dict[str, ResolvedSeries] = {}
    for row in connection.execute(select(tables.coverage).order_by(tables.coverage.c.bar_type)):
        covered = Coverage(
            bar_type=row.bar_type,
            instrument_id=row.instrument_id,
            bars=row.bars,
            from_=row.from_at,
            to=row.to_at,
            source=row.source,
            hash=row.hash,
        )
        coverage[row.instrument_id].append(covered)
        series[row.bar_type] = ResolvedSeries(
            instrument=instruments[row.instrument_id],
            bar_type=row.bar_type,
            files=tuple(folder / "catalog" / file for file in row.files),
            actions=tuple(actions[row.instrument_id]),
            hash=row.hash,
            coverage=covered,
        )
    ticks: dict[str, list[TickCoverage]] = {instrument_id: [] for instrument_id in instruments}
    tick_files: dict[tuple[str, str], tuple[Path, ...]] = {}
    for row in connection.execute(select(tables.tick_coverage).order_by(tables.tick_coverage.c.kind)):
        tick_files[row.instrument_id, row.kind] = tuple(folder / "catalog" / file for file in row.files)
        ticks[row.instrument_id].append(
            TickCoverage(
                instrument_id=row.instrument_id,
                kind=row.kind,
                rows=row.rows,
                from_=row.from_at,
                to=row.to_at,
                source=row.source,
                hash=row.hash,
            )
        )
    entries = {
        name: SymbolEntry(instrument=instrument, coverage=coverage[name], ticks=ticks[name], actions=actions[name])
        for name, instrument in instruments.items()
    }
    return _Contents(entries, series, tick_files, watchlists.load_watchlists(connection))


def _sweep(catalog: Path, wanted: set[Path]) -> int:
    removed = 0
    for kind in ("bars", "quotes", "trades", "order_book_deltas"):
        for file in (catalog / "data" / kind).glob("*/*.parquet"):
            if file not in wanted:
                file.unlink(missing_ok=True)
                removed += 1
        for folder in (catalog / "data" / kind).glob("*/"):
            with suppress(OSError):
                folder.rmdir()  # Only an empty one can be.
    shutil.rmtree(catalog / ".incoming", ignore_errors=True)
    return removed


def _remove(connection: Connection, bar_types: list[str], at: int) -> None:
    held, ticks, spans = tables.coverage, tables.tick_coverage, tables.download_spans
    connection.execute(held.delete().where(held.c.bar_type.in_(bar_types)))
    connection.execute(tables.data_quality.delete().where(tables.data_quality.c.bar_type.in_(bar_types)))
    connection.execute(ticks.delete().where((ticks.c.instrument_id + " " + ticks.c.kind).in_(bar_types)))
    # What was downloaded of them is downloaded again when it is asked for.
    connection.execute(spans.delete().where(spans.c.series.in_(bar_types)))
    left = select(held.c.instrument_id).union(select(ticks.c.instrument_id))
    for table, column in ((tables.corporate_actions, "instrument_id"), (tables.instruments, "id")):
        connection.execute(table.delete().where(table.c[column].not_in(left)))
    append(
        connection,
        type_="data.removed",
        source="catalog",
        source_event_id=new_id("remove"),
        occurred_at=at,
        payload={"barTypes": bar_types},
    )


def _find_changed(connection: Connection, before: dict[str, ResolvedSeries], result: dict[str, Any]) -> list[str]:
    """Find the series of which something is not recorded yet as it was imported."""
    instruments = {item["id"]: Instrument.model_validate(item) for item in result["instruments"]}
    changed = []
    for item in result["coverage"]:
        series, instrument_id = before.get(item["barType"]), item["instrumentId"]
        if (
            series is None
            or series.coverage != Coverage.model_validate(item)
            or series.instrument != instruments[instrument_id]
            or _sample_actions(connection, instrument_id) != _wanted_actions(connection, instrument_id, result, _SAMPLE)
        ):
            changed.append(item["barType"])
    return changed


def _sample_actions(connection: Connection, instrument_id: str) -> dict[tuple[str, str], str]:
    held = tables.corporate_actions
    query = select(held).where(held.c.instrument_id == instrument_id, held.c.source == _SAMPLE)
    return {(row.ex_day, row.kind): row.value for row in connection.execute(query)}


def _wanted_actions(
    connection: Connection, instrument_id: str, result: dict[str, Any], source: str
) -> dict[tuple[str, str], str]:
    """Give an instrument's actions, without those that another source tells of: what somebody entered by hand stays."""
    held = tables.corporate_actions
    query = select(held).where(held.c.instrument_id == instrument_id, held.c.source != source)
    others = {(row.ex_day, row.kind) for row in connection.execute(query)}
    actions = {
        (action["exDay"], action["kind"]): f"{Decimal(repr(action['value'])):f}"
        for action in result["actions"][instrument_id]
    }
    return {key: value for key, value in actions.items() if key not in others}


def _record(connection: Connection, result: dict[str, Any], at: int, source: str) -> None:
    """Record an import: its instruments, series and actions, and that it happened."""
    for item in result["instruments"]:
        _put(connection, tables.instruments, {"id": item["id"]}, {"definition": item, "updated_at": at})
    for item in result["coverage"]:
        values = {
            "instrument_id": item["instrumentId"],
            "bars": item["bars"],
            "from_at": item["from"],
            "to_at": item["to"],
            "source": item["source"],
            "hash": item["hash"],
            "files": item["files"],
            "imported_at": at,
        }
        _put(connection, tables.coverage, {"bar_type": item["barType"]}, values)
    for item in result.get("ticks", ()):
        key = {"instrument_id": item["instrumentId"], "kind": item["kind"]}
        values = {
            "rows": item["rows"],
            "from_at": item["from"],
            "to_at": item["to"],
            "source": item["source"],
            "hash": item["hash"],
            "files": item["files"],
            "imported_at": at,
        }
        _put(connection, tables.tick_coverage, key, values)
    held = tables.corporate_actions
    for instrument_id in result.get("actions", ()):
        wanted = _wanted_actions(connection, instrument_id, result, source)
        connection.execute(held.delete().where(held.c.instrument_id == instrument_id, held.c.source == source))
        for (day, kind), value in wanted.items():
            row = {"instrument_id": instrument_id, "ex_day": day, "kind": kind, "value": value, "source": source}
            connection.execute(held.insert().values(row))
    append(
        connection,
        type_="data.imported",
        source="catalog",
        source_event_id=new_id("import"),
        occurred_at=at,
        payload={"source": source, "coverage": result["coverage"], "notes": result.get("notes", [])},
    )


def _put(connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row, or change the one with this key."""
    same = [table.c[name] == value for name, value in key.items()]
    if not connection.execute(table.update().where(*same).values(values)).rowcount:
        connection.execute(table.insert().values(**key, **values))
