"""The last result of each strategy, in the words of a lens and of a hover."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tino_engine.contracts import RunSummary

MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


class RunIndex:
    """The newest ended run of each strategy, by file and class."""

    def __init__(self, runs: Iterable[RunSummary] = ()) -> None:
        self._runs: dict[tuple[str, str], RunSummary] = {}
        for run in sorted(runs, key=lambda run: run.id):
            self._runs[_place(run.path), run.name] = run

    def find(self, path: str, name: str) -> RunSummary | None:
        """Find the last run of a strategy, whichever way its path is spelled."""
        return self._runs.get((_place(path), name))

    def changed(self, other: RunIndex) -> set[str]:
        """Give the resolved paths of the files whose strategies have another last run there."""
        keys = self._runs.keys() | other._runs.keys()
        return {key[0] for key in keys if self._runs.get(key) != other._runs.get(key)}


def _place(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def describe_last(run: RunSummary) -> str | None:
    """Say in a few words how a run ended: `+12.3 %, Sharpe 0.71`, `no trades`, `failed`; None while it has not."""
    if run.status == "failed":
        return "failed"
    if run.status != "finished" or run.metrics is None:
        return None
    if run.no_trades is not None:
        return "no trades"
    figures = []
    if run.metrics.total_return is not None:
        figures.append(percent(run.metrics.total_return))
    if run.metrics.sharpe is not None:
        figures.append(f"Sharpe {ratio(run.metrics.sharpe)}")
    return ", ".join(figures) or "finished"


def is_edited(run: RunSummary, text: str) -> bool:
    """Say whether the code is another one than ran: the open text, saved or not, or a file that it imports."""
    if run.edited or run.code_hash is None:
        return run.edited is True
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() != run.code_hash


def percent(fraction: float) -> str:
    """Write a fraction as percent with one decimal and its sign, none for zero: `+12.3 %`."""
    figure = f"{abs(fraction) * 100:,.1f}"
    sign = "" if not figure.strip("0.,") else "+" if fraction > 0 else MINUS
    return f"{sign}{figure}{NARROW}%"


def ratio(value: float) -> str:
    """Write a ratio with two decimals and a proper minus."""
    figure = f"{abs(value):,.2f}"
    return f"{MINUS if value < 0 and figure.strip('0.,') else ''}{figure}"
