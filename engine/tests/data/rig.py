"""What the tests of market data share: the sample by the standard library alone, a catalog of it, bars to order."""

from __future__ import annotations

import asyncio
import csv
import gzip
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from tino_engine.data import Catalog, Imports, Series, sample
from tino_engine.data.importing import import_sample
from tino_engine.data.instruments import write_instrument
from tino_engine.data.store import Bars, write_bars
from tino_engine.ledger import Database, Writer, tables
from tino_engine.workers.child import Child
from tino_engine.workers.pool import Single

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tino_engine.contracts import CorporateAction, DataImport, Instrument

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Row:
    """One line of the sample's file."""

    day: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    adjusted: float


def source_rows() -> dict[str, list[Row]]:
    """Read the sample's file, by ticker."""
    rows: dict[str, list[Row]] = {}
    with gzip.open(sample.DATA, "rt") as file:
        for line in csv.DictReader(file):
            open_, high, low, close = (Decimal(line[name]) for name in ("Open", "High", "Low", "Close"))
            row = Row(line["Date"], open_, high, low, close, int(line["Volume"]), float(line["Adj Close"]))
            rows.setdefault(line["Ticker"], []).append(row)
    return rows


def imported_series(folder: Path) -> dict[str, Series]:
    """Import the sample below `folder` and give its series by ticker."""
    imported = import_sample(folder / "catalog")
    return {
        instrument.symbol: Series(
            instrument,
            coverage.bar_type,
            tuple(folder / "catalog" / file for file in imported.files[coverage.bar_type]),
            imported.actions[instrument.id],
            coverage.hash,
        )
        for instrument, coverage in zip(imported.instruments, imported.coverage, strict=True)
    }


def make_bars(
    count: int, *, first: int = 10**18, step: int = 60_000_000_000, seed: int = 1, precision: int = 4
) -> Bars:
    """Make a random walk."""
    random = np.random.default_rng(seed)
    close = np.maximum(1_000_000 + random.integers(-500, 501, count).cumsum(), 10_000)
    open_ = np.roll(close, 1)
    high = np.maximum(open_, close) + random.integers(0, 100, count)
    low = np.minimum(open_, close) - random.integers(0, 100, count)
    ts = first + np.arange(count, dtype=np.int64) * step
    return Bars(ts, open_, high, low, close, random.integers(0, 10**9, count), precision, 0)


def store_series(
    folder: Path,
    bars: Bars,
    instrument: Instrument = sample.INSTRUMENTS[0],
    step: str = "1-MINUTE",
    actions: tuple[CorporateAction, ...] = (),
) -> Series:
    """Store bars in a catalog below `folder`."""
    bar_type = f"{instrument.id}-{step}-LAST-EXTERNAL"
    stored = write_bars(folder / "catalog", bar_type, instrument, bars)
    write_instrument(folder / "catalog", instrument)
    return Series(instrument, bar_type, (folder / "catalog" / stored.file,), actions, stored.hash)


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def part(bars: Bars, start: int, stop: int) -> Bars:
    """Cut rows out of bars."""
    columns = {name: bars.column(name)[start:stop] for name in ("ts", "open", "high", "low", "close", "volume")}
    return replace(bars, **columns)


class Rig:
    """A catalog on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "data"
        self.database = Database.open(home / "tino.db")
        self.writer = Writer(self.database)
        self.child = Single("data")
        self.changes: list[list[str]] = []
        self.catalog = self.open()
        self._heard = asyncio.Event()
        self.on_import: Callable[[DataImport], None] = lambda _: None
        self.imports = Imports(
            self.catalog,
            self.child.get,
            lambda: Child.spawn("data"),
            lambda: 1,
            self._heard_of,
            home / "engine.log",
        )

    def open(self) -> Catalog:
        """Open another catalog on the same home, as a new engine would."""
        return Catalog(self.database, self.writer, self.child.get, self.folder, self.changes.append)

    def _heard_of(self, job: DataImport) -> None:
        self.on_import(job)
        self._heard.set()

    async def ended(self, job: DataImport) -> DataImport:
        """Wait for the end of an import."""
        while self.imports.get(job.id).status in ("queued", "running"):
            self._heard.clear()
            await self._heard.wait()
        return self.imports.get(job.id)

    async def rows(self, table: str) -> list[Any]:
        """Read a table of the database."""
        return await self.database.read(
            lambda connection: list(connection.execute(select(tables.metadata.tables[table])))
        )


@asynccontextmanager
async def rig(home: Path) -> AsyncIterator[Rig]:
    rig = Rig(home)
    rig.writer.start()
    try:
        yield rig
    finally:
        await rig.imports.close()
        await rig.child.close()
        await rig.writer.close()
        rig.database.close()
