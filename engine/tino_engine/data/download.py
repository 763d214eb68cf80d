"""Downloading, as the child process does it: parts of time into files of their own, then into the catalog.

    <data>/downloads/<provider>/<series>/<first day>_<last day>.parquet

A part is a few days, cut at the same days whatever was asked for, so that a download that is started again finds what an earlier one
had fetched. Its file appears whole or not at all. When the parts of a series are here they are stored as an import of files is, and
removed once the engine has recorded it; the engine keeps which days it has, so that they are not asked for twice.
"""

# pyright: reportAttributeAccessIssue=false
# The functions of pyarrow.compute are made when it is imported; no stub knows them.

from __future__ import annotations

import hashlib
import re
import shutil
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tino_engine.contracts import ImportRequest, Instrument
from tino_engine.data import bar_import
from tino_engine.data.bar_type import seconds_of
from tino_engine.data.instruments import increment, write_instrument
from tino_engine.data.providers import BARS, Span
from tino_engine.data.store import SCALE, TIME, int64_of, sync_folder, writing
from tino_engine.data.ticks import SCHEMAS, check_ticks, series_name, write_ticks
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tino_engine.data.providers import DataKind, Provider
    from tino_engine.data.series import Series

_DAY = timedelta(days=1)
_DAY_NS = 86_400 * 10**9
_ORIGIN = date(1970, 1, 1)
_DAY_SECONDS = 86_400
_LOCAL = pa.timestamp("ns")
_STOCK_CLOSE = 16
_MOST_PATHS = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One series that is downloaded: what of which instrument."""

    symbol: str
    kind: DataKind
    step: str
    instrument: Instrument

    @property
    def name(self) -> str:
        """Name of the series: a bar type, or `INSTRUMENT kind`."""
        if self.kind == "bars":
            return f"{self.instrument.id}-{self.step}-LAST-EXTERNAL"
        return series_name(self.kind, self.instrument.id)

    @property
    def daily(self) -> bool:
        """Whether a bar is a day or more, so that its day counts and not its hour."""
        return self.kind == "bars" and seconds_of(self.step) >= _DAY_SECONDS


def staging_of(data: Path, provider: str, wanted: Wanted) -> Path:
    """Give the folder in which the parts of a series wait."""
    digest = hashlib.sha256(f"{wanted.symbol}\n{wanted.name}".encode()).hexdigest()[:12]
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", wanted.name)[:80]
    return data / "downloads" / provider / f"{plain}-{digest}"


def divide(spans: Sequence[Span], days: int) -> list[Span]:
    """Cut spans at the same days whatever they begin with."""
    parts: list[Span] = []
    for span in spans:
        first = span.from_day
        while first <= span.to_day:
            number = (first - _ORIGIN).days // days
            last = min(_ORIGIN + timedelta(days=(number + 1) * days - 1), span.to_day)
            parts.append(Span(first, last))
            first = last + _DAY
    return parts


def fetch_parts(
    provider: Provider,
    wanted: Wanted,
    spans: Sequence[Span],
    staging: Path,
    tell: Callable[[dict[str, Any]], None],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Fetch what is not there yet; give how many rows the parts of these spans hold. Raises what the provider does, and `disk_full`."""
    parts = divide(spans, provider.days_a_part(wanted.kind, wanted.step))
    kept, rows = 0, 0
    with writing(staging):
        staging.mkdir(parents=True, exist_ok=True)
        for leftover in staging.glob("*.part"):
            leftover.unlink()
    for done, part in enumerate(parts, 1):
        target = staging / f"{part.from_day}_{part.to_day}.parquet"
        if _was_over(target, part) and (held := _rows_of(target)) is not None:
            kept, rows = kept + 1, rows + held
        else:
            rows += _fetch_part(provider, wanted, part, target, now())
        tell({"partsDone": done, "partsTotal": len(parts), "partsKept": kept, "rows": rows})
    return rows


def _was_over(file: Path, part: Span) -> bool:
    """Tell whether a part is here, and was fetched when its last day was over everywhere: before that there was more to come."""
    if not file.exists():
        return False
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).date() > part.to_day + _DAY


def _rows_of(file: Path) -> int | None:
    try:
        return pq.read_metadata(file).num_rows
    except (OSError, pa.ArrowException):
        return None  # Damaged: fetched again.


def _fetch_part(provider: Provider, wanted: Wanted, part: Span, target: Path, now: datetime) -> int:
    schema = SCHEMAS[wanted.kind] if wanted.kind != "bars" else _staged_bars(wanted)
    temporary = target.with_suffix(f".{uuid.uuid4().hex[:8]}.part")
    rows = 0
    with writing(target):
        with temporary.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in provider.fetch(wanted.symbol, wanted.kind, wanted.step, part):
                inside = _inside(wanted, table, part, now)
                rows += inside.num_rows
                if inside.num_rows:
                    writer.write_table(inside)
        temporary.replace(target)
        sync_folder(target.parent)
    return rows


def _staged_bars(wanted: Wanted) -> pa.Schema:
    """Give the columns of a staged part: the days of bars that are longer stand as local days, which no zone moves."""
    return BARS.set(0, pa.field("time", _LOCAL if wanted.daily else TIME, nullable=False))


def _inside(wanted: Wanted, table: pa.Table, part: Span, now: datetime) -> pa.Table:
    """Leave out what does not belong to the part, and bars that are not over yet."""
    start, end = int(part.start.timestamp()) * 10**9, int(part.end.timestamp()) * 10**9
    if wanted.kind != "bars":
        table = table.select(SCHEMAS[wanted.kind].names).cast(SCHEMAS[wanted.kind])
        times = int64_of(table["ts_init"])
        return table.filter(pa.array((times >= start) & (times < end)))
    table = table.select(BARS.names).cast(BARS)
    times = int64_of(table["time"])
    table = table.filter(pa.array((times >= start) & (times < end)))
    times = int64_of(table["time"])
    if not wanted.daily:
        over = times + int(seconds_of(wanted.step) * 10**9) <= int(now.timestamp() * 10**9)
        return table.filter(pa.array(over))
    last_days = np.array([_last_day(int(number), wanted.step) for number in times // _DAY_NS], np.int64)
    limit = (_last_closed(wanted.instrument, now) - _ORIGIN).days
    noon = pa.array(last_days * _DAY_NS + _DAY_NS // 2, pa.int64()).view(_LOCAL)
    table = pa.table([noon, *table.columns[1:]], schema=_staged_bars(wanted))
    return table.filter(pa.array(last_days <= limit))


def _last_day(number: int, step: str) -> int:
    """Give the last day of the bar that begins on a day, both counted from 1970."""
    count, _, unit = step.partition("-")
    if unit == "MONTH":
        day = _ORIGIN + timedelta(days=number)
        months = day.year * 12 + day.month - 1 + int(count)
        return (date(months // 12, months % 12 + 1, 1) - _DAY - _ORIGIN).days
    return number + int(count) * (7 if unit == "WEEK" else 1) - 1


def _last_closed(instrument: Instrument, now: datetime) -> date:
    """Give the last day whose trading is over."""
    local = now.astimezone(ZoneInfo(instrument.time_zone))
    over = instrument.asset_class not in ("crypto", "fx") and local.hour >= _STOCK_CLOSE
    return local.date() if over else local.date() - _DAY


def store(
    data: Path,
    provider: Provider,
    wanted: Wanted,
    staging: Path,
    spans: Sequence[Span],
    known: Mapping[str, Instrument],
    stored: Mapping[str, Series],
    ticks: Sequence[Path],
    others: bool,
    tell: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Bring the parts into the catalog: `{instruments, coverage, ticks, actions, changed, notes, rows, from, to, outcome}`.

    `known` and `stored` are the catalog's instruments and series of bars, `ticks` the files of this series of ticks; with `others` the instrument
    has other series, whose decimals stay. The parts stay until `forget_parts`. Raises `provider_data_invalid`, `disk_full`, and what an import of bars does.
    """
    catalog = data / "catalog"
    if wanted.kind == "bars":
        result = _store_bars(catalog, wanted, staging, known, stored, others=others, tell=tell)
    else:
        result = _store_ticks(catalog, provider, wanted, staging, spans, known, ticks, others=others)
    title = provider.capabilities.title
    for item in (*result["coverage"], *result["ticks"]):
        item["source"] = title
    if provider.capabilities.actions:
        actions = provider.actions(wanted.symbol)
        result["actions"] = {wanted.instrument.id: [action.model_dump(mode="json") for action in actions]}
    return result


def forget_parts(staging: Path) -> None:
    """Remove the parts of a series that is recorded."""
    shutil.rmtree(staging, ignore_errors=True)


def _store_bars(
    catalog: Path,
    wanted: Wanted,
    staging: Path,
    known: Mapping[str, Instrument],
    stored: Mapping[str, Series],
    *,
    others: bool,
    tell: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    instrument = _merged(wanted.instrument, known, fixed=others)
    files = []
    for file in sorted(staging.glob("*.parquet")):
        if _rows_of(file):
            files.append(str(file))
        else:
            file.unlink()  # It said that there is nothing; an import would look for rows in it.
    request = ImportRequest.model_validate(
        {
            "paths": files if len(files) <= _MOST_PATHS else [str(staging)],
            "choices": {
                "time": "time",
                **{name: name for name in ("open", "high", "low", "close", "volume")},
                "zone": instrument.time_zone,
                "stamp": "open",
                "dayClose": "24:00" if instrument.asset_class in ("crypto", "fx") else "16:00",
                "step": wanted.step,
                "symbol": instrument.id,
                "venue": instrument.venue,
                "pricePrecision": min(instrument.price_precision, 12),
                "sizePrecision": min(instrument.size_precision, 12),
            },
        }
    )
    result = bar_import.import_files(catalog, request, {**known, instrument.id: instrument}, stored, tell)
    series = result["series"][0]
    notes = [
        f"{item['count']:,} rows with {item['what']}: {item['done']}" for item in _merged_problems(result["problems"])
    ]
    return {
        "instruments": result["instruments"],
        "coverage": result["coverage"],
        "ticks": [],
        "changed": [series["barType"]] if series["outcome"] != "unchanged" else [],
        "notes": notes,
        "rows": series["bars"],
        "from": series["from"],
        "to": series["to"],
        "outcome": series["outcome"],
    }


def _merged_problems(problems: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Add up problems of all parts by their kind: the parts are nobody's files."""
    found: dict[str, dict[str, Any]] = {}
    for item in problems:
        entry = found.setdefault(item["kind"], {**item, "count": 0})
        entry["count"] += item["count"]
    yield from found.values()


def _merged(new: Instrument, known: Mapping[str, Instrument], *, fixed: bool) -> Instrument:
    """Give the instrument that is to be stored: the stored one where something else that is stored has its decimals."""
    old = known.get(new.id)
    if old is None:
        return new
    if fixed:
        return old
    price, size = max(old.price_precision, new.price_precision), max(old.size_precision, new.size_precision)
    return new.model_copy(
        update={"price_precision": price, "price_increment": increment(price), "size_precision": size}
    )


def _store_ticks(
    catalog: Path,
    provider: Provider,
    wanted: Wanted,
    staging: Path,
    spans: Sequence[Span],
    known: Mapping[str, Instrument],
    files: Sequence[Path],
    *,
    others: bool,
) -> dict[str, Any]:
    parts = divide(spans, provider.days_a_part(wanted.kind, wanted.step))

    def read(part: Span) -> pa.Table:
        return pq.read_table(staging / f"{part.from_day}_{part.to_day}.parquet")

    fixed = others or bool(files)
    instrument = _merged(wanted.instrument, known, fixed=fixed)
    if not fixed or wanted.instrument.id not in known:
        instrument = _widened(instrument, (read(part) for part in parts))
    left_out: dict[str, int] = {}
    before = [str(path.relative_to(catalog).as_posix()) for path in files]
    present, result = list(files), None
    for part in parts:
        try:
            checked = check_ticks(wanted.kind, read(part), instrument)
        except ValueError as error:
            raise TinoError(
                "provider_data_invalid", provider=provider.capabilities.name, symbol=wanted.symbol, reason=str(error)
            ) from error
        for words, count in checked.left_out.items():
            left_out[words] = left_out.get(words, 0) + count
        if not checked.table.num_rows and not present:
            continue
        start, end = int(part.start.timestamp()) * 10**9, int(part.end.timestamp()) * 10**9 - 1
        result = write_ticks(catalog, wanted.kind, instrument, present, checked.table, start, end)
        present = [catalog / file for file in result.files]
    assert result is not None, "without rows nothing is stored"
    write_instrument(catalog, instrument)
    same = list(result.files) == before and known.get(instrument.id) == instrument
    item = {
        "instrumentId": instrument.id,
        "kind": wanted.kind,
        "rows": result.rows,
        "from": result.first // 1_000_000,
        "to": result.last // 1_000_000,
        "hash": result.hash,
        "files": list(result.files),
    }
    return {
        "instruments": [instrument.model_dump(mode="json")],
        "coverage": [],
        "ticks": [item],
        "changed": [] if same else [wanted.name],
        "notes": [f"{count:,} rows {words}: left out" for words, count in left_out.items()],
        "rows": result.rows,
        "from": item["from"],
        "to": item["to"],
        "outcome": "unchanged" if same else "changed" if files else "new",
    }


def _widened(instrument: Instrument, tables: Iterable[pa.Table]) -> Instrument:
    """Give an instrument with as many decimals as its ticks really have: not every source says how many there are."""
    digits = {"price": instrument.price_precision, "size": instrument.size_precision}
    for table in tables:
        for field in table.schema:
            role = "price" if "price" in field.name else "size" if "size" in field.name else None
            if role is not None:
                digits[role] = max(digits[role], _decimals(table[field.name]))
    return instrument.model_copy(
        update={
            "price_precision": digits["price"],
            "price_increment": increment(digits["price"]),
            "size_precision": digits["size"],
            "lot_size": increment(digits["size"])
            if instrument.size_precision != digits["size"]
            else instrument.lot_size,
        }
    )


def _decimals(column: pa.ChunkedArray) -> int:
    """Give how many decimals the values need."""
    for places in range(SCALE + 1):
        if pc.all(pc.equal(pc.round(column, ndigits=places), column)).as_py() in (True, None):
            return places
    return SCALE


class Progress:
    """Tells how far a download is, ten times a second at most."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._told = 0.0

    def say(self, change: dict[str, Any]) -> None:
        """Tell, unless that was just done; the last word of a series always."""
        now = self._clock()
        if now - self._told >= 0.1 or change.get("partsDone") == change.get("partsTotal"):
            self._told = now
            self._tell(change)
