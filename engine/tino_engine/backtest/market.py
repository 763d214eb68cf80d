"""The bars of a run, in memory, as its result needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from tino_engine.contracts import Instrument
    from tino_engine.data.decimate import Columns


@dataclass(frozen=True, slots=True)
class Track:
    """One series of a run: at least one bar, times rising. `instrument` has the decimals that these prices have.

    `ts` are the times of its bars (int64, nanoseconds). `reading` is under way to all their columns.
    """

    bar_type: str
    instrument: Instrument
    ts: np.ndarray
    source: str
    reading: Future[Columns]

    @property
    def bars(self) -> Columns:
        """The bars, once they are read. Raises `data_corrupt`."""
        return self.reading.result()


class Market:
    """All series of a run, in the order asked for, on one time axis."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self.tracks = list(tracks)

    @cached_property
    def times(self) -> np.ndarray:
        """Times of all bars of all series: int64 nanoseconds, not falling."""
        if len(self.tracks) == 1:
            return self.tracks[0].ts
        return np.sort(np.concatenate([track.ts for track in self.tracks]))

    @cached_property
    def axis(self) -> np.ndarray:
        """Each time at which there is a bar: int64 nanoseconds, strictly rising."""
        return self.times if len(self.tracks) == 1 else np.unique(self.times)

    @cached_property
    def valued(self) -> dict[str, Track]:
        """By instrument, the series whose closes value a position: the finest one, which is the one with most bars."""
        finest: dict[str, Track] = {}
        for track in self.tracks:
            known = finest.get(track.instrument.id)
            if known is None or len(track.ts) > len(known.ts):
                finest[track.instrument.id] = track
        return finest

    @property
    def instruments(self) -> list[Instrument]:
        """The instruments, in the order asked for."""
        return [track.instrument for track in self.valued.values()]

    @property
    def home(self) -> Instrument:
        """The instrument whose zone and calendar days and years are counted by: the first one."""
        return self.tracks[0].instrument

    @property
    def currency(self) -> str:
        """The one currency of the run."""
        return self.home.currency

    @property
    def bars(self) -> int:
        """Bars of all series together."""
        return len(self.times)

    def buy_and_hold(self) -> np.ndarray:
        """Give, at each time of the axis, what 1 in equal parts of every instrument's first close has become (float64)."""
        total = np.zeros(len(self.axis))
        for track in self.valued.values():
            growth = track.bars["close"] / track.bars["close"][0]
            if track.ts is not self.axis:
                growth = np.append(1.0, growth)[np.searchsorted(track.ts, self.axis, side="right")]
            total += growth
        return total / len(self.valued)
