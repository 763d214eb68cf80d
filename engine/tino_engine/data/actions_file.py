"""Files of splits and dividends.

CSV with a header; the names of columns are understood in their usual forms. Either each row says what it is, `symbol, date, kind, value`, or it has
a column for splits and one for dividends, as Yahoo writes them. A split is `2`, `2:1`, `2/1` or `2 for 1`: new shares for old.
"""

from __future__ import annotations

import csv
import math
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.contracts import CorporateAction
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAMES = {
    "symbol": ("symbol", "ticker", "instrument", "instrumentid"),
    "date": ("exday", "exdate", "date", "day", "exdividenddate"),
    "kind": ("kind", "type", "action", "event"),
    "value": ("value", "amount", "ratio"),
    "split": ("split", "splits", "stocksplits", "stocksplit", "splitratio"),
    "dividend": ("dividend", "dividends", "cash", "dividendamount"),
}
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*(?::|/|for|-for-)\s*(\d+(?:\.\d+)?)")
LARGEST = 10_000_000
"""Bytes of such a file; one line a split or dividend, it is small."""


def read_actions(paths: Sequence[str], symbol: str | None) -> list[tuple[str, CorporateAction]]:
    """Read files: the symbol as it is written, and the action, of each row.

    Raises `import_file_not_found`, `import_file_unreadable`, `import_column_unknown`, `import_symbol_unknown`, `import_row_invalid`.
    """
    return [found for path in paths for found in _read(Path(path), symbol)]


def _read(path: Path, symbol: str | None) -> Iterator[tuple[str, CorporateAction]]:
    if not path.is_absolute():
        raise TinoError("import_file_not_found", field="paths", path=path)
    try:
        if path.stat().st_size > LARGEST:
            raise TinoError(
                "import_file_unreadable", field="paths", path=path, reason=f"it is larger than {LARGEST:,} bytes"
            )
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise TinoError("import_file_not_found", field="paths", path=path) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TinoError("import_file_unreadable", field="paths", path=path, reason=reason) from error
    sign = max(",;\t|", key=lines[0].count) if lines else ","
    rows = csv.reader(lines, delimiter=sign)
    header = [cell.strip() for cell in next(rows, [])]
    plain = [re.sub(r"[^a-z]", "", name.lower()) for name in header]
    places = {
        role: next((plain.index(word) for word in words if word in plain), None) for role, words in _NAMES.items()
    }
    by_kind = places["kind"] is not None and places["value"] is not None
    for role in ("date",) if by_kind or places["split"] is not None or places["dividend"] is not None else ("value",):
        if places[role] is None:
            raise TinoError(
                "import_column_unknown",
                field="paths",
                path=path,
                column=role,
                available=", ".join(header) or "none",
            )
    if symbol is None and places["symbol"] is None:
        raise TinoError("import_symbol_unknown", field="symbol", path=path)
    for row in rows:
        cells = {
            role: row[place].strip() if place is not None and place < len(row) else "" for role, place in places.items()
        }
        if not any(row):
            continue
        given = [(cells["kind"], cells["value"])] if by_kind else [(k, cells[k]) for k in ("split", "dividend")]
        for kind, text in given:
            action = _action(kind, text, cells["date"], path, rows.line_num, needed=by_kind)
            if action is not None:
                yield cells["symbol"] or symbol or "", action


def _action(kind: str, text: str, day: str, path: Path, line: int, *, needed: bool) -> CorporateAction | None:
    def invalid(reason: str) -> TinoError:
        return TinoError("import_row_invalid", field="paths", path=path, line=line, reason=reason)

    what = "split" if "split" in kind.lower() else "dividend" if re.search("div|cash", kind.lower()) else None
    if what is None:
        raise invalid(f"“{kind}” is neither split nor dividend")
    try:
        ex_day = date.fromisoformat(day[:10]).isoformat()
    except ValueError as error:
        raise invalid(f"“{day}” is no day such as 2020-01-31") from error
    ratio = _RATIO.fullmatch(text.lower())
    try:
        value = float(ratio[1]) / float(ratio[2]) if ratio and what == "split" else float(text or "nan")
    except (ValueError, ZeroDivisionError) as error:
        raise invalid(f"“{text}” is no {'ratio' if what == 'split' else 'amount'}") from error
    # In a file with a column for each, a row without one has zero or nothing there.
    if not needed and (not text or value == 0):
        return None
    if not math.isfinite(value) or value <= 0:
        raise invalid(f"“{text}” is no {'ratio' if what == 'split' else 'amount'} above zero")
    return CorporateAction(ex_day=ex_day, kind=what, value=value)
