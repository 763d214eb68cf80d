"""What was found in rows that are imported, and what was done about it: counted, with the first few as examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

EXAMPLES = 5
_LONGEST = 160

KINDS = {
    "fields": ("another number of columns than the other rows", "left out"),
    "time": ("no time that can be read, or one that the clock skips that day", "left out"),
    "clockChange": ("a time that the clock shows twice that day", "taken as the first of the two"),
    "number": ("a price or volume that is not a number", "left out"),
    "missing": ("no price", "left out"),
    "price": ("a price that is zero or negative", "left out"),
    "volume": ("a volume that is negative", "left out"),
    "highLow": ("a high or low that does not enclose the other prices", "high and low widened to them"),
    "decimals": ("more decimals than are stored", "rounded"),
    "early": ("a time before 1970 or after 2262", "left out"),
    "unsorted": ("a time before that of the row above", "put in order"),
    "repeated": ("the same bar as another row", "stored once"),
    "conflict": ("the time of another row, but other values", "the later row kept"),
}
"""What is wrong, and what is done, by kind; the kinds are those of the contract."""

_STOPS = frozenset({"fields", "time", "number", "missing", "price", "volume", "highLow", "early", "conflict"})
"""Kinds that stop an import which is to stop at bad rows: the others lose nothing."""


class Problems:
    """Collects them."""

    def __init__(self, *, stop: bool) -> None:
        self._stop = stop
        self._found: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, kind: str, file: str, lines: Sequence[int] | np.ndarray, text: Callable[[int], str]) -> None:
        """Note rows by their lines; `text` gives the row of a line. Raises `import_row_invalid` when bad rows are to stop it."""
        if not len(lines):
            return
        what, done = KINDS[kind]
        if self._stop and kind in _STOPS:
            raise TinoError("import_row_invalid", path=file, line=int(lines[0]), reason=f"it has {what}")
        entry = self._found.setdefault(
            (file, kind), {"kind": kind, "file": file, "count": 0, "what": what, "done": done, "examples": []}
        )
        entry["count"] += len(lines)
        for line in lines[: EXAMPLES - len(entry["examples"])]:
            entry["examples"].append({"line": int(line), "text": text(int(line))[:_LONGEST]})

    def to_list(self) -> list[dict[str, Any]]:
        """Give them as the contract's `ImportProblem`, by file in order of the first problem."""
        return list(self._found.values())
