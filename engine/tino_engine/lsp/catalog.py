"""What the catalog holds, arranged for questions about a text: is it there, what is near, what is known of it."""

from __future__ import annotations

import difflib
from functools import cached_property
from typing import TYPE_CHECKING

from tino_engine.data import BarType, day_of
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.contracts import Coverage, Instrument, SymbolEntry, SymbolList

NEAR = 3
"""How many similar names are offered."""


class CatalogIndex:
    """The catalog at one moment."""

    def __init__(self, symbols: SymbolList) -> None:
        self.instruments: dict[str, SymbolEntry] = {entry.instrument.id: entry for entry in symbols.symbols}
        self.series: dict[str, Coverage] = {
            coverage.bar_type: coverage for entry in symbols.symbols for coverage in entry.coverage
        }
        self.is_empty = not self.instruments
        self._near: dict[str, list[str]] = {}

    def near_instruments(self, text: str) -> list[str]:
        """Give the instruments with a similar id or symbol, the nearest first."""
        if text not in self._near:
            wanted = text.upper()
            matches = difflib.get_close_matches(wanted, self._spellings, NEAR)
            symbol = wanted.partition(".")[0]
            same = [symbol] if symbol in self._spellings else []
            ids = [instrument_id for match in [*same, *matches] for instrument_id in self._spellings[match]]
            self._near[text] = list(dict.fromkeys(ids))[:NEAR]
        return self._near[text]

    def near_bar_types(self, bar_type: BarType) -> list[str]:
        """Give the stored series that may be meant: of the instrument if it is there, else of similar ones."""
        instruments = [bar_type.instrument_id]
        if bar_type.instrument_id not in self.instruments:
            instruments = self.near_instruments(bar_type.instrument_id)
        found: list[str] = []
        for instrument_id in instruments:
            stored = [coverage.bar_type for coverage in self.instruments[instrument_id].coverage]
            found += difflib.get_close_matches(str(bar_type), stored, NEAR, cutoff=0.0)
        return found[:NEAR]

    def describe(self, name: str) -> str:
        """Say what is stored of an instrument or of one of its series."""
        if (coverage := self.series.get(name)) is not None:
            return describe_coverage(self.instruments[coverage.instrument_id].instrument, coverage)
        entry = self.instruments[name]
        stored = [describe_coverage(entry.instrument, coverage) for coverage in entry.coverage]
        return "; ".join(stored) or "no bars are stored"

    @cached_property
    def _spellings(self) -> dict[str, list[str]]:
        # Compared without the venue too: APPL is nearer to AAPL than to AAPL.XNAS.
        found: dict[str, list[str]] = {}
        for instrument_id, entry in self.instruments.items():
            for spelling in dict.fromkeys((instrument_id.upper(), entry.instrument.symbol.upper())):
                found.setdefault(spelling, []).append(instrument_id)
        return found


def similar(names: list[str]) -> str:
    """Put similar names behind a sentence, as the engine's own errors do."""
    return f" (similar: {', '.join(names)})" if names else ""


def parse_bar_type(text: str) -> BarType | None:
    """Read a bar type as NautilusTrader does, which takes its words in either case; None when it is none."""
    head, at, tail = text.partition("@")
    instrument, *words = head.rsplit("-", 4)
    try:
        return BarType.parse("-".join([instrument, *(word.upper() for word in words)]) + at + tail.upper())
    except TinoError:
        return None


def source_of(bar_type: BarType) -> BarType | None:
    """Give the series that must be stored for bars of this type; None when they are made from ticks."""
    if bar_type.source == "EXTERNAL":
        return bar_type
    if bar_type.composite is None:
        return None
    return parse_bar_type(f"{bar_type.instrument_id}-{_composite_spec(bar_type)}")


def describe_coverage(instrument: Instrument, coverage: Coverage) -> str:
    """Say what is stored: `3,521 daily bars, 2000-01-03 to 2013-12-31`."""
    bar_type = parse_bar_type(coverage.bar_type)
    kind = "bars" if bar_type is None else bar_type.description
    start, end = (day_of(instrument, moment * 1_000_000) for moment in (coverage.from_, coverage.to))
    return f"{coverage.bars:,} {kind}, {start} to {end}"


def _composite_spec(bar_type: BarType) -> str:
    """Give `1-MINUTE-LAST-EXTERNAL` for the part after `@`, which has the price of the whole."""
    step, aggregation, source = (bar_type.composite or "").split("-")
    return f"{step}-{aggregation}-{bar_type.price}-{source}"
