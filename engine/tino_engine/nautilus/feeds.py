"""What a run is fed with: stored bars, adjusted as asked, stored ticks, and the bars that come first to warm up.

**Warm-up.** The bars before a run's first day are fed as any others, and are no part of its result: its market begins with the first
bar that counts. Where the data begin with the run there are none before; bars that were asked for by number are then taken from its
beginning. All series begin to count at one time, the earliest at which one of them has had its bars.

**Bars made in the run** (INTERNAL) are known when it is over. Until then the stored ones stand for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from tino_engine.backtest.market import Market, Track
from tino_engine.contracts import Instrument
from tino_engine.data.days import MAX_NS, MIN_NS, day_of
from tino_engine.data.prices import Prepared, Series, prepare, read, read_times
from tino_engine.errors import TinoError
from tino_engine.nautilus.simulation import Feed

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from tino_engine.nautilus.observer import Observer

_CATALOG = 3
"""How many folders a file of ticks lies below its catalog."""


@dataclass(slots=True)
class _Source:
    """One stored series, with the times of all bars that are stored up to the end of the run; those from `start` on count."""

    prepared: Prepared
    source: str
    times: np.ndarray
    start: int
    end: int
    fed_from: int = 0

    @property
    def first(self) -> int:
        """The row of the first bar that counts."""
        return int(np.searchsorted(self.times, self.start))


@dataclass(slots=True)
class Data:
    """The data of one run. `settle` the warm-up, then ask for feeds and market."""

    sources: list[_Source]
    ticks: list[Feed]
    tick_times: list[np.ndarray]
    internal: list[str]
    warm_up_bars: int = 0
    wanted_bars: int = 0

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Data:
        """Prepare what the call `run` names. Raises `data_missing`, `data_corrupt`, `disk_full`, `request_invalid`."""
        sources = [_prepare(item, params) for item in params["data"]]
        adjusted = {one.prepared.instrument.id: one.prepared.catalog for one in sources}
        ticks, times = [], []
        for item in params.get("ticks", ()):
            feed = _feed_ticks(item)
            if adjusted.get(feed.instrument.id, feed.catalog) != feed.catalog:
                raise TinoError(
                    "request_invalid",
                    reason="ticks are as they were traded and its bars are adjusted: take prices as traded",
                    field="adjustment",
                )
            ticks.append(feed)
            times.append(_tick_times(item, feed))
        data = cls(sources, ticks, times, list(params.get("internal", ())))
        currencies = sorted({instrument.currency for instrument in data.instruments})
        if len(currencies) > 1:
            raise TinoError(
                "request_invalid",
                reason=f"its instruments are quoted in {' and '.join(currencies)}, and a run has one currency",
                field="symbols",
            )
        return data

    @property
    def instruments(self) -> list[Instrument]:
        """Every instrument, once, in the order asked for."""
        found = [one.prepared.instrument for one in self.sources] + [feed.instrument for feed in self.ticks]
        return list({instrument.id: instrument for instrument in found}.values())

    @property
    def start(self) -> int:
        """The time of the first bar or tick that counts, nanoseconds."""
        firsts = [int(one.times[one.first]) for one in self.sources if one.first < len(one.times)]
        firsts += [int(times[0]) for times in self.tick_times]
        return min(firsts)

    def settle(self, bars: int, *, asked: bool) -> None:
        """Set how many bars of each series come first. `asked` by number they are found at the beginning of the run where none are before it.

        Raises `request_invalid` when they leave nothing.
        """
        self.wanted_bars = bars
        if bars and asked and self.sources and not any(one.first for one in self.sources):
            begins = [int(one.times[bars]) for one in self.sources if len(one.times) > bars]
            if not begins:
                most = max(len(one.times) for one in self.sources)
                reason = f"a warm-up of {bars:,} bars leaves nothing of the {most:,} that are stored"
                raise TinoError("request_invalid", reason=reason, field="warmUp")
            for one in self.sources:
                one.start = min(begins)
            self.sources = [one for one in self.sources if one.first < len(one.times)]
        for one in self.sources:
            one.fed_from = max(0, one.first - bars)
            self.warm_up_bars = max(self.warm_up_bars, one.first - one.fed_from)

    @property
    def feeds(self) -> list[Feed]:
        """What NautilusTrader is to read."""
        return [
            Feed(
                one.prepared.catalog,
                one.prepared.bar_type,
                one.prepared.instrument,
                int(one.times[one.fed_from]) if one.fed_from < one.first else one.start,
                one.end,
            )
            for one in self.sources
        ] + self.ticks

    def market(self, beside: Executor) -> Market:
        """Give the stored bars that count; they are read by `beside`."""
        return Market(
            [
                Track(
                    one.prepared.bar_type,
                    one.prepared.instrument,
                    one.times[one.first :],
                    one.source,
                    beside.submit(read, one.prepared, one.start, one.end),
                )
                for one in self.sources
            ]
        )

    def times(self) -> np.ndarray:
        """Give the times of all that is fed and counts (int64, nanoseconds, not falling)."""
        parts = [*(one.times[one.first :] for one in self.sources), *self.tick_times]
        return parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))

    def complete(self, market: Market, observer: Observer, beside: Executor) -> Market:
        """Give the market with the bars that were made in the run, in front of those they were made of. Raises `data_missing`."""
        instruments = {instrument.id: instrument for instrument in self.instruments}
        made = []
        start = self.start
        for bar_type in self.internal:
            columns = observer.columns(bar_type)
            counting = columns["ts"] >= start
            bars = {name: values[counting] for name, values in columns.items()}
            # What is made at one time from several updates is one bar; the last one stands.
            if len(bars["ts"]):
                last = np.append(np.diff(bars["ts"]) > 0, True)
                bars = {name: values[last] for name, values in bars.items()}
                ready = beside.submit(lambda bars=bars: bars)
                instrument = instruments[bar_type.partition("-")[0]]
                _, _, origin = bar_type.partition("@")
                source = f"made in the run from {origin or 'ticks'}"
                made.append(Track(bar_type, instrument, bars["ts"], source, ready))
        tracks = [*made, *market.tracks]
        if not tracks:
            words: dict[str, Any] = {"from": "the first tick", "to": "the last one"}
            raise TinoError(
                "data_missing", barType=", ".join(self.internal), coverage="too few ticks for one bar", **words
            )
        return Market(tracks)

    def words(self) -> list[tuple[str, int]]:
        """Name the series of ticks, with how many there were."""
        return [(feed.bar_type, len(times)) for feed, times in zip(self.ticks, self.tick_times, strict=True)]


def _prepare(item: dict[str, Any], params: dict[str, Any]) -> _Source:
    prepared = prepare(Series.from_params(item), params["adjustment"], Path(params["cache"]))
    start = MIN_NS if item["fromNs"] is None else item["fromNs"]
    end = MAX_NS if item["toNs"] is None else item["toNs"]
    source = _Source(prepared, item["source"], read_times(prepared, MIN_NS, end), start, end)
    if source.first == len(source.times):
        everything = read_times(prepared)
        first, last = (day_of(prepared.instrument, int(everything[row])) for row in (0, -1))
        asked: dict[str, Any] = {"from": day_of(prepared.instrument, start), "to": day_of(prepared.instrument, end)}
        raise TinoError("data_missing", barType=prepared.bar_type, coverage=f"{first} to {last}", **asked)
    return source


def _feed_ticks(item: dict[str, Any]) -> Feed:
    instrument = Instrument.model_validate(item["instrument"])
    return Feed(
        Path(item["files"][0]).parents[_CATALOG],
        f"{instrument.id} {item['kind']}",
        instrument,
        MIN_NS if item["fromNs"] is None else item["fromNs"],
        MAX_NS if item["toNs"] is None else item["toNs"],
        item["kind"],
    )


def _tick_times(item: dict[str, Any], feed: Feed) -> np.ndarray:
    parts = [pq.ParquetFile(file).read(columns=["ts_init"])["ts_init"] for file in item["files"]]
    times = np.concatenate([part.cast("int64").to_numpy() for part in parts])
    times = times[(times >= feed.from_ns) & (times <= feed.to_ns)]
    if not len(times):
        words: dict[str, Any] = {"from": "the first day", "to": "the last day", "coverage": "other days"}
        raise TinoError("data_missing", barType=feed.bar_type, **words)
    return times
