"""Files that a strategy reads while its data are cut: their rows after the cut are withheld, as those of the bars are.

A strategy can look ahead where no harness reaches: it opens a file of prices and computes with all of it. So while a point of a
look-ahead check runs, `open` is watched. A text table (CSV and its like) that is read, by the user's code or by a library on its
behalf, is given without the rows whose time lies after the cut. Everything else that is read and is no code is told: what cannot
be cut cannot be vouched for. A row's time is the first of its cells that reads as a day or an instant; a table whose last row has none
counts as not cut. What a library opens without Python, as pyarrow does, is not seen at all.
"""

from __future__ import annotations

import builtins
import csv
import io
import os
import re
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TABLES = (".csv", ".tsv", ".txt")
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".zip", ".pth")
_FOREIGN = ("site-packages", "dist-packages", "zoneinfo", "tzdata")
_LONGEST = 64 * 1024 * 1024
_DIGITS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}
"""By the number of digits, how many a second an instant counts."""
_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")


class Withheld:
    """What was read: by path, whether it was cut, and if not, why."""

    def __init__(self, until_ns: int | None, system: Sequence[str]) -> None:
        """`until_ns` is the cut, nanoseconds; None only watches. What lies below `system` folders is no data of the user's."""
        self.files: dict[str, str | None] = {}
        self._until = None if until_ns is None else until_ns / 1e9
        self._system = [str(Path(folder).resolve()) for folder in system]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Stand in for `open` and `io.open` meanwhile."""
        kept = builtins.open, io.open

        def instead(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            text = self._cut(file, mode)
            if text is None:
                return kept[0](file, mode, *arguments, **keywords)
            if "b" in mode:
                return io.BytesIO(text)
            encoding = keywords.get("encoding") or (arguments[1] if len(arguments) > 1 else None) or "utf-8"
            newline = keywords.get("newline", arguments[3] if len(arguments) > 3 else None)
            return io.TextIOWrapper(io.BytesIO(text), encoding=encoding, newline=newline)

        builtins.open = io.open = instead  # type: ignore[assignment]
        try:
            yield
        finally:
            builtins.open, io.open = kept

    def _cut(self, file: Any, mode: str) -> bytes | None:
        """Give what of a file may be read; None where it is read as it is."""
        if isinstance(file, int) or any(sign in mode for sign in "wxa+"):
            return None
        try:
            path = Path(os.fsdecode(file)).resolve()
        except (TypeError, ValueError):
            return None
        name = str(path)
        if (
            path.suffix in _CODE
            or any(part in _FOREIGN for part in path.parts)
            or any(name.startswith(folder + os.sep) for folder in self._system)
            or not path.is_file()
        ):
            return None
        if path.suffix.lower() not in _TABLES:
            self.files[name] = f"it is no text table, but {path.suffix or 'a file without an ending'}"
            return None
        if path.stat().st_size > _LONGEST:
            self.files[name] = "it is larger than 64 MB"
            return None
        lines = _read(path).splitlines(keepends=True)
        column = _time_column(lines)
        self.files[name] = "its rows have no times that could be read" if column is None else None
        return None if column is None or self._until is None else _rows_until(lines, column, self._until)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _time_column(lines: Sequence[bytes]) -> int | None:
    """Give which cell of a row is its time, judged by the last row."""
    cells = _cells(lines[-1]) if lines else []
    return next((number for number, cell in enumerate(cells) if _seconds(cell) is not None), None)


def _rows_until(lines: Sequence[bytes], column: int, until: float) -> bytes:
    """Give the rows up to a time, seconds since the epoch, and those without one, as the header is."""
    kept = []
    for line in lines:
        cells = _cells(line)
        at = _seconds(cells[column]) if column < len(cells) else None
        if at is None or at <= until:
            kept.append(line)
    return b"".join(kept)


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8", "replace").strip("\r\n")
    delimiter = next((sign for sign in ("\t", ";", ",") if sign in text), ",")
    return next(csv.reader([text], delimiter=delimiter), [])


def _seconds(cell: str) -> float | None:
    """Read an instant, of a day its first: a cut at the close of one day withholds the next."""
    text = cell.strip()
    if text.isdecimal() and len(text) in _DIGITS:
        return int(text) / _DIGITS[len(text)]
    if not _DAY.match(text):
        return None
    try:
        if len(text) <= len("2020-01-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
