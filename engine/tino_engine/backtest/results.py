"""Reading a run's result: which bytes of which file answer a question.

The worker leaves every table as an Arrow IPC stream and, in `manifest.json`, where each record batch lies and which time
it covers. A stream is a schema, batches and an end mark, so any range of batches between them is a valid stream again:
the engine cuts files and never decodes them, which keeps Arrow out of its process.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tino_engine.contracts import BacktestResult, SeriesInfo
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import SeriesQuery

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
RESULT = "result.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Level:
    """One file: a series at one level of detail."""

    file: str
    rows: int
    schema_bytes: int
    batches: tuple[dict[str, Any], ...]

    def within(self, start: int | None, end: int | None) -> list[dict[str, Any]]:
        """Give the batches that touch the range; times in milliseconds."""
        return [
            batch
            for batch in self.batches
            if (start is None or batch["to"] is None or batch["to"] >= start)
            and (end is None or batch["from"] is None or batch["from"] <= end)
        ]


@lru_cache(maxsize=64)
def _manifest(folder: Path) -> dict[str, tuple[SeriesInfo, list[Level]]]:
    content = json.loads((folder / MANIFEST).read_bytes())
    return {
        entry["info"]["id"]: (
            SeriesInfo.model_validate(entry["info"]),
            [
                Level(level["file"], level["rows"], level["schemaBytes"], tuple(level["batches"]))
                for level in entry["levels"]
            ],
        )
        for entry in content["series"]
    }


def read_result(folder: Path, run_id: str) -> BacktestResult:
    """Read what the run left; raise `result_unreadable` when it is gone or damaged."""
    try:
        return BacktestResult.model_validate_json((folder / RESULT).read_bytes())
    except (OSError, ValidationError) as error:
        raise TinoError("result_unreadable", id=run_id, reason=_reason(error)) from error


def level_files(folder: Path) -> list[tuple[str, Path]]:
    """Give name and finest file of each table. Raises OSError, ValueError, KeyError."""
    return [(name, folder / levels[0].file) for name, (_, levels) in _manifest(folder).items()]


def share(source: Path, target: Path) -> None:
    """Make a folder with the same result: by links, as nothing in it is ever written again, or by copying where there are none.

    Raises OSError, ValueError or KeyError when the result is not whole, and leaves the target to be removed.
    """
    BacktestResult.model_validate_json((source / RESULT).read_bytes())
    for _, levels in _manifest(source).values():
        for level in levels:
            wanted = max((batch["offset"] + batch["length"] for batch in level.batches), default=level.schema_bytes)
            if (source / level.file).stat().st_size != wanted + len(END_OF_STREAM):
                raise ValueError(level.file)
    target.mkdir(mode=0o700)
    for file in source.iterdir():
        try:
            os.link(file, target / file.name)
        except OSError:
            shutil.copyfile(file, target / file.name)


def read_series(folder: Path, run_id: str, series: str, query: SeriesQuery) -> bytes:
    """Give one table, or the part of it that was asked for, as an Arrow IPC stream.

    With `points`, the finest level with at most that many rows in the range is taken, or the coarsest there is. Whole
    batches are sent, so the reply may reach a little beyond the range. Raises `series_not_found`, `result_unreadable`.
    """
    try:
        manifest = _manifest(folder)
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise TinoError("result_unreadable", id=run_id, reason=_reason(error)) from error
    if series not in manifest:
        raise TinoError("series_not_found", id=run_id, series=series, available=", ".join(manifest))
    _info, levels = manifest[series]
    level, batches = _choose(levels, query)
    try:
        with (folder / level.file).open("rb") as file:
            parts = [file.read(level.schema_bytes)]
            # Neighbouring batches lie next to each other: one read for all of them.
            if batches:
                first, last = batches[0], batches[-1]
                file.seek(first["offset"])
                parts.append(file.read(last["offset"] + last["length"] - first["offset"]))
    except OSError as error:
        raise TinoError("result_unreadable", id=run_id, reason=_reason(error)) from error
    return b"".join([*parts, END_OF_STREAM])


def _choose(levels: list[Level], query: SeriesQuery) -> tuple[Level, list[dict[str, Any]]]:
    if query.level is not None:
        level = levels[min(query.level, len(levels) - 1)]
        return level, level.within(query.from_, query.to)
    for level in levels:
        batches = level.within(query.from_, query.to)
        if query.points is None or _rows_within(batches, query.from_, query.to) <= query.points:
            return level, batches
    return levels[-1], levels[-1].within(query.from_, query.to)


def _rows_within(batches: list[dict[str, Any]], start: int | None, end: int | None) -> float:
    """Estimate the rows inside the range: a batch that reaches beyond it counts in part."""
    total = 0.0
    for batch in batches:
        span = (batch["to"] or 0) - (batch["from"] or 0)
        low = max(start, batch["from"]) if start is not None and batch["from"] is not None else batch["from"]
        high = min(end, batch["to"]) if end is not None and batch["to"] is not None else batch["to"]
        share = (high - low) / span if span > 0 and low is not None and high is not None else 1.0
        total += batch["rows"] * min(1.0, max(0.0, share))
    return total


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "a file is missing"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "a file is damaged"
