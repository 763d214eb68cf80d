"""Importing files of bars, of any size. In a child process of its own: ended at any instant, it leaves nothing that counts.

Rows go from the files, a block at a time, to one spill file for each series below `.incoming`, as whole numbers. Then, series by
series, what is stored already is put before them, all is put in order of time through a memory map, of rows with equal times
the last stays, and the result becomes one file of the catalog. Memory holds one block, and of each row its time and its place in the order.

Nothing here decides that something is imported: the engine records what is reported, in one transaction. The file of a
series that was stored before stays until then.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tino_engine.contracts import ImportPreview, Instrument
from tino_engine.data.files import find_files
from tino_engine.data.instruments import base_currency, increment, write_instrument
from tino_engine.data.layout import (
    guess_layout,
    instrument_id,
    read_sample,
    symbol_of_name,
)
from tino_engine.data.problems import Problems
from tino_engine.data.rows import VALUES, digits, read_tables, to_rows
from tino_engine.data.store import (
    INCOMING,
    Bars,
    BarTable,
    write_bars,
    writing,
)
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tino_engine.contracts import ImportChoices, ImportLayout, ImportRequest
    from tino_engine.data.files import SourceFile
    from tino_engine.data.layout import Sample
    from tino_engine.data.rows import Rows
    from tino_engine.data.series import Series

SHOWN_BARS = 50
SHOWN_VALUES = 8
SHOWN_FILES = 100
LOOKED_AT = 20
"""Files whose beginnings tell how many decimals there are."""

_WIDTH = 7
"""Numbers of a spilled row: time, five values, and its place: -1 - n for one stored before, else its line."""
_PIECE = 262_144
_TELL_SECONDS = 0.1

type Tell = Callable[[dict[str, Any]], None]


def preview(request: ImportRequest, known: Mapping[str, Instrument]) -> ImportPreview:
    """Read the beginning of the first file as an import would. Raises what `guess_layout` and reading raise."""
    files = find_files(request.paths)
    layout, sample = _look(files, request.choices, known)
    problems = Problems(stop=False)
    naming = _Naming(layout, known, venue_given=request.choices.venue is not None)
    table = next(read_tables(files[0], layout, problems, lambda _: None), None)
    if table is None:
        raise TinoError("import_no_rows", path=files[0].name, reason="")
    rows = to_rows(table, files[0], layout, problems)
    bars: list[dict[str, Any]] = []
    ids: dict[str, None] = {}
    for name, part in naming.split(rows, files[0]):
        ids[name] = None
        for row in range(min(len(part.ts), SHOWN_BARS - len(bars))):
            values = {
                role: f"{int(part.values[role][row]) / 10 ** digits(layout, role):.{digits(layout, role)}f}"
                for role in VALUES
            }
            bars.append({"symbol": name, "ts": int(part.ts[row]) // 1_000_000, **values})
    return ImportPreview.model_validate(
        {
            "layout": layout.model_dump(mode="json"),
            "files": [{"path": file.name, "bytes": file.bytes} for file in files[:SHOWN_FILES]],
            "fileCount": len(files),
            "columns": sample.first(SHOWN_VALUES),
            "bars": bars,
            "barTypes": [_bar_type(name, layout) for name in ids],
            "problems": problems.to_list(),
            "rowsRead": len(table.lines),
        }
    )


def import_files(
    catalog: Path, request: ImportRequest, known: Mapping[str, Instrument], stored: Mapping[str, Series], tell: Tell
) -> dict[str, Any]:
    """Import files of bars into the catalog: `{instruments, coverage, series, problems}`, each coverage with its files.

    `known` are the stored instruments by id, `stored` the series by bar type; `tell` hears an `ImportProgress` now and then.
    Raises errors of the catalogue; whatever was written by then is in nobody's way.
    """
    files = find_files(request.paths)
    layout, _ = _look(files, request.choices, known)
    problems = Problems(stop=request.bad_rows == "stop")
    folder = catalog / INCOMING / uuid.uuid4().hex
    with writing(folder):
        folder.mkdir(parents=True)
        try:
            job = _Job(catalog, folder, layout, request, known, stored, problems, tell)
            job.read(files)
            return job.store()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _look(
    files: Sequence[SourceFile], choices: ImportChoices, known: Mapping[str, Instrument]
) -> tuple[ImportLayout, Sample]:
    sample = read_sample(files[0], choices)
    others = [read_sample(file, choices) for file in files[1:LOOKED_AT] if file.is_parquet == files[0].is_parquet]
    more = [other for other in others if other.names == sample.names]
    return guess_layout(files[0], sample, choices, known, more), sample


def _bar_type(name: str, layout: ImportLayout) -> str:
    return f"{name}-{layout.step}-LAST-EXTERNAL"


@dataclass(frozen=True, slots=True)
class _Naming:
    """Which instrument each row belongs to."""

    layout: ImportLayout
    known: Mapping[str, Instrument]
    venue_given: bool

    def split(self, rows: Rows, file: SourceFile) -> Iterator[tuple[str, Rows]]:
        """Give the rows of each instrument."""
        name = self.layout.symbol or (symbol_of_name(file) if rows.symbols is None else None)
        if name is not None:
            yield self.id(name), rows
            return
        if rows.symbols is None:
            raise TinoError("import_symbol_unknown", field="choices.symbol", path=file.name)
        coded = rows.symbols.dictionary_encode()
        indices = coded.indices.to_numpy(zero_copy_only=False)
        for code, symbol in enumerate(coded.dictionary.to_pylist()):
            chosen = indices == code
            values = {role: column[chosen] for role, column in rows.values.items()}
            yield self.id(symbol), type(rows)(rows.ts[chosen], values, rows.lines[chosen], None, rows.text)

    def id(self, symbol: str) -> str:
        found = instrument_id(symbol, self.layout, self.known, venue_given=self.venue_given)
        if len(found) > 100 or any(sign in found for sign in "/\\\0 \n") or found.startswith("."):
            raise TinoError("instrument_invalid", instrument=found)
        return found


@dataclass(slots=True)
class _Spilled:
    """Rows of one series on their way. `last` is the time of the latest row that came, `rising` whether all came in order."""

    path: Path
    rows: int = 0
    last: int = -1
    rising: bool = True

    def append(self, rows: np.ndarray) -> None:
        with self.path.open("ab") as file:
            rows.astype("<i8", copy=False).tofile(file)
        times = rows[:, 0]
        self.rising = self.rising and int(times[0]) > self.last and bool((np.diff(times) > 0).all())
        self.last = max(self.last, int(times.max()))
        self.rows += len(rows)

    def map(self) -> np.ndarray:
        return np.memmap(self.path, "<i8", "r", shape=(self.rows, _WIDTH))


@dataclass(slots=True)
class _Job:
    catalog: Path
    folder: Path
    layout: ImportLayout
    request: ImportRequest
    known: Mapping[str, Instrument]
    stored: Mapping[str, Series]
    problems: Problems
    tell: Tell
    _spilled: dict[str, _Spilled] = field(default_factory=dict)
    _instruments: dict[str, Instrument] = field(default_factory=dict)
    _progress: dict[str, Any] = field(
        default_factory=lambda: {"phase": "reading", "file": None, "bytesDone": 0, "bytesTotal": 0, "rows": 0}
    )
    _last: dict[str, int] = field(default_factory=dict)
    """Latest time of each instrument in the present file."""
    _told: float = 0.0

    def read(self, files: Sequence[SourceFile]) -> None:
        """Bring the rows of all files into the spill files of their series."""
        naming = _Naming(self.layout, self.known, venue_given=self.request.choices.venue is not None)
        before, self._progress["bytesTotal"] = 0, sum(file.bytes for file in files)
        for file in files:
            layout = self.layout.model_copy(update={"format": "parquet" if file.is_parquet else "csv"})
            self._say(file=file.name)
            self._last.clear()  # Files may come in any order.
            for table in read_tables(
                file, layout, self.problems, lambda done, before=before: self._say(bytesDone=before + done)
            ):
                rows = to_rows(table, file, layout, self.problems)
                for name, part in naming.split(rows, file):
                    self._take(name, part, file)
                self._say(rows=self._progress["rows"] + len(table.lines))
            before += file.bytes
            self._say(bytesDone=before)
        if not self._spilled:
            found = ", ".join(dict.fromkeys(f"{item['what']} ({item['count']:,})" for item in self.problems.to_list()))
            raise TinoError("import_no_rows", path=files[0].name, reason=f": {found}" if found else "")

    def _take(self, name: str, rows: Rows, file: SourceFile) -> None:
        if not len(rows.ts):
            return
        spilled = self._spilled.get(name)
        if spilled is None:
            self._instruments[name] = self._instrument(name)
            spilled = self._spilled[name] = _Spilled(self.folder / f"{len(self._spilled)}.rows")
            self._put_stored(name, spilled)
        instrument = self._instruments[name]
        highest = np.maximum.accumulate(np.concatenate([[self._last.get(name, -1)], rows.ts]))
        self._last[name] = int(highest[-1])
        self.problems.add("unsorted", file.name, rows.lines[rows.ts < highest[:-1]], rows.text)
        columns = [
            rows.ts,
            *(rows.values[role] * 10 ** (digits(instrument, role) - digits(self.layout, role)) for role in VALUES),
            rows.lines,
        ]
        spilled.append(np.stack(columns, axis=1))
        self._report_repeated(rows, file)

    def _report_repeated(self, rows: Rows, file: SourceFile) -> None:
        """Report rows of one block with equal times; those of different files are a merge, not a fault."""
        if not len(rows.ts) or (np.diff(rows.ts) > 0).all():
            return
        order = np.argsort(rows.ts, kind="stable")
        same = np.flatnonzero(np.diff(rows.ts[order]) == 0)
        one, other = order[same], order[same + 1]
        alike = np.logical_and.reduce([rows.values[role][one] == rows.values[role][other] for role in VALUES])
        self.problems.add("repeated", file.name, np.sort(rows.lines[other[alike]]), rows.text)
        self.problems.add("conflict", file.name, np.sort(rows.lines[one[~alike]]), rows.text)

    def _put_stored(self, name: str, spilled: _Spilled) -> None:
        """Put what is stored before the new rows, unless it is to be replaced."""
        series = self.stored.get(_bar_type(name, self.layout))
        if series is None or self.request.mode == "replace":
            return
        table = BarTable.open(series.files, series.bar_type)
        instrument = self._instruments[name]
        for start in range(0, table.rows, _PIECE):
            bars = table.read(start, min(start + _PIECE, table.rows))
            values = (bars.column(role) * 10 ** (digits(instrument, role) - bars.precision(role)) for role in VALUES)
            columns = [bars.ts, *values, np.full(len(bars), -1)]
            spilled.append(np.stack(columns, axis=1))

    def _instrument(self, name: str) -> Instrument:
        layout, old = self.layout, self.known.get(name)
        symbol, _, venue = name.rpartition(".")
        if old is None:
            made = Instrument(
                id=name,
                symbol=symbol,
                venue=venue,
                asset_class=layout.asset_class,
                name=None,
                currency=layout.currency,
                price_precision=layout.price_precision,
                price_increment=increment(layout.price_precision),
                size_precision=layout.size_precision,
                lot_size="1" if layout.asset_class == "equity" else increment(layout.size_precision),
                multiplier="1",
                time_zone=layout.zone,
                periods_per_year=365 if layout.asset_class == "crypto" else 252,
            )
            if layout.asset_class != "equity":
                try:
                    base_currency(made)
                except ValueError as error:
                    raise TinoError("import_layout_invalid", field="choices.currency", reason=str(error)) from error
            return made
        if old.asset_class != layout.asset_class:
            raise TinoError("import_class_other", instrument=name, stored=old.asset_class, wanted=layout.asset_class)
        if layout.price_precision <= old.price_precision and layout.size_precision <= old.size_precision:
            return old
        others = [
            key
            for key, series in self.stored.items()
            if series.instrument.id == name and key != _bar_type(name, layout)
        ]
        if others:
            wanted = max(layout.price_precision, layout.size_precision)
            raise TinoError("import_precision", instrument=name, stored=old.price_precision, wanted=wanted)
        price = max(layout.price_precision, old.price_precision)
        size = max(layout.size_precision, old.size_precision)
        change = {"price_precision": price, "price_increment": increment(price), "size_precision": size}
        return old.model_copy(update=change)

    def store(self) -> dict[str, Any]:
        """Put each series in order and into the catalog, and say what became of it."""
        coverage, series = [], []
        for name, spilled in self._spilled.items():
            bar_type = _bar_type(name, self.layout)
            self._say(phase="sorting", file=bar_type, force=True)
            bars, added, replaced = self._put_in_order(spilled, self._instruments[name])
            self._say(phase="writing", force=True)
            try:
                stored = write_bars(self.catalog, bar_type, self._instruments[name], bars)
            except ValueError as error:
                raise TinoError("import_no_rows", path=bar_type, reason=f": {error}") from error
            write_instrument(self.catalog, self._instruments[name])
            spilled.path.unlink()
            old = self.stored.get(bar_type)
            same = old is not None and old.hash == stored.hash and old.instrument == self._instruments[name]
            item = {
                "barType": bar_type,
                "from": stored.first // 1_000_000,
                "to": stored.last // 1_000_000,
                "bars": stored.rows,
            }
            outcome = "new" if old is None else "unchanged" if same else "changed"
            series.append({**item, "outcome": outcome, "added": added, "replaced": replaced})
            source = ", ".join(dict.fromkeys(path.rpartition("/")[2] for path in self.request.paths))
            coverage.append(
                {**item, "instrumentId": name, "source": source[:200], "hash": stored.hash, "files": [stored.file]}
            )
        instruments = [instrument.model_dump(mode="json") for instrument in self._instruments.values()]
        return {"instruments": instruments, "coverage": coverage, "series": series, "problems": self.problems.to_list()}

    def _put_in_order(self, spilled: _Spilled, instrument: Instrument) -> tuple[Bars, int, int]:
        """Give the bars in order, each time once, and how many were added and how many replace others."""
        rows = spilled.map()
        order: np.ndarray | None = None
        added, replaced = spilled.rows, 0
        if not spilled.rising:
            times = np.ascontiguousarray(rows[:, 0])
            order = np.argsort(times, kind="stable")
            last = np.append(np.diff(times[order]) > 0, True)
            added, replaced = _count(rows, order, last)
            order = order[last]
        elif spilled.rows and rows[0, _WIDTH - 1] < 0:
            # In order, so nothing was replaced, and what was stored stands before what is new.
            added = spilled.rows - int(np.searchsorted(np.ascontiguousarray(rows[:, _WIDTH - 1]), 0))
        count = spilled.rows if order is None else len(order)
        columns = [_create(spilled.path.with_suffix(f".{place}"), count) for place in range(_WIDTH - 1)]
        for start in range(0, count, _PIECE):
            part = rows[start : start + _PIECE] if order is None else rows[order[start : start + _PIECE]]
            for place, column in enumerate(columns):
                column[start : start + len(part)] = part[:, place]
            self._say()
        ts, open_, high, low, close, volume = columns
        digits = instrument.price_precision, instrument.size_precision
        return Bars(ts, open_, high, low, close, volume, *digits), added, replaced

    def _say(self, *, force: bool = False, **change: Any) -> None:
        self._progress |= change
        now = time.monotonic()
        if force or now - self._told >= _TELL_SECONDS:
            self._told = now
            self.tell(dict(self._progress))


def _create(path: Path, count: int) -> np.ndarray:
    """Map a new file of int64. Its space is taken at once: on a disk that fills up later the map itself would end the process."""
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, count * 8)
        else:
            file.truncate(count * 8)
    return np.memmap(path, np.int64, "r+", shape=count)


def _count(rows: np.ndarray, order: np.ndarray, last: np.ndarray) -> tuple[int, int]:
    """Count times that only new rows have, and stored rows that a new one with other values takes the place of."""
    group = np.cumsum(np.append(True, last[:-1])) - 1
    was_stored = np.zeros(int(group[-1]) + 1, bool)
    old = rows[:, _WIDTH - 1][order] < 0
    was_stored[group[old]] = True
    winners = np.flatnonzero(last)
    fresh = ~old[winners]
    added = int((fresh & ~was_stored).sum())
    contested = winners[fresh & was_stored]
    if not len(contested):
        return added, 0
    # The stored row of a time is the first of its group: rows with equal times keep the order in which they came.
    firsts = np.searchsorted(group, group[contested])
    differs = (rows[order[contested], 1:6] != rows[order[firsts], 1:6]).any(axis=1)
    return added, int(differs.sum())
