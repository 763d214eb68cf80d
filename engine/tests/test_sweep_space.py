"""What a sweep tries and which point it picks: ranges, constraints, order, plateau. By hand, or by counting another way."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tino_engine.contracts import Strategy, SweepRequest
from tino_engine.errors import TinoError
from tino_engine.search.constraint import Constraint
from tino_engine.search.plateau import find_stable
from tino_engine.search.space import Axis, resolve_space

if TYPE_CHECKING:
    from tino_engine.search.space import Space


def parameter(name: str, kind: str, default: Any = None, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "choices", "description")
    )
    fixed = {"required": default is None, "nullable": False, "fromData": kind == "barType", "line": 1}
    return {"name": name, "kind": kind, "default": default, **empty, **fixed, **more}


STRATEGY = Strategy.model_validate(
    {
        "path": "/s.py",
        "name": "S",
        "line": 1,
        "description": None,
        "configName": "C",
        "parameters": [
            parameter("bar_type", "barType"),
            parameter("fast", "integer", 10, minimum=2, maximum=200),
            parameter("slow", "integer", 20, exclusiveMinimum=0, exclusiveMaximum=50, multipleOf=5),
            parameter("free", "integer", 7),
            parameter("ratio", "number", 0.5, exclusiveMinimum=0, maximum=1),
            parameter("stop", "decimal", "0.1", minimum=0.1, maximum=0.5, multipleOf=0.1),
            parameter("side", "choice", "LONG", choices=["LONG", "SHORT"]),
            parameter("trail", "boolean", False),
            parameter("label", "text", "a"),
            parameter("endless", "number"),
        ],
    }
)


def space_of(*dimensions: dict[str, Any], **more: Any) -> Space:
    body = {"backtest": {"path": "/s.py", "parameters": {"endless": 1}}, "dimensions": list(dimensions), **more}
    return resolve_space(SweepRequest.model_validate(body), STRATEGY)[0]


@pytest.mark.parametrize(
    ("dimension", "method", "values"),
    [
        ({"name": "fast", "from": 5, "to": 20, "step": 5}, "grid", [5, 10, 15, 20]),
        ({"name": "fast", "from": 5, "to": 21, "step": 5}, "grid", [5, 10, 15, 20]),
        ({"name": "fast", "from": 8, "to": 10}, "tpe", [8, 9, 10]),
        ({"name": "slow"}, "grid", [5, 10, 15, 20, 25, 30, 35, 40, 45]),
        ({"name": "free"}, "grid", [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        ({"name": "ratio", "from": 0.1, "to": 0.5}, "grid", [round(0.1 + 0.025 * n, 3) for n in range(17)]),
        ({"name": "ratio"}, "random", None),
        ({"name": "stop"}, "grid", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ({"name": "stop", "values": ["0.3", 0.1, "0.3"]}, "grid", ["0.1", "0.3"]),
        ({"name": "side"}, "grid", ["LONG", "SHORT"]),
        ({"name": "trail"}, "random", [False, True]),
        ({"name": "label", "values": ["b", "a"]}, "grid", ["b", "a"]),
    ],
)  # fmt: skip
def test_which_values_a_dimension_has(dimension: dict[str, Any], method: str, values: list[Any] | None) -> None:
    axis = space_of(dimension, method=method).axes[0]
    assert (None if axis.values is None else [axis.value(place) for place in range(len(axis.values))]) == values
    if values is not None:
        assert [axis.place(value) for value in values] == list(range(len(values)))


@pytest.mark.parametrize(
    ("dimensions", "more", "code"),
    [
        ([{"name": "nope"}], {}, "sweep_dimension_invalid"),
        ([{"name": "bar_type"}], {}, "sweep_dimension_invalid"),
        ([{"name": "label"}], {}, "sweep_dimension_invalid"),
        ([{"name": "endless"}], {}, "sweep_dimension_invalid"),
        ([{"name": "fast"}, {"name": "fast"}], {}, "sweep_dimension_invalid"),
        ([{"name": "fast", "from": 20, "to": 10}], {}, "sweep_dimension_invalid"),
        ([{"name": "fast", "from": 1, "to": 10}], {}, "parameter_out_of_range"),
        ([{"name": "fast", "values": [10, 201]}], {}, "parameter_out_of_range"),
        ([{"name": "fast", "values": ["x"]}], {}, "parameter_invalid"),
        ([{"name": "free", "from": 1, "to": 1e12}], {}, "sweep_dimension_invalid"),
        ([{"name": "ratio", "from": 0, "to": 1, "scale": "log"}], {"method": "tpe"}, "sweep_dimension_invalid"),
        ([{"name": "fast"}], {"constraint": "fast <"}, "sweep_constraint_invalid"),
        ([{"name": "fast"}], {"constraint": "quick < slow"}, "sweep_constraint_invalid"),
        ([{"name": "fast"}], {"constraint": "__import__('os').system('x')"}, "sweep_constraint_invalid"),
        ([{"name": "fast"}], {"constraint": "fast.real < 3"}, "sweep_constraint_invalid"),
        ([{"name": "fast"}], {"constraint": "[x for x in (1,)]"}, "sweep_constraint_invalid"),
        ([{"name": "fast"}], {"constraint": "9 ** 9 ** 9 > fast"}, "sweep_constraint_invalid"),
        ([{"name": "fast"}], {"constraint": "(" * 250 + "fast" + ")" * 250}, "sweep_constraint_invalid"),
    ],
)
def test_what_cannot_be_searched(dimensions: list[dict[str, Any]], more: dict[str, Any], code: str) -> None:
    backtest = {"path": "/s.py", "parameters": {} if dimensions[0]["name"] == "endless" else {"endless": 1}}
    request = SweepRequest.model_validate({"backtest": backtest, "dimensions": dimensions, **more})
    with pytest.raises(TinoError) as raised:
        resolve_space(request, STRATEGY)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("fast < slow", True),
        ("fast < slow < 21 and not trail", True),
        ("slow - fast >= 10 or fast * 2 == 3", True),
        ("abs(fast - slow) // 3 != 3", False),
        ("max(fast, slow) % 7 == 6 and stop <= 0.3", True),
        ("stop > 0.3", False),
        ("side == 'LONG' and -fast < +slow", True),
        ("fast / (slow - 20) > 1", False),
        ("side * 1000000000 == 'x'", False),
        ("side < fast", False),
        ("trail == false", True),
    ],
)
def test_what_a_constraint_allows(text: str, allowed: bool) -> None:
    values = {"fast": 10, "slow": 20, "stop": "0.3", "side": "LONG", "trail": False}
    assert Constraint(text, ["fast", "slow", "stop"], ["side", "trail"]).allows(values) is allowed


def test_a_grid_is_walked_once_evenly_and_the_same_way_again() -> None:
    space = space_of(
        {"name": "fast", "from": 2, "to": 60}, {"name": "slow"}, {"name": "side"}, constraint="fast < slow"
    )
    expected = {
        (fast, slow, side)
        for fast, slow, side in itertools.product(range(2, 61), range(5, 50, 5), ("LONG", "SHORT"))
        if fast < slow
    }
    walked = [tuple(point.values()) for point in space.walk(7)]
    assert len(walked) == len(expected) == space.count()
    assert set(walked) == expected
    assert walked == [tuple(point.values()) for point in space.walk(7)]
    assert walked != [tuple(point.values()) for point in space.walk(8)]
    # A tenth of it already lies in every tenth of the range of fast.
    early = [float(point[0]) for point in walked[: len(walked) // 10]]  # type: ignore[arg-type] - a range of numbers
    assert all(any(low <= fast < low + 5 for fast in early) for low in range(2, 42, 5))


def test_drawing_finds_everything_there_is_and_keeps_to_bounds() -> None:
    space = space_of({"name": "slow"}, {"name": "side"}, method="random", constraint="slow > 10")
    drawn = [tuple(point.values()) for point in space.sample(1)]
    assert sorted(drawn) == sorted(itertools.product(range(15, 50, 5), ("LONG", "SHORT")))
    ratio = space_of({"name": "ratio", "from": 0.001, "to": 1, "scale": "log"}, method="random")
    assert ratio.combinations is None
    numbers = [float(point["ratio"]) for point in itertools.islice(ratio.sample(1), 500)]  # type: ignore[arg-type] - a range of numbers
    assert all(0.001 <= number <= 1 for number in numbers)
    assert 120 < sum(number < 0.01 for number in numbers) < 215, "a third of the decades is a third of the draws"


def test_the_plateau_is_not_the_peak() -> None:
    """On a line: a lone peak of 10 at place 1, a plateau of 5, 6, 5 around place 6. By hand: 16/3 against 12/3; the edge does not count."""
    line = [1, 10, 1, 0, 1, 5, 6, 5, 1]
    axis = Axis("a", "integer", range(len(line)))
    points = [(number, {"a": number}, float(value)) for number, value in enumerate(line)]
    found = find_stable([axis], points, maximize=True, partial=False)
    assert found is not None
    assert (found.number, found.mean, found.worst, found.neighbours) == (6, pytest.approx(16 / 3), 5.0, [5, 7])
    down = find_stable([axis], [(n, p, -v) for n, p, v in points if v is not None], maximize=False, partial=False)
    assert down is not None
    assert (down.number, down.mean, down.worst) == (6, pytest.approx(-16 / 3), -5.0)
    # A neighbour without a figure counts as the worst of all.
    holed = find_stable([axis], [(n, p, None if n == 5 else v) for n, p, v in points], maximize=True, partial=False)
    assert holed is not None
    assert (holed.number, holed.mean, holed.worst) == (1, 4.0, 1.0), "(1 + 10 + 1) / 3 is more than (0 + 6 + 5) / 3"
    assert find_stable([axis], [(0, {"a": 0}, None)], maximize=True, partial=False) is None


def test_where_there_are_no_steps_a_tenth_of_the_range_is_near() -> None:
    axes = [Axis("x", "number", None, 0.0, 1.0), Axis("side", "choice", ["L", "S"], ordered=False)]
    cluster = [(n, {"x": 0.5 + n / 100, "side": "L"}, 5.0) for n in range(5)]
    lonely = [(10, {"x": 0.0, "side": "L"}, 50.0), (11, {"x": 0.52, "side": "S"}, 40.0)]
    found = find_stable(axes, [*cluster, *lonely], maximize=True, partial=True)
    assert found is not None
    assert (found.number, found.mean, found.neighbours) == (0, 5.0, [1, 2, 3, 4])
