"""The points a sweep may try: an axis for each searched parameter, and what every point must fulfil.

Values of a range are counted in decimals, so that 0.1, 0.2, 0.3 are just that. A grid is walked with a stride of about the golden section
of its size that has no divisor in common with it: every combination comes once, those tried at any moment lie evenly, and nothing has
to be remembered but a number.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tino_engine import strategies
from tino_engine.contracts import Dimension
from tino_engine.errors import TinoError
from tino_engine.search.constraint import Constraint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tino_engine.contracts import Parameter, Strategy, SweepRequest
    from tino_engine.strategies import Value

MAX_VALUES = 10_000_000
"""Values of one axis."""
COUNTED = 1_000_000
"""Up to so many combinations are counted one by one against a constraint."""

_NUMBERS = ("integer", "number", "decimal")
_PARTS = 10
"""Steps of a grid's range that nobody gave a step to."""
_DIGITS = 6
"""Significant digits of numbers drawn from a range without steps."""
_MISSES = 10_000
"""Draws in a row that are known or not allowed before there is thought to be nothing left."""
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `first` in steps, `count` of them, made when asked for: a list of ten million need not exist."""

    first: Decimal
    step: Decimal
    count: int
    kind: str

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> Value:
        if not 0 <= place < self.count:
            raise IndexError
        return _in_kind(self.first + place * self.step, self.kind)


@dataclass(frozen=True, slots=True)
class Axis:
    """One searched parameter: `values`, or all numbers between `low` and `high` where there are none.

    `ordered` says that neighbours among the values are alike.
    """

    name: str
    kind: str
    values: Range | Sequence[Value] | None
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    ordered: bool = True

    def to_json(self) -> dict[str, Any]:
        """Give what the sampler has to know of it."""
        if self.values is None:
            return {"type": "range", "low": self.low, "high": self.high, "log": self.log}
        return {"type": "ordered" if self.ordered else "choice", "count": len(self.values)}

    def value(self, place: float) -> Value:
        """Give the value at a place: its number among the values, or the number itself."""
        if self.values is not None:
            return self.values[int(place)]
        return _in_kind(Decimal(f"{place:.{_DIGITS}g}"), self.kind)

    def place(self, value: Value) -> float:
        """Give the place of a value: the inverse of `value`."""
        if self.values is None:
            return _float(value)
        if isinstance(self.values, Range):
            return int((Decimal(str(value)) - self.values.first) / self.values.step)
        return self.values.index(value)

    def draw(self, source: random.Random) -> float:
        """Draw a place."""
        if self.values is not None:
            return source.randrange(len(self.values))
        if self.log:
            return math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        return source.uniform(self.low, self.high)

    def position(self, value: Value) -> float | None:
        """Give where between 0 and 1 a value lies; None where nothing is between two values."""
        if not self.ordered or value is None or isinstance(value, bool):
            return None
        low, high, number = self.low, self.high, _float(value)
        if self.values is not None:
            low, high = _float(self.values[0]), _float(self.values[len(self.values) - 1])
        if self.log and low > 0:
            low, high, number = math.log(low), math.log(high), math.log(number)
        return (number - low) / (high - low) if high > low else 0.0


class Space:
    """All points. `places` are their coordinates, `parameters` the values at them."""

    def __init__(self, axes: Sequence[Axis], constraint: Constraint | None, fixed: Mapping[str, Value]) -> None:
        self.axes = list(axes)
        self.constraint = constraint
        self._fixed = dict(fixed)

    @property
    def first(self) -> dict[str, Value]:
        """Some values of the searched parameters, allowed or not."""
        return self.parameters([axis.low if axis.values is None else 0 for axis in self.axes])

    def places(self, parameters: Mapping[str, Value]) -> list[float]:
        """Give the coordinates of a point."""
        return [axis.place(parameters[axis.name]) for axis in self.axes]

    @cached_property
    def combinations(self) -> int | None:
        """How many there are before the constraint; None for a range without steps."""
        if any(axis.values is None for axis in self.axes):
            return None
        return math.prod(len(axis.values) for axis in self.axes if axis.values is not None)

    def parameters(self, places: Sequence[float]) -> dict[str, Value]:
        """Give the values of the searched parameters."""
        return {axis.name: axis.value(place) for axis, place in zip(self.axes, places, strict=True)}

    def allows(self, parameters: Mapping[str, Value]) -> bool:
        """Say whether a point fulfils the constraint."""
        return self.constraint is None or self.constraint.allows({**self._fixed, **parameters})

    def count(self) -> int | None:
        """Count the points that are allowed; None when there are more than are counted. May take seconds."""
        if self.constraint is None or self.combinations is None or self.combinations > COUNTED:
            return self.combinations if self.constraint is None else None
        return sum(self.allows(self.parameters(self._at(number))) for number in range(self.combinations))

    def walk(self, seed: int) -> Iterator[dict[str, Value]]:
        """Give every allowed point once, evenly, from a place that the seed decides."""
        size = self.combinations
        assert size is not None, "a grid has steps"
        if not size:
            return
        stride = max(1, round(size * _GOLDEN))
        while math.gcd(stride, size) != 1:
            stride += 1
        place = random.Random(seed).randrange(size)  # noqa: S311 - nothing secret
        for _ in range(size):
            parameters = self.parameters(self._at(place))
            if self.allows(parameters):
                yield parameters
            place = (place + stride) % size

    def sample(self, seed: int) -> Iterator[dict[str, Value]]:
        """Draw allowed points, none twice, until none is found any more."""
        source = random.Random(seed)  # noqa: S311 - nothing secret
        known: set[tuple[Any, ...]] = set()
        misses = 0
        while misses < _MISSES:
            parameters = self.parameters([axis.draw(source) for axis in self.axes])
            key = tuple(map(str, parameters.values()))
            if key in known or not self.allows(parameters):
                misses += 1
                continue
            misses = 0
            known.add(key)
            yield parameters
        if self.combinations is not None and self.combinations <= COUNTED:
            # What drawing no longer finds is looked for.
            for parameters in self.walk(seed):
                if tuple(map(str, parameters.values())) not in known:
                    yield parameters

    def _at(self, number: int) -> list[int]:
        places = []
        for axis in reversed(self.axes):
            assert axis.values is not None
            number, place = divmod(number, len(axis.values))
            places.append(place)
        return places[::-1]


def resolve_space(request: SweepRequest, strategy: Strategy) -> tuple[Space, list[Dimension]]:
    """Give the space of a request, and its dimensions with what the schema fills in.

    Raises `sweep_dimension_invalid`, `sweep_constraint_invalid`, and what is wrong with a parameter.
    """
    known = {parameter.name: parameter for parameter in strategy.parameters}
    given = dict(request.backtest.parameters)
    axes: list[Axis] = []
    for dimension in request.dimensions:
        if dimension.name not in known:
            named = ", ".join(known) or "none"
            raise _invalid(dimension.name, f"{strategy.name} has no such parameter; it has {named}")
        if dimension.name in given:
            raise _invalid(dimension.name, "it has a fixed value as well")
        if any(axis.name == dimension.name for axis in axes):
            raise _invalid(dimension.name, "it is named twice")
        axes.append(_axis(known[dimension.name], dimension, grid=request.method == "grid"))
    fixed = strategies.complete(strategy, {**given, **Space(axes, None, {}).first})
    numbers = [name for name, parameter in known.items() if parameter.kind in _NUMBERS]
    text = (request.constraint or "").strip()
    constraint = Constraint(text, numbers, known.keys() - set(numbers)) if text else None
    return Space(axes, constraint, fixed), [_described(axis) for axis in axes]


def _axis(parameter: Parameter, dimension: Dimension, *, grid: bool) -> Axis:
    name, kind = parameter.name, parameter.kind
    if parameter.from_data:
        raise _invalid(name, "it receives the data")
    if dimension.values is not None:
        values = list(dict.fromkeys(_key(strategies.check_value(parameter, value)) for value in dimension.values))
        plain: list[Value] = [list(value) if isinstance(value, tuple) else value for value in values]
        if kind in _NUMBERS and None not in plain:
            return Axis(name, kind, sorted(plain, key=lambda value: Decimal(str(value))))
        return Axis(name, kind, plain, ordered=False)
    if kind == "boolean":
        return Axis(name, kind, [False, True], ordered=False)
    if kind == "choice":
        return Axis(name, kind, list(parameter.choices or ()), ordered=False)
    if kind not in _NUMBERS:
        raise _invalid(name, "it is not a number; name its values")
    return _range(parameter, dimension, grid=grid)


def _range(parameter: Parameter, dimension: Dimension, *, grid: bool) -> Axis:
    name, kind = parameter.name, parameter.kind
    low, high = _bounds(parameter, dimension)
    step = _decimal(dimension.step) or _decimal(parameter.multiple_of) or (Decimal(1) if kind == "integer" else None)
    if step is None and grid:
        step = _round_step((high - low) / _PARTS) if high > low else Decimal(1)
    if high < low:
        raise _invalid(name, f"its range starts at {_plain(low)} and ends at {_plain(high)}")
    log = dimension.scale == "log"
    if log and low <= 0:
        raise _invalid(name, "a logarithmic range starts above 0")
    if step is None:
        # A bound that is itself excluded is left by a millionth of the range.
        margin = (high - low) / 1_000_000
        low += margin if low == _decimal(parameter.exclusive_minimum) else 0
        high -= margin if high == _decimal(parameter.exclusive_maximum) else 0
        for bound in (low, high):
            strategies.check_value(parameter, _in_kind(bound, kind))
        return Axis(name, kind, None, float(low), float(high), log)
    # A bound of the schema that is itself excluded is a step away.
    if (
        dimension.from_ is None
        and parameter.exclusive_minimum is not None
        and low == _decimal(parameter.exclusive_minimum)
    ):
        low += step
    if (
        dimension.to is None
        and parameter.exclusive_maximum is not None
        and high == _decimal(parameter.exclusive_maximum)
    ):
        high -= step
    count = int((high - low) / step) + 1 if high >= low else 0
    if not 0 < count <= MAX_VALUES:
        raise _invalid(name, f"its range has {count:,} values" if count else "its range is empty")
    values = Range(low, step, count, kind)
    for place in (0, count - 1):
        strategies.check_value(parameter, values[place])
    return Axis(name, kind, values, float(low), float(high), log)


def _bounds(parameter: Parameter, dimension: Dimension) -> tuple[Decimal, Decimal]:
    """Take the range from the request, from the schema, or from around the default."""
    schema_low = parameter.exclusive_minimum if parameter.minimum is None else parameter.minimum
    schema_high = parameter.exclusive_maximum if parameter.maximum is None else parameter.maximum
    low = _decimal(dimension.from_ if dimension.from_ is not None else schema_low)
    high = _decimal(dimension.to if dimension.to is not None else schema_high)
    default = parameter.default
    if (
        (low is None or high is None)
        and isinstance(default, int | float | str)
        and not isinstance(default, bool)
        and default
    ):
        around = sorted((Decimal(str(default)) / 2, Decimal(str(default)) * 2))
        if parameter.kind == "integer":
            around = [Decimal(math.ceil(around[0])), Decimal(math.floor(around[1]))]
        low = around[0] if low is None else low
        high = max(low, around[1]) if high is None else high
    if low is None or high is None:
        raise _invalid(parameter.name, "its range has no end")
    return low, high


def _described(axis: Axis) -> Dimension:
    values, first, last, step = axis.values, None, None, None
    if values is None:
        first, last = axis.low, axis.high
    elif isinstance(values, Range):
        first, last, step = (
            float(values.first),
            float(values.first + (values.count - 1) * values.step),
            float(values.step),
        )
    return Dimension.model_validate(
        {
            "name": axis.name,
            "values": list(values) if values is not None and not isinstance(values, Range) else None,
            "from": first,
            "to": last,
            "step": step,
            "scale": "log" if axis.log else "linear",
        }
    )


def _round_step(step: Decimal) -> Decimal:
    """Give the nearest of 1, 2, 2.5 and 5 times a power of ten that is not greater."""
    power = Decimal(1).scaleb(step.adjusted())
    return max(factor * power for factor in map(Decimal, ("1", "2", "2.5", "5")) if factor * power <= step)


def _in_kind(number: Decimal, kind: str) -> Value:
    if kind == "integer":
        return int(number)
    return float(number) if kind == "number" else _plain(number)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def _float(value: Value) -> float:
    """Read a number that may be decimal text."""
    assert isinstance(value, int | float | str)
    return float(value)


def _key(value: Value) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _invalid(name: str, reason: str) -> TinoError:
    return TinoError("sweep_dimension_invalid", name=name, reason=reason, field=f"dimensions.{name}")
