"""What may be wrong with a stored series. In child processes only.

**Gaps.** Bars of a day or more are held against the sessions of the exchange, one bar for each, or for each week or month that has one.
Finer bars are held against the minutes of each session: a session has as many as fit into it, the last one perhaps cut short. A
hole is told when it is half an hour long; round the clock, where a bar is due at every step, when three bars are missing.

**Leaps.** The log return from close to close, minus their median, is measured by the usual size of returns: 1.4826 times the median
absolute deviation of the whole series or of some 150 bars around, whichever is larger, and never less than a unit of the last decimal.
A leap is more than `LEAP` of these. It is a spike when the next bar takes three quarters of it back; of finer bars, returns over a
night are not looked at. Before that, prices are adjusted for the splits that are known and that the prices show.

**Splits.** A series stored as traded falls at a split by a ratio of small whole numbers. It is taken for one when the step from the last close
to the open is a leap, lies as near to such a ratio as the series usually opens to its last close (`NEAR` of the robust deviations of
that step), the price stays there, and the volume in old shares is not many times the usual: a crash comes with volume, a split does not.

A change of any of this is a new `quality.VERSION`, so that stored reports are made anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from tino_engine.contracts import QualityFinding, SeriesQuality
from tino_engine.data.bar_type import BarType
from tino_engine.data.days import day_bounds, day_of
from tino_engine.data.sessions import ROUND_THE_CLOCK, find_sessions, local_days
from tino_engine.data.store import BarTable, hash_bars
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from tino_engine.data.series import Series
    from tino_engine.data.sessions import Sessions
    from tino_engine.data.store import Bars

LEAP = 12.0
"""Usual returns that are a leap."""
NEAR = 3.0
"""Usual opening steps that a split's ratio may be missed by."""

SHOWN = 200
STRIP = 100
_DAY_SECONDS = 86_400
_HOLE_NS = 30 * 60 * 10**9
_BLOCK = 48
_LOUD = 5.0
"""Times the usual volume above which a leap is no split."""
_RATIOS = tuple(
    sorted(
        {float(n) for n in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)}
        | {1 / n for n in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)}
        | {1.5, 2 / 3}
    )
)
type _Instant = int | np.integer | np.ndarray
"""Nanoseconds; numpy's stubs take an element of an array for an array."""

_ORDER = {"severe": 0, "warning": 1, "info": 2}


def inspect(series: Series) -> SeriesQuality:
    """Look at a whole series. A series that cannot be read gives a report that says so; nothing is raised for it."""
    try:
        table = BarTable.open(series.files, series.bar_type)
        bars = table.read()
        if table.hash != series.hash or (len(series.files) == 1 and hash_bars(bars) != series.hash):
            raise TinoError("data_corrupt", barType=series.bar_type, reason="its rows are not the ones recorded")
    except TinoError as error:
        return _unreadable(series, error)
    look = _Look(series, bars, BarType.parse(series.bar_type))
    return look.report()


def _unreadable(series: Series, error: TinoError) -> SeriesQuality:
    finding = QualityFinding(
        kind="unreadable",
        severity="severe",
        from_=0,
        to=0,
        count=1,
        message=error.body.message,
        split_ratio=None,
        ex_day=None,
    )
    return SeriesQuality(
        bar_type=series.bar_type,
        instrument_id=series.instrument.id,
        calendar="",
        assumed=False,
        bars=0,
        expected=0,
        missing=0,
        from_=0,
        to=0,
        strip=[],
        severity="severe",
        findings=[finding],
        finding_count=1,
    )


@dataclass(slots=True)
class _Look:
    series: Series
    bars: Bars
    type: BarType
    findings: list[QualityFinding] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        return self.type.seconds

    @property
    def intraday(self) -> bool:
        return self.seconds is not None and self.seconds < _DAY_SECONDS

    def report(self) -> SeriesQuality:
        bars = self.bars
        sessions = find_sessions(self.series.instrument, bars.ts)
        self._check_rows()
        expected, missing, strip = self._compare(sessions)
        moved = self._check_actions()
        self._check_leaps(_adjusted(self.series, bars, moved), sessions)
        self._check_volume()
        self._check_range()
        self._check_frozen()
        found = sorted(self.findings, key=lambda item: (_ORDER[item.severity], item.from_))
        return SeriesQuality(
            bar_type=self.series.bar_type,
            instrument_id=self.series.instrument.id,
            calendar=sessions.calendar,
            assumed=sessions.assumed,
            bars=len(bars),
            expected=expected,
            missing=missing,
            from_=_ms(bars.ts[0]),
            to=_ms(bars.ts[-1]),
            strip=[round(share, 3) for share in strip],
            severity=found[0].severity if found else None,
            findings=found[:SHOWN],
            finding_count=len(found),
        )

    # -- words -----------------------------------------------------------------------------------------------------

    def _add(
        self, kind: str, severity: str, first: _Instant, last: _Instant, count: int, message: str, **more: Any
    ) -> None:
        details = {"split_ratio": None, "ex_day": None, **more}
        self.findings.append(
            QualityFinding.model_validate(
                {
                    "kind": kind,
                    "severity": severity,
                    "from": _ms(first),
                    "to": _ms(last),
                    "count": int(count),
                    "message": message,
                    "splitRatio": details["split_ratio"],
                    "exDay": details["ex_day"],
                }
            )
        )

    def _when(self, ts: _Instant) -> str:
        """Give a close as people read it, in the instrument's zone: the day, and of finer bars the time."""
        if not self.intraday:
            return day_of(self.series.instrument, int(ts))
        zone = ZoneInfo(self.series.instrument.time_zone)
        return datetime.fromtimestamp(int(ts) / 1e9, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")

    # -- what cannot be --------------------------------------------------------------------------------------------

    def _check_rows(self) -> None:
        bars = self.bars
        try:
            bars.check()
            if int(min(bars.low.min(), bars.open.min())) <= 0:
                raise ValueError("a price is zero or negative")
        except ValueError as error:
            self._add("invalid", "severe", bars.ts[0], bars.ts[-1], 1, f"Stored rows cannot be bars: {error}.")

    # -- the calendar ----------------------------------------------------------------------------------------------

    def _compare(self, sessions: Sessions) -> tuple[int, int, list[float]]:
        """Hold the bars against the sessions: give how many are expected, how many of them are missing, and the strip."""
        if self.seconds is None:
            return len(self.bars), 0, [1.0]
        return self._compare_minutes(sessions) if self.intraday else self._compare_days(sessions)

    def _compare_days(self, sessions: Sessions) -> tuple[int, int, list[float]]:
        ts = self.bars.ts
        days = local_days(ts, self.series.instrument.time_zone)
        due, have = _bucket(sessions.days, self.type), _bucket(days, self.type)
        wanted = np.unique(due)
        there = np.isin(wanted, have)
        extra = np.flatnonzero(~np.isin(have, wanted))
        if len(extra):
            first, last = ts[extra[0]], ts[extra[-1]]
            one = f"A bar on {self._when(first)}, when {sessions.calendar} was closed."
            many = f"{len(extra):,} bars on days when {sessions.calendar} was closed, the first on {self._when(first)}."
            self._add("extra", "info", first, last, len(extra), one if len(extra) == 1 else many)
        absent = np.flatnonzero(~there)
        noun = {"WEEK": "week", "MONTH": "month"}.get(self.type.aggregation, "session")
        for group in np.split(absent, np.flatnonzero(np.diff(absent) > 1) + 1) if len(absent) else []:
            first, last = (sessions.days[np.searchsorted(due, wanted[place])] for place in (group[0], group[-1]))
            bounds = day_bounds(self.series.instrument, str(first), str(last))
            span = f"on {first}" if first == last else f"from {first} to {last}"
            severity = "severe" if len(group) >= 20 else "warning" if len(group) >= 3 else "info"
            words = f"{len(group):,} {noun}{'s' if len(group) > 1 else ''} of {sessions.calendar} without a bar {span}."
            self._add("gap", severity, bounds[0], bounds[1], len(group), words)
        return len(wanted), len(absent), _strip(there.astype(float), np.ones(len(wanted)))

    def _compare_minutes(self, sessions: Sessions) -> tuple[int, int, list[float]]:
        ts, step = self.bars.ts, int((self.seconds or 0) * 10**9)
        # The first and the last stretch count from the first bar and to the last one: what lies outside was never imported.
        opens = np.maximum(sessions.opens, ts[0] - step)
        closes = np.minimum(sessions.closes, ts[-1])
        kept = closes > opens
        opens, closes = opens[kept], closes[kept]
        due = -(-(closes - opens) // step)
        place = np.searchsorted(opens, ts, side="left") - 1
        inside = (place >= 0) & (ts < np.where(place >= 0, closes[np.maximum(place, 0)], 0) + step)
        if outside := int((~inside).sum()):
            first, last = ts[~inside][0], ts[~inside][-1]
            words = f"{outside:,} bars outside of the sessions of {sessions.calendar}, such as before and after hours."
            self._add("extra", "info", first, last, outside, words)
        place, times = place[inside], ts[inside]
        have = np.minimum(np.bincount(place, minlength=len(due)), due)
        self._report_empty(opens, closes, due, have, sessions.calendar)
        smallest = 3 * step if sessions.calendar == ROUND_THE_CLOCK else max(_HOLE_NS, step + 1)
        self._report_holes(times, place, opens, closes, smallest, step)
        missing = int((due - have).sum())
        return int(due.sum()), missing, self._minute_strip(times, opens, closes, due, step)

    def _report_empty(
        self, opens: np.ndarray, closes: np.ndarray, due: np.ndarray, have: np.ndarray, calendar: str
    ) -> None:
        empty = np.flatnonzero(have == 0)
        for group in np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1) if len(empty) else []:
            first, last = opens[group[0]] + 1, closes[group[-1]]
            severity = "severe" if len(group) >= 20 else "warning" if len(group) >= 3 else "info"
            days = self._when(first)[:10], self._when(last)[:10]
            span = f"on {days[0]}" if days[0] == days[1] else f"from {days[0]} to {days[1]}"
            words = f"{len(group):,} session{'s' if len(group) > 1 else ''} of {calendar} without a bar {span}."
            self._add("gap", severity, first, last, int(due[group].sum()), words)

    def _report_holes(
        self, times: np.ndarray, place: np.ndarray, opens: np.ndarray, closes: np.ndarray, smallest: int, step: int
    ) -> None:
        """Report stretches without a bar inside of sessions that have some, at their beginning and end too."""
        starts = np.flatnonzero(np.append(True, np.diff(place) > 0)) if len(place) else np.empty(0, np.int64)
        ends = np.append(starts[1:], len(place)) - 1 if len(place) else starts
        before = np.concatenate([times[:-1][place[1:] == place[:-1]], opens[place[starts]], times[ends]])
        after = np.concatenate([times[1:][place[1:] == place[:-1]], times[starts] - step, closes[place[ends]]])
        after[: len(after) - 2 * len(starts)] -= step
        wide = np.flatnonzero(after - before >= smallest)
        for first, last in sorted(zip(before[wide].tolist(), after[wide].tolist(), strict=True)):
            count = max(1, (last - first) // step)
            severity = "warning" if count >= 60 or last - first >= 4 * _HOLE_NS else "info"
            words = (
                f"{count:,} bar{'s' if count > 1 else ''} missing between {self._when(first)} and {self._when(last)}."
            )
            self._add("gap", severity, first + 1, last, count, words)

    def _minute_strip(
        self, times: np.ndarray, opens: np.ndarray, closes: np.ndarray, due: np.ndarray, step: int
    ) -> list[float]:
        """Share of expected bars that are there in equal stretches of trading time."""
        total = int(due.sum())
        if not total:
            return []
        before = np.append(0, np.cumsum(due))[:-1]
        place = np.maximum(np.searchsorted(opens, times, side="left") - 1, 0)
        number = before[place] + np.minimum((times - opens[place] - 1) // step, due[place] - 1)
        parts = min(STRIP, total)
        part = np.unique(number) * parts // total
        return list(np.minimum(np.bincount(part, minlength=parts) / _sizes(total, parts), 1.0))

    # -- leaps -----------------------------------------------------------------------------------------------------

    def _check_actions(self) -> list[bool]:
        """Report splits of the actions table that prices do not show; give of each action whether prices are adjusted for it."""
        bars, moved = self.bars, []
        for action in self.series.actions:
            row = _row_of(self.series, bars, action.ex_day)
            if action.kind != "split" or row is None:
                moved.append(False)
                continue
            step = math.log(float(bars.close[row - 1]) / float(bars.open[row]))
            shown = step / math.log(action.value) > 0.5 if action.value != 1 else True
            moved.append(shown)
            if not shown:
                words = (
                    f"A split of {_ratio_words(action.value)} is listed for {action.ex_day}, but the price did not move: "
                    "the bars may be adjusted already."
                )
                more = {"split_ratio": action.value, "ex_day": action.ex_day}
                self._add("actionWithoutMove", "severe", bars.ts[row - 1], bars.ts[row], 1, words, **more)
        return moved

    def _check_leaps(self, prices: dict[str, np.ndarray], sessions: Sessions) -> None:
        bars, unit = self.bars, 10.0**-self.bars.price_precision
        if len(bars) < 3:
            return
        close, open_ = prices["close"], prices["open"]
        returns = np.diff(np.log(close))
        gaps = np.log(open_[1:] / close[:-1])
        inside = np.ones(len(returns), bool)
        if self.intraday:
            place = np.searchsorted(sessions.opens, bars.ts, side="left")
            inside = place[1:] == place[:-1]
        usual = np.maximum(_usual(returns, inside), unit / close[:-1])
        centre = float(np.median(returns[inside])) if inside.any() else 0.0
        size = np.where(inside, np.abs(returns - centre) / usual, 0.0)
        splits = self._find_splits(prices, gaps, returns)
        for row in np.flatnonzero(size > LEAP).tolist():
            if any(abs(row - split) <= 1 for split in splits):
                continue
            following = returns[row + 1] if row + 1 < len(returns) else 0.0
            back = following * returns[row] < 0 and abs(returns[row] + following) < 0.25 * abs(returns[row])
            if row and size[row - 1] > LEAP and returns[row - 1] * returns[row] < 0 and not back:
                continue  # The way back of the spike before.
            moved = math.expm1(returns[row])
            words = f"{moved:+.1%} on {self._when(bars.ts[row + 1])}, {size[row]:.0f} times the usual return"
            if back:
                words += ", and back with the next bar."
                self._add("spike", "warning", bars.ts[row + 1], bars.ts[row + 1], 1, words)
            else:
                self._add("jump", "info", bars.ts[row + 1], bars.ts[row + 1], 1, words + ".")

    def _find_splits(self, prices: dict[str, np.ndarray], gaps: np.ndarray, returns: np.ndarray) -> list[int]:
        bars, close = self.bars, prices["close"]
        usual = np.maximum(_usual(gaps, np.ones(len(gaps), bool)), 10.0**-bars.price_precision / close[:-1])
        flat = bool((bars.open == bars.close).all())
        volume = bars.volume.astype(float)
        found: list[int] = []
        for row in np.flatnonzero((np.abs(gaps) > LEAP * usual) & (np.abs(gaps) > math.log(1.3))).tolist():
            ratio = min(_RATIOS, key=lambda ratio: abs(gaps[row] + math.log(ratio)))
            missed = abs(gaps[row] + math.log(ratio))
            if missed > (min(NEAR * usual[row], 0.02) if flat else max(NEAR * usual[row], 0.01)) or missed > 0.08:
                continue
            earlier, later = close[max(0, row - 4) : row + 1], close[row + 1 : row + 6]
            stays = abs(math.log(np.median(later) / np.median(earlier)) + math.log(ratio)) < math.log(1.3)
            normal = float(np.median(volume[max(0, row - 19) : row + 1]))
            if not stays or (normal > 0 and volume[row + 1] / ratio > _LOUD * normal):
                continue
            if self.intraday and _same_day(self.series, bars, row):
                continue
            found.append(row)
            day = day_of(self.series.instrument, int(bars.ts[row + 1]))
            words = (
                f"The price falls like at a split of {_ratio_words(ratio)}"
                if ratio > 1
                else f"The price rises like at a reverse split of {_ratio_words(ratio)}"
            )
            more = {"split_ratio": ratio, "ex_day": day}
            words += f" on {day}, and no action tells of one."
            self._add("split", "severe", bars.ts[row], bars.ts[row + 1], 1, words, **more)
        return found

    # -- the rest --------------------------------------------------------------------------------------------------

    def _check_volume(self) -> None:
        bars = self.bars
        none = np.flatnonzero(bars.volume == 0)
        if len(none) == len(bars):
            self._add("volume", "info", bars.ts[0], bars.ts[-1], len(bars), "The series has no volumes: all are zero.")
        elif len(none):
            share = len(none) / len(bars)
            words = (
                f"{len(none):,} bar{'s' if len(none) > 1 else ''} without volume ({share:.1%}), "
                f"the first {self._when(bars.ts[none[0]])}."
            )
            severity = "warning" if share > 0.02 and not self.intraday else "info"
            self._add("volume", severity, bars.ts[none[0]], bars.ts[none[-1]], len(none), words)

    def _check_range(self) -> None:
        bars = self.bars
        if len(bars) > 1 and (bars.high == bars.low).all():
            words = "Closes alone, without a range: limits and stops inside of a bar are met at its close only."
            self._add("closeOnly", "info", bars.ts[0], bars.ts[-1], len(bars), words)

    def _check_frozen(self) -> None:
        """Report runs of bars at one price: ten days or weeks, four hours of finer bars, while something was traded or nothing says."""
        bars = self.bars
        longest = 10 if not self.intraday else max(10, math.ceil(4 * 3600 / (self.seconds or 3600)))
        same = np.append(False, (np.diff(bars.close) == 0) & (bars.high[1:] == bars.low[1:]))
        edges = np.flatnonzero(np.diff(np.append(np.append(False, same), False).astype(np.int8)))
        for first, stop in edges.reshape(-1, 2).tolist():
            if stop - first + 1 < longest:
                continue
            span = f"from {self._when(bars.ts[first - 1])} to {self._when(bars.ts[stop - 1])}"
            words = f"{stop - first + 1:,} bars at one and the same price {span}."
            self._add("frozen", "warning", bars.ts[first - 1], bars.ts[stop - 1], stop - first + 1, words)


def _ms(ns: _Instant) -> int:
    return int(ns) // 1_000_000


def _ratio_words(ratio: float) -> str:
    if ratio < 1:
        return f"1 for {1 / ratio:g}" if ratio != 2 / 3 else "2 for 3"
    return f"{ratio:g} for 1" if ratio != 1.5 else "3 for 2"


def _bucket(days: np.ndarray, type_: BarType) -> np.ndarray:
    """Give a number for the day, week or month of each day, rising with time."""
    if type_.aggregation == "WEEK":
        return (days.astype(np.int64) + 3) // 7 // type_.step
    if type_.aggregation in ("MONTH", "YEAR"):
        return days.astype("datetime64[M]").astype(np.int64) // (
            type_.step * (12 if type_.aggregation == "YEAR" else 1)
        )
    return days.astype(np.int64) // type_.step


def _sizes(total: int, parts: int) -> np.ndarray:
    """How many of `total` things in a row fall into each of equal parts."""
    return np.bincount(np.arange(total) * parts // total, minlength=parts)


def _strip(there: np.ndarray, due: np.ndarray) -> list[float]:
    parts = min(STRIP, len(due))
    part = np.arange(len(due)) * parts // max(len(due), 1)
    return list(np.bincount(part, there, parts) / np.bincount(part, due, parts)) if parts else []


def _usual(returns: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Give the usual size of a return around each: the larger of that of the series and that of the blocks around it."""
    whole = _deviation(returns[counted])
    blocks = -(-len(returns) // _BLOCK)
    padded = np.full(blocks * _BLOCK, np.nan)
    padded[: len(returns)] = np.where(counted, returns, np.nan)
    rows = padded.reshape(blocks, _BLOCK)
    some = np.isfinite(rows).any(axis=1)
    size = np.zeros(blocks)
    size[some] = 1.4826 * np.nanmedian(np.abs(rows[some] - np.nanmedian(rows[some], axis=1)[:, None]), axis=1)
    around = np.maximum.reduce([size, np.append(size[1:], 0.0), np.append(0.0, size[:-1])])
    return np.maximum(np.repeat(around, _BLOCK)[: len(returns)], whole)


def _deviation(values: np.ndarray) -> float:
    """Robust standard deviation; of values that are mostly the same, from their mean absolute deviation."""
    if not len(values):
        return 0.0
    away = np.abs(values - np.median(values))
    return float(1.4826 * np.median(away)) or float(1.2533 * away.mean())


def _row_of(series: Series, bars: Bars, ex_day: str) -> int | None:
    """Give the first row from an ex-day on; None where no row lies before it or from it on."""
    row = int(np.searchsorted(bars.ts, day_bounds(series.instrument, ex_day, None)[0]))
    return row if 0 < row < len(bars) else None


def _same_day(series: Series, bars: Bars, row: int) -> bool:
    return day_of(series.instrument, int(bars.ts[row])) == day_of(series.instrument, int(bars.ts[row + 1]))


def _adjusted(series: Series, bars: Bars, moved: list[bool]) -> dict[str, np.ndarray]:
    """Give open and close with the splits taken out that the prices show."""
    factor = np.ones(len(bars))
    for action, shown in zip(series.actions, moved, strict=True):
        if shown and (row := _row_of(series, bars, action.ex_day)) is not None:
            factor[:row] /= action.value
    unit = 10.0**-bars.price_precision
    return {"open": bars.open * factor * unit, "close": bars.close * factor * unit}
