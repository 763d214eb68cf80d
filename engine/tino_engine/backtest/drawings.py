"""What a strategy drew: the values of its registered indicators after each bar, and its `tino.plot`s.

Reading indicators happens at every bar of a run, so `Drawings.sample` is the one place here where nanoseconds count: once all
indicators have had enough bars, it is a function generated for just these lines, as `dataclasses` generates methods; it takes
half of what a loop over them takes. Labels and panes are found once, when the run is over.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tino.drawing import PRICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MAX_PLOTS = 64
"""Lines a strategy may add by `tino.plot`; a chart with more shows nothing, and each costs as much as the equity."""

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an indicator is drawn: its short name, its values, whether they are prices, and what tells two of them apart."""

    short: str
    prices: bool = False
    values: tuple[str, ...] = ("value",)
    settings: tuple[str, ...] = ("period",)


_BANDS = ("upper", "middle", "lower")
_FAST_SLOW = ("fast_period", "slow_period")

_KINDS: dict[str, _Kind] = {
    "AdaptiveMovingAverage": _Kind("AMA", True, settings=("period_efficiency_ratio", "period_fast", "period_slow")),
    "ArcherMovingAveragesTrends": _Kind("AMAT", values=("long_run", "short_run"), settings=_FAST_SLOW),
    "AroonOscillator": _Kind("Aroon", values=("aroon_up", "aroon_down", "value")),
    "AverageTrueRange": _Kind("ATR"),
    "Bias": _Kind("Bias"),
    "BollingerBands": _Kind("BB", True, _BANDS, ("period", "k")),
    "ChandeMomentumOscillator": _Kind("CMO"),
    "CommodityChannelIndex": _Kind("CCI"),
    "DirectionalMovement": _Kind("DM", values=("pos", "neg")),
    "DonchianChannel": _Kind("Donchian", True, _BANDS),
    "DoubleExponentialMovingAverage": _Kind("DEMA", True),
    "EfficiencyRatio": _Kind("ER"),
    "ExponentialMovingAverage": _Kind("EMA", True),
    "HullMovingAverage": _Kind("HMA", True),
    "IchimokuCloud": _Kind(
        "Ichimoku",
        True,
        ("tenkan_sen", "kijun_sen", "senkou_span_a", "senkou_span_b", "chikou_span"),
        ("tenkan_period", "kijun_period", "senkou_period"),
    ),
    "KeltnerChannel": _Kind("Keltner", True, _BANDS, ("period", "k_multiplier")),
    "KeltnerPosition": _Kind("Keltner position", settings=("period", "k_multiplier")),
    "KlingerVolumeOscillator": _Kind("KVO", settings=(*_FAST_SLOW, "signal_period")),
    "LinearRegression": _Kind("LinReg", True),
    "MovingAverageConvergenceDivergence": _Kind(
        "MACD", values=("value", "signal", "histogram"), settings=(*_FAST_SLOW, "signal_period")
    ),
    "OnBalanceVolume": _Kind("OBV"),
    "Pressure": _Kind("Pressure"),
    "PsychologicalLine": _Kind("PSY"),
    "RateOfChange": _Kind("ROC"),
    "RelativeStrengthIndex": _Kind("RSI"),
    "RelativeVolatilityIndex": _Kind("RVI"),
    "SimpleMovingAverage": _Kind("SMA", True),
    "Stochastics": _Kind("Stochastics", values=("value_k", "value_d"), settings=("period_k", "period_d")),
    "Swings": _Kind("Swings", True, ("high_price", "low_price")),
    "VariableIndexDynamicAverage": _Kind("VIDYA", True),
    "VerticalHorizontalFilter": _Kind("VHF"),
    "VolatilityRatio": _Kind("VR", settings=_FAST_SLOW),
    "VolumeWeightedAveragePrice": _Kind("VWAP", True, settings=()),
    "WeightedMovingAverage": _Kind("WMA", True),
    "WilderMovingAverage": _Kind("Wilder MA", True),
    "ZScore": _Kind("Z score"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One drawn line: `ts` (int64, nanoseconds, not falling), `values` (float64, NaN where there is none), both of one length."""

    label: str
    pane: str
    ts: np.ndarray
    values: np.ndarray


def _ignore(_bar: Any) -> None:
    pass


@dataclass(slots=True)
class _Recorded:
    """One value of one indicator."""

    indicator: Any
    value: str
    numbers: array[float] = field(default_factory=lambda: array("d"))

    def read(self) -> float:
        value = getattr(self.indicator, self.value)
        return _NAN if value is None else float(value)


@dataclass(slots=True)
class _Stream:
    """The indicators of one bar type."""

    bar_type: str
    ts: array[int] = field(default_factory=lambda: array("q"))
    recorded: list[_Recorded] = field(default_factory=list)
    sample: Callable[[Any], None] = _ignore


@dataclass(slots=True)
class _Plot:
    pane: str
    ts: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[float] = field(default_factory=lambda: array("d"))


class Drawings:
    """Collects while the run goes on; gives its lines afterwards.

    `sample` is None until an indicator is registered; then it is to be called with every bar, after the strategy has
    seen it: the indicators were updated before.
    """

    def __init__(self) -> None:
        self.sample: Callable[[Any], None] | None = None
        self.refused: set[str] = set()
        self._streams: dict[Any, _Stream] = {}
        self._subscribed: set[Any] = set()
        self._plots: dict[str, _Plot] = {}

    def subscribe(self, bar_type: Any) -> None:
        """Say that bars of this type will come; one that is not in the sampled streams must be told from them."""
        self._subscribed.add(bar_type)
        self._choose_sampler()

    def register(self, bar_type: Any, indicator: Any) -> None:
        """Record an indicator from now on, at each bar of this type. `bar_type` is what `bar.bar_type` will equal."""
        stream = self._streams.setdefault(bar_type, _Stream(str(bar_type)))
        if any(known.indicator is indicator for known in stream.recorded):
            return
        for value in _values(indicator):
            # Bars that were there before the indicator was: no value.
            stream.recorded.append(_Recorded(indicator, value, array("d", [_NAN]) * len(stream.ts)))
        self._choose_sampler()

    def plot(self, ts: int, name: str, value: float | None, pane: str) -> None:
        """Take a `tino.plot`."""
        line = self._plots.get(name)
        if line is None:
            if len(self._plots) >= MAX_PLOTS:
                self.refused.add(name)
                return
            line = self._plots[name] = _Plot(pane)
        line.numbers.append(_NAN if value is None else value)
        line.ts.append(ts)

    def not_ready(self, strategy: object) -> list[str]:
        """Name the registered indicators that never had enough bars."""
        return [
            _label(strategy, indicator)
            for stream in self._streams.values()
            for indicator in {id(recorded.indicator): recorded.indicator for recorded in stream.recorded}.values()
            if not indicator.initialized
        ]

    def lines(self, strategy: object, closes: np.ndarray) -> list[Line]:
        """Give every line, indicators first. `closes` (float64) tell whether an unknown indicator's values are prices."""
        found: list[Line] = []
        for stream in self._streams.values():
            origin = f" {stream.bar_type.partition('-')[0]}" if len(self._streams) > 1 else ""
            for recorded in stream.recorded:
                values = _without_resets(recorded)
                label = _label(strategy, recorded.indicator, recorded.value) + origin
                found.append(Line(label, _pane(recorded.indicator, values, closes), np.array(stream.ts), values))
        for name, plot in self._plots.items():
            found.append(Line(name, plot.pane, np.array(plot.ts), np.array(plot.numbers)))
        return list(_with_distinct_labels(found))

    def _choose_sampler(self) -> None:
        for stream in self._streams.values():
            stream.sample = _warm_up(stream)
        if len(self._streams) == 1 and not self._subscribed - set(self._streams):
            # The usual case pays nothing for telling bar types apart.
            (only,) = self._streams.values()
            self.sample = _warm_up(only, self)
        elif self._streams:
            streams = self._streams

            def sample(bar: Any) -> None:
                stream = streams.get(bar.bar_type)
                if stream is not None:
                    stream.sample(bar)

            self.sample = sample


def _warm_up(stream: _Stream, owner: _Stream | Drawings | None = None) -> Callable[[Any], None]:
    """Sample with a look at whether each indicator is ready; once all are, put a faster sampler in the owner's place for it."""
    holder = owner or stream

    def sample(bar: Any) -> None:
        stream.ts.append(bar.ts_event)
        ready = True
        for recorded in stream.recorded:
            if recorded.indicator.initialized:
                recorded.numbers.append(recorded.read())
            else:
                recorded.numbers.append(_NAN)
                ready = False
        if ready:
            holder.sample = _generate(stream.ts, stream.recorded)

    return sample


def _generate(ts: array[int], recorded: Sequence[_Recorded]) -> Callable[[Any], None]:
    """Generate the function that appends the time of a bar and every value."""
    names: dict[str, Any] = {"append": ts.append}
    body = ["def sample(bar):", "    append(bar.ts_event)"]
    for number, line in enumerate(recorded):
        names[f"append{number}"] = line.numbers.append
        # Attribute names are those of `_KINDS`; a foreign indicator is read by a function, since it may hold anything.
        known = type(line.indicator).__name__ in _KINDS
        names[f"source{number}"] = line.indicator if known else line.read
        body.append(f"    append{number}(source{number}{f'.{line.value}' if known else '()'})")
    exec("\n".join(body), names)  # noqa: S102 - no part of the text comes from outside, see above
    return names["sample"]


def _without_resets(recorded: _Recorded) -> np.ndarray:
    """Give the values; a price of zero is what an average holds after a reset, until its next bar."""
    values = np.array(recorded.numbers)
    kind = _KINDS.get(type(recorded.indicator).__name__)
    if kind is not None and kind.prices:
        values[values == 0] = _NAN
    return values


def _values(indicator: object) -> tuple[str, ...]:
    """Name the attributes that are drawn."""
    kind = _KINDS.get(type(indicator).__name__)
    if kind is not None:
        return kind.values
    return tuple(name for name in (("value",) if hasattr(indicator, "value") else _BANDS) if hasattr(indicator, name))


def _label(strategy: object, indicator: object, value: str | None = None) -> str:
    """Word an indicator: `fast (EMA 10)`, `bands upper (BB 20, 2)`."""
    kind = _KINDS.get(type(indicator).__name__, _Kind(type(indicator).__name__))
    settings = [getattr(indicator, name) for name in kind.settings if hasattr(indicator, name)]
    short = " ".join(filter(None, (kind.short, ", ".join(f"{setting:g}" for setting in settings))))
    several = value is not None and len(_values(indicator)) > 1 and value != "value"
    part = value.removeprefix("value_").replace("_", " ") if several and value is not None else ""
    name = " ".join(filter(None, (_attribute(strategy, indicator), part)))
    return f"{name} ({short})" if name else short


def _attribute(strategy: object, indicator: object) -> str:
    """Give the name under which the strategy keeps an indicator; empty when it is kept elsewhere."""
    for name, kept in vars(strategy).items():
        if kept is indicator:
            return name.lstrip("_")
        entries = kept.items() if isinstance(kept, dict) else enumerate(kept) if isinstance(kept, list | tuple) else ()
        for key, entry in entries:
            if entry is indicator:
                return f"{name.lstrip('_')}[{key}]"
    return ""


def _pane(indicator: object, values: np.ndarray, closes: np.ndarray) -> str:
    """Choose where an indicator belongs: over the candles if its values are prices, else in a pane named after it."""
    kind = _KINDS.get(type(indicator).__name__)
    if kind is not None:
        prices = kind.prices
    else:
        known = values[np.isfinite(values)]
        middle = float(np.median(known)) if len(known) else _NAN
        # Averages and bands stay near the prices; an oscillator's range has nothing to do with them.
        prices = bool(len(closes)) and 0.5 * closes.min() <= middle <= 2 * closes.max()
    return PRICE if prices else _label(object, indicator)


def _with_distinct_labels(lines: Iterable[Line]) -> Iterator[Line]:
    seen: dict[str, int] = {}
    for line in lines:
        count = seen[line.label] = seen.get(line.label, 0) + 1
        yield line if count == 1 else Line(f"{line.label} {count}", line.pane, line.ts, line.values)
