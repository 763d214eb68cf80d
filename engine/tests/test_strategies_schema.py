"""What a config class asks for: kinds, limits, defaults, choices, descriptions, however they are written."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import pytest
from nautilus_trader import model
from nautilus_trader.trading import StrategyConfig

from tino_engine.errors import TinoError
from tino_engine.strategies import find_strategies, get_strategy
from tino_engine.strategies.annotation import NAUTILUS_ENUMS
from tino_engine.strategies.schema import NAUTILUS_FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.contracts import Parameter
    from tino_engine.strategies import Found

HEAD = """\
from __future__ import annotations
import dataclasses, decimal, enum, math, typing
import annotated_types as at
import msgspec
from collections.abc import Sequence
from dataclasses import dataclass, field, KW_ONLY
from decimal import Decimal
from enum import Enum, auto
from typing import Annotated, ClassVar, Final, Literal, NewType, Optional, TypeAlias, Union
from annotated_types import Ge, Gt, Interval, Le, Lt, MultipleOf
from annotated_doc import Doc
from pydantic import Field, PositiveInt
from nautilus_trader.model import BarType, InstrumentId, OrderSide, Symbol, TimeInForce, Venue
from nautilus_trader.trading import Strategy, StrategyConfig
from nautilus_trader.config import NonNegativeFloat

FAST = 10
SLOW: Final = 2 * FAST
HALF = Decimal("0.5")
NAME = "a" + "b"
HUGE = 10 ** 10 ** 10
Period = Annotated[int, Ge(2), Le(200)]
type Share = Annotated[float, Gt(0), Le(1)]
Days = NewType("Days", int)

class Side(Enum):
    LONG = auto()
    SHORT = auto()
    _ignored = 1
    def opposite(self): ...

class Speed(str, Enum):
    SLOW = "slow"

"""


def found_in(fields: str, config: str = "@dataclass(frozen=True)\nclass C:") -> Found:
    source = (
        HEAD
        + config
        + "\n"
        + indent(dedent(fields), "    ")
        + "\nclass S(Strategy):\n    def __init__(self, config: C): ...\n"
    )
    return find_strategies("/w/s.py", source)


def parameters(fields: str, config: str = "@dataclass(frozen=True)\nclass C:") -> list[Parameter]:
    (strategy,) = found_in(fields, config).strategies
    return strategy.parameters


LIMITS = ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum", "multiple_of")
DEFAULTS: dict[str, Any] = {
    "required": False, "nullable": False, "from_data": False, "default": None, "choices": None, "description": None,
    **dict.fromkeys(LIMITS),
}  # fmt: skip

FIELDS: list[tuple[str, dict[str, Any]]] = [
    # Kinds
    ("x: int", {"kind": "integer", "required": True}),
    ("x: float", {"kind": "number", "required": True}),
    ("x: bool", {"kind": "boolean", "required": True}),
    ("x: str", {"kind": "text", "required": True}),
    ("x: Decimal", {"kind": "decimal", "required": True}),
    ("x: decimal.Decimal", {"kind": "decimal", "required": True}),
    ("x: 'int'", {"kind": "integer", "required": True}),
    ("x: Period", {"kind": "integer", "required": True, "minimum": 2, "maximum": 200}),
    ("x: Share", {"kind": "number", "required": True, "exclusive_minimum": 0, "maximum": 1}),
    ("x: Days", {"kind": "integer", "required": True}),
    ("x: Final[int] = 1", {"kind": "integer", "default": 1}),
    ("x: dataclasses.InitVar[int] = 1", {"kind": "integer", "default": 1}),
    ("x: int | float", {"kind": "number", "required": True}),
    ("x: Union[Decimal, int, str]", {"kind": "decimal", "required": True}),
    ("x: InstrumentId", {"kind": "instrument", "from_data": True}),
    ("x: 'InstrumentId'", {"kind": "instrument", "from_data": True}),
    ("x: InstrumentId | str", {"kind": "instrument", "from_data": True}),
    ("x: InstrumentId | None = None", {"kind": "instrument", "from_data": True, "nullable": True}),
    ("x: BarType", {"kind": "barType", "from_data": True}),
    ("x: list[InstrumentId]", {"kind": "instruments", "from_data": True}),
    ("x: tuple[BarType, ...]", {"kind": "barTypes", "from_data": True}),
    ("x: tuple[BarType, BarType]", {"kind": "barTypes", "from_data": True}),
    ("x: Sequence[BarType] = ()", {"kind": "barTypes", "from_data": True, "default": []}),
    ("x: list['BarType'] = field(default_factory=list)", {"kind": "barTypes", "from_data": True, "default": []}),
    # Nullable
    ("x: int | None", {"kind": "integer", "required": True, "nullable": True}),
    ("x: Optional[int] = None", {"kind": "integer", "nullable": True}),
    ("x: Union[int, None] = 5", {"kind": "integer", "nullable": True, "default": 5}),
    ("x: int = None", {"kind": "integer", "nullable": True}),
    ("x: Period | None = None", {"kind": "integer", "nullable": True, "minimum": 2, "maximum": 200}),
    ("x: Annotated[int | None, Ge(2)] = None", {"kind": "integer", "nullable": True, "minimum": 2}),
    # Limits
    ("x: Annotated[int, Ge(2), Le(200)] = 10", {"kind": "integer", "default": 10, "minimum": 2, "maximum": 200}),
    ("x: Annotated[float, Gt(0), Lt(1)] = .5", {"kind": "number", "default": 0.5, "exclusive_minimum": 0, "exclusive_maximum": 1}),
    ("x: Annotated[int, Interval(ge=FAST, lt=SLOW)] = 12", {"kind": "integer", "default": 12, "minimum": 10, "exclusive_maximum": 20}),
    ("x: Annotated[int, at.Ge(ge=-3), at.MultipleOf(5)] = 5", {"kind": "integer", "default": 5, "minimum": -3, "multiple_of": 5}),
    ("x: Annotated[int, msgspec.Meta(ge=1, le=9)] = 5", {"kind": "integer", "default": 5, "minimum": 1, "maximum": 9}),
    ("x: Annotated[int, Field(gt=1, description='Bars.')] = 5", {"kind": "integer", "default": 5, "exclusive_minimum": 1, "description": "Bars."}),
    ("x: int = Field(default=5, ge=2, le=200, description='Bars.')", {"kind": "integer", "default": 5, "minimum": 2, "maximum": 200, "description": "Bars."}),
    ("x: int = Field(..., ge=2)", {"kind": "integer", "required": True, "minimum": 2}),
    ("x: Annotated[int, 'Bars.', object()] = 5", {"kind": "integer", "default": 5, "description": "Bars."}),
    ("x: Annotated[int, Doc('Bars.')] = 5", {"kind": "integer", "default": 5, "description": "Bars."}),
    ("x: PositiveInt = 5", {"kind": "integer", "default": 5, "exclusive_minimum": 0}),
    ("x: NonNegativeFloat = 0.0", {"kind": "number", "default": 0.0, "minimum": 0}),
    ("x: Annotated[Decimal, Ge(Decimal('0.1'))] = HALF", {"kind": "decimal", "default": "0.5", "minimum": 0.1}),
    # Choices
    ("x: Literal['a', 'b'] = 'b'", {"kind": "choice", "choices": ["a", "b"], "default": "b"}),
    ("x: Literal[5, 10, None] = None", {"kind": "choice", "choices": ["5", "10"], "nullable": True}),
    ("x: Literal[5, 10] = 10", {"kind": "choice", "choices": ["5", "10"], "default": "10"}),
    ("x: Side = Side.SHORT", {"kind": "choice", "choices": ["LONG", "SHORT"], "default": "SHORT"}),
    ("x: Speed", {"kind": "choice", "choices": ["SLOW"], "required": True}),
    ("x: OrderSide = OrderSide.SELL", {"kind": "choice", "choices": ["BUY", "SELL"], "default": "SELL"}),
    # Defaults
    ("x: int = -5", {"kind": "integer", "default": -5}),
    ("x: int = 60 * 24", {"kind": "integer", "default": 1440}),
    ("x: int = 10_000", {"kind": "integer", "default": 10_000}),
    ("x: int = FAST", {"kind": "integer", "default": 10}),
    ("x: int = SLOW", {"kind": "integer", "default": 20}),
    ("x: int = HUGE", {"kind": "integer"}),
    ("x: int = len('abc')", {"kind": "integer"}),
    ("x: int = True", {"kind": "integer"}),
    ("x: float = math.inf", {"kind": "number"}),
    ("x: float = 1e400", {"kind": "number"}),
    ("x: float = 1 / 4", {"kind": "number", "default": 0.25}),
    ("x: float = 1 / 0", {"kind": "number"}),
    ("x: float = 1", {"kind": "number", "default": 1}),
    ("x: Decimal = Decimal('-1E-3')", {"kind": "decimal", "default": "-0.001"}),
    ("x: Decimal = Decimal(10)", {"kind": "decimal", "default": "10"}),
    ("x: Decimal = Decimal('ten')", {"kind": "decimal"}),
    ("x: str = NAME", {"kind": "text", "default": "ab"}),
    ("x: bool = field(default=True)", {"kind": "boolean", "default": True}),
    ("x: InstrumentId = InstrumentId.from_str('A.X')", {"kind": "instrument", "from_data": True, "default": "A.X"}),
    ("x: InstrumentId = InstrumentId(Symbol('A'), Venue('X'))", {"kind": "instrument", "from_data": True, "default": "A.X"}),
    ("x: BarType = BarType.from_str('A.X-1-DAY-LAST-EXTERNAL')", {"kind": "barType", "from_data": True, "default": "A.X-1-DAY-LAST-EXTERNAL"}),
    ("x: tuple[InstrumentId, ...] = (InstrumentId.from_str('A.X'),)", {"kind": "instruments", "from_data": True, "default": ["A.X"]}),
    # Descriptions
    ("x: int = 5  # Bars of the average.", {"kind": "integer", "default": 5, "description": "Bars of the average."}),
    ("x: int = 5  #: Bars.", {"kind": "integer", "default": 5, "description": "Bars."}),
    ("x: int = 5  # noqa: E501", {"kind": "integer", "default": 5}),
    ("x: int = 5  # type: ignore", {"kind": "integer", "default": 5}),
    ("x: str = '#'  # Not 'this' # but that.", {"kind": "text", "default": "#", "description": "Not 'this' # but that."}),
    ("x: str = 'é😀'  # After wide characters.", {"kind": "text", "default": "é😀", "description": "After wide characters."}),
    ("x: int = (\n    5\n)  # Below.", {"kind": "integer", "default": 5, "description": "Below."}),
    ("#: Bars of\n#: the average.\nx: int = 5", {"kind": "integer", "default": 5, "description": "Bars of the average."}),
    ("x: int = 5\n'''Bars of\nthe average.'''", {"kind": "integer", "default": 5, "description": "Bars of the average."}),
    ("'''Doc.\n\nAttributes:\n    x: Bars of the\n        average.\n    y: Other.\n'''\nx: int = 5", {"kind": "integer", "default": 5, "description": "Bars of the average."}),
    ("'''Doc.\n\nArgs:\n    x (int): Bars.\n'''\nx: int = 5", {"kind": "integer", "default": 5, "description": "Bars."}),
    ("'''Doc.\n\nParameters\n----------\nx : int, default 5\n    Bars of\n    the average.\ny : int\n    Other.\n'''\nx: int = 5", {"kind": "integer", "default": 5, "description": "Bars of the average."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FIELDS, ids=[row[0].replace("\n", "⏎") for row in FIELDS])
def test_reads_a_field(text: str, expected: dict[str, Any]) -> None:
    (parameter,) = parameters(text)
    read = parameter.model_dump(by_alias=False, exclude={"name", "line"})
    assert read == DEFAULTS | expected
    assert parameter.name == "x"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x: int = 1\ny: ClassVar[int] = 2\n_z: int = 3\n_: KW_ONLY\nu = 4\nw: int = field(init=False, default=1)\nv: int = 5", ["x", "v"]),
        ("pass", []),
        ("def __init__(self, x: InstrumentId, *, y: int = 5, z=1): ...", ["x", "y"]),
    ],
)  # fmt: skip
def test_takes_only_fields(text: str, names: list[str]) -> None:
    assert [parameter.name for parameter in parameters(text)] == names


def test_nautilus_own_fields_are_none() -> None:
    fields = "order_id_tag: str = '001'\nlog_events: bool = True\nfast: int = 5"
    assert [p.name for p in parameters(fields, "class C(StrategyConfig, frozen=True):")] == ["fast"]
    assert [p.name for p in parameters(fields)] == ["order_id_tag", "log_events", "fast"]


def test_fields_are_inherited_in_the_order_of_a_dataclass(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("class Base:\n    a: int = 1  # First.\n    b: int = 2\n")
    path = tmp_path / "s.py"
    path.write_text(
        "from base import Base\nfrom nautilus_trader.trading import Strategy\n"
        "class Middle(Base):\n    c: int = 3\nclass C(Middle):\n    a: float = 9.5\n    d: int = 4\n"
        "class S(Strategy):\n    def __init__(self, config: C): ...\n"
    )
    (strategy,) = find_strategies(str(path), path.read_text(), [str(tmp_path)]).strategies
    assert [(p.name, p.kind, p.default) for p in strategy.parameters] == [
        ("a", "number", 9.5),
        ("b", "integer", 2),
        ("c", "integer", 3),
        ("d", "integer", 4),
    ]


def test_types_are_followed_into_other_files(tmp_path: Path) -> None:
    (tmp_path / "kinds.py").write_text(
        "from typing import Annotated\nfrom annotated_types import Ge\nfrom enum import Enum\n"
        "LOW = 3\nPeriod = Annotated[int, Ge(LOW)]\nclass Base(Enum): ...\nclass Side(Base):\n    UP = 1\n    DOWN = 2\n"
    )
    path = tmp_path / "s.py"
    path.write_text(
        "import kinds\nfrom kinds import Period\nfrom nautilus_trader.trading import Strategy\n"
        "class SConfig:\n    period: Period = kinds.LOW\n    side: kinds.Side = kinds.Side.UP\nclass S(Strategy): ...\n"
    )
    (strategy,) = find_strategies(str(path), path.read_text(), [str(tmp_path)]).strategies
    period, side = strategy.parameters
    assert (period.kind, period.default, period.minimum) == ("integer", 3, 3)
    assert (side.kind, side.default, side.choices) == ("choice", "UP", ["UP", "DOWN"])


@pytest.mark.parametrize(
    ("annotation", "default", "blocking"),
    [
        ("dict[str, int]", "", True),
        ("dict[str, int]", " = None", False),
        ("list[int]", "", True),
        ("Undefined", "", True),
        ("InstrumentId | BarType", "", True),
        ("Literal[1.5]", "", True),
        ("Period[3]", "", True),
        ("'not an (annotation'", "", True),
        ("3", "", True),
        ("lambda: 1", "", True),
    ],
)
def test_a_field_nobody_can_fill_is_a_problem(annotation: str, default: str, *, blocking: bool) -> None:
    found = found_in(f"ä_x: int = 1; x: {annotation}{default}\ny: int = 5")
    (strategy,) = found.strategies
    assert [parameter.name for parameter in strategy.parameters] == ["ä_x", "y"]
    (problem,) = found.all_problems
    assert problem.blocking is blocking
    assert problem.error.code == "parameter_unsupported"
    assert problem.error.field == "x"
    assert "C.x" in problem.error.message
    assert problem.error.location is not None
    assert problem.error.location.line == problem.span.line == HEAD.count("\n") + 3
    text = f"    ä_x: int = 1; x: {annotation}"
    assert (problem.span.column, problem.span.end_column) == (text.index("x: ", 10) + 3, len(text))


def test_a_strategy_that_cannot_be_filled_says_so_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "s.py"
    path.write_text(
        "from nautilus_trader.trading import Strategy\nclass Bad:\n    x: dict\nclass A(Strategy):\n    config: Bad\nclass B(Strategy): ...\n"
    )
    with pytest.raises(TinoError) as caught:
        get_strategy(path, "A")
    assert caught.value.code == "parameter_unsupported"
    assert get_strategy(path, "B").parameters == []


def test_members_of_nautilus_enumerations_are_those_of_the_library() -> None:
    for name, members in NAUTILUS_ENUMS.items():
        assert tuple(str(member) for member in getattr(model, name).variants()) == members


def test_config_fields_of_nautilus_are_those_of_the_library() -> None:
    assert {name for name in dir(StrategyConfig) if not name.startswith("_")} <= NAUTILUS_FIELDS
