"""Given values against a schema: what is taken, what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tino_engine.contracts import Parameter, Strategy
from tino_engine.errors import TinoError
from tino_engine.strategies import complete, describe_range, parse_text

BASE: dict[str, Any] = {
    "required": False, "nullable": False, "from_data": False, "default": None, "choices": None, "description": None, "line": 1,
    "minimum": None, "exclusive_minimum": None, "maximum": None, "exclusive_maximum": None, "multiple_of": None,
}  # fmt: skip


def parameter(name: str, kind: str, **more: Any) -> Parameter:
    return Parameter(**{**BASE, "name": name, "kind": kind, **more})  # type: ignore[arg-type]


def strategy(*parameters: Parameter) -> Strategy:
    return Strategy(
        path="/w/s.py", name="Cross", line=1, description=None, config_name="C", parameters=list(parameters)
    )


FAST = parameter("fast", "integer", default=10, minimum=2.0, maximum=200.0)
CROSS = strategy(
    parameter("instrument_id", "instrument", from_data=True),
    parameter("bar_type", "barType", from_data=True, default="A.X-1-DAY-LAST-EXTERNAL"),
    FAST,
    parameter("share", "number", required=True, exclusive_minimum=0.0, maximum=1.0),
    parameter("stop", "decimal", nullable=True),
    parameter("computed", "integer"),
)

DAY = "AAPL.XNAS-1-DAY-LAST-EXTERNAL"
TAKEN: list[tuple[Parameter, Any, Any]] = [
    (parameter("x", "integer"), 5, 5),
    (parameter("x", "integer"), 5.0, 5),
    (parameter("x", "integer"), "-5", -5),
    (parameter("x", "integer"), "+5", 5),
    (parameter("x", "number"), 5, 5),
    (parameter("x", "number"), 0.1, 0.1),
    (parameter("x", "number"), "1e-3", 0.001),
    (parameter("x", "number"), ".5", 0.5),
    (parameter("x", "decimal"), "0.10", "0.10"),
    (parameter("x", "decimal"), "1E-3", "0.001"),
    (parameter("x", "decimal"), 0.1, "0.1"),
    (parameter("x", "decimal"), 3, "3"),
    (parameter("x", "boolean"), True, True),
    (parameter("x", "boolean"), "False", False),
    (parameter("x", "text"), "none", "none"),
    (parameter("x", "text"), "", ""),
    (parameter("x", "text", nullable=True), "none", None),
    (parameter("x", "integer", nullable=True), "None", None),
    (parameter("x", "integer", nullable=True), None, None),
    (parameter("x", "choice", choices=["BUY", "SELL"]), "SELL", "SELL"),
    (parameter("x", "choice", choices=["5", "10"]), 10, "10"),
    (parameter("x", "instrument"), "BRK.B.XNYS", "BRK.B.XNYS"),
    (parameter("x", "barType"), DAY, DAY),
    (parameter("x", "instruments"), ["A.X", "B.X"], ["A.X", "B.X"]),
    (parameter("x", "instruments"), "A.X, B.X", ["A.X", "B.X"]),
    (parameter("x", "barTypes"), DAY, [DAY]),
    (parameter("x", "barTypes"), [], []),
    (parameter("x", "integer", minimum=2.0, maximum=2.0), 2, 2),
    (parameter("x", "number", multiple_of=0.1), 0.3, 0.3),
    (parameter("x", "decimal", multiple_of=0.05), "1.15", "1.15"),
]

REFUSED: list[tuple[Parameter, Any, str]] = [
    (parameter("x", "integer"), 5.5, "x must be a whole number, not 5.5."),
    (parameter("x", "integer"), "5.0", "x must be a whole number, not 5.0."),
    (parameter("x", "integer"), "1_000", "x must be a whole number, not 1_000."),
    (parameter("x", "integer"), "٣", "x must be a whole number, not ٣."),
    (parameter("x", "integer"), "", "x must be a whole number, not empty text."),
    (parameter("x", "integer"), True, "x must be a whole number, not true."),
    (parameter("x", "integer"), None, "x must be a whole number, not nothing."),
    (parameter("x", "integer"), "none", "x must be a whole number, not none."),
    (parameter("x", "integer"), [1], "x must be a whole number, not [1]."),
    (parameter("x", "number"), "nan", "x must be a number, not nan."),
    (parameter("x", "number"), float("inf"), "x must be a number, not inf."),
    (parameter("x", "number"), "1e999", "x must be a number, not 1e999."),
    (parameter("x", "decimal"), "1,5", "x must be a decimal number, not 1,5."),
    (parameter("x", "boolean"), 1, "x must be true or false, not 1."),
    (parameter("x", "boolean"), "yes", "x must be true or false, not yes."),
    (parameter("x", "text"), 5, "x must be text, not 5."),
    (parameter("x", "choice", choices=["BUY", "SELL"]), "buy", "x must be one of BUY, SELL, not buy."),
    (parameter("x", "instrument"), "AAPL", "x must be an instrument id such as AAPL.XNAS, not AAPL."),
    (parameter("x", "barType"), "AAPL.XNAS-0-DAY-LAST-EXTERNAL", f"x must be a bar type such as {DAY}, not AAPL.XNAS-0-DAY-LAST-EXTERNAL."),
    (parameter("x", "instruments"), ["A.X", 5], "x must be a list of instrument ids such as AAPL.XNAS, not ['A.X', 5]."),
    (parameter("x", "barTypes"), "A.X", f"x must be a list of bar types such as {DAY}, not A.X."),
    (parameter("x", "integer"), "9" * 200, "x must be a whole number, not " + "9" * 60 + "…."),
    (parameter("x", "integer", minimum=2.0, maximum=200.0), 1, "x = 1 is outside 2 to 200."),
    (parameter("x", "integer", minimum=2.0, maximum=200.0), "201", "x = 201 is outside 2 to 200."),
    (parameter("x", "number", exclusive_minimum=0.0, maximum=1.0), 0, "x = 0 is outside 0 to 1, 0 excluded."),
    (parameter("x", "number", exclusive_minimum=0.0, exclusive_maximum=0.5), 0.5, "x = 0.5 is outside 0 to 0.5, 0 and 0.5 excluded."),
    (parameter("x", "number", minimum=0.5), 0.25, "x = 0.25 is outside 0.5 or more."),
    (parameter("x", "number", exclusive_minimum=0.0), 0, "x = 0 is outside more than 0."),
    (parameter("x", "integer", maximum=9.0), 10, "x = 10 is outside 9 or less."),
    (parameter("x", "integer", exclusive_maximum=9.0), 9, "x = 9 is outside less than 9."),
    (parameter("x", "integer", multiple_of=5.0), 7, "x = 7 is outside steps of 5."),
    (parameter("x", "decimal", minimum=0.1), "0.09999999999999999999", "x = 0.09999999999999999999 is outside 0.1 or more."),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "given_value", "expected"), TAKEN)
def test_takes(schema: Parameter, given_value: Any, expected: Any) -> None:
    taken = complete(strategy(schema), {"x": given_value})["x"]
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(("schema", "given_value", "message"), REFUSED)
def test_refuses(schema: Parameter, given_value: Any, message: str) -> None:
    with pytest.raises(TinoError) as caught:
        complete(strategy(schema), {"x": given_value})
    assert caught.value.body.message == message
    assert caught.value.body.field == "x"


def test_fills_in_defaults_in_the_order_of_the_schema() -> None:
    assert list(complete(CROSS, {"share": "0.5", "fast": "20"}).items()) == [
        ("fast", 20),
        ("share", 0.5),
        ("stop", None),
    ]


def test_data_is_given_only_when_it_is_given() -> None:
    given_values = {"share": 1, "instrument_id": None, "bar_type": DAY}
    assert complete(CROSS, given_values) == {"bar_type": DAY, "fast": 10, "share": 1, "stop": None}


@pytest.mark.parametrize(
    ("given_values", "code", "message"),
    [
        ({"share": 1, "fats": 5}, "parameter_unknown", "Cross has no parameter fats (did you mean fast?); it has instrument_id, bar_type, fast, share, stop, computed."),
        ({"share": 1, "zzz": 5}, "parameter_unknown", "Cross has no parameter zzz; it has instrument_id, bar_type, fast, share, stop, computed."),
        ({}, "parameter_missing", "Cross needs a value for share."),
    ],
)  # fmt: skip
def test_names_what_is_wrong(given_values: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(TinoError) as caught:
        complete(CROSS, given_values)
    assert (caught.value.code, caught.value.body.message) == (code, message)


def test_a_strategy_without_parameters_says_so() -> None:
    with pytest.raises(TinoError, match="Cross has no parameter fast; it has none"):
        complete(strategy(), {"fast": 1})


def test_everything_allowed_has_no_range() -> None:
    assert describe_range(parameter("x", "integer")) is None


json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers())
kinds = st.sampled_from(
    ["integer", "number", "decimal", "boolean", "text", "choice", "instrument", "barType", "instruments", "barTypes"]
)


@given(kinds, st.booleans(), json_values)
def test_any_value_is_taken_or_refused_and_taking_it_twice_changes_nothing(
    kind: str, nullable: bool, value: Any
) -> None:
    schema = strategy(parameter("x", kind, nullable=nullable, choices=["a"], required=True))
    try:
        taken = complete(schema, {"x": value})
    except TinoError as error:
        refusal = error.body
    else:
        assert complete(schema, taken) == taken
        return
    assert refusal.field == "x"


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_text_of_a_value_is_that_value(value: float | bool) -> None:
    kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "number"
    if isinstance(value, int) and abs(value) >= 10**30:
        return
    assert parse_text(parameter("x", kind), str(value)) == value
