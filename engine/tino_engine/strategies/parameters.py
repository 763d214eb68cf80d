"""Check the values given for a strategy's parameters, and fill in its defaults.

Values come from forms as JSON and from command lines as text; text is taken for any kind when it reads as exactly that.
"""

from __future__ import annotations

import difflib
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tino_engine.data import BarType
from tino_engine.errors import TinoError
from tino_engine.strategies.schema import decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tino_engine.contracts import Parameter, Strategy

type Value = bool | int | float | str | list[str] | None

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_NONE = ("none", "null")
_SHOWN = 60


def complete(strategy: Strategy, given: Mapping[str, Any]) -> dict[str, Value]:
    """Give every value a run is to pass on, in the order of the schema.

    Left out are the parameters that receive the chosen data unless given, and those whose default is known to the class
    alone. Raises `parameter_unknown`, `parameter_missing`, `parameter_invalid`, `parameter_out_of_range`, each with the
    parameter as `field`.
    """
    known = {parameter.name: parameter for parameter in strategy.parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise TinoError(
                "parameter_unknown",
                strategy=strategy.name,
                name=f"{name} (did you mean {near[0]}?)" if near else name,
                available=", ".join(known) or "none",
                field=name,
            )
    values: dict[str, Value] = {}
    for name, parameter in known.items():
        if name in given and not (given[name] is None and parameter.from_data):
            values[name] = check_value(parameter, given[name])
        elif parameter.from_data:
            continue
        elif parameter.required:
            raise TinoError("parameter_missing", strategy=strategy.name, name=name, field=name)
        elif parameter.default is not None or parameter.nullable:
            values[name] = parameter.default
    return values


def check_value(parameter: Parameter, value: Any) -> Value:
    """Give the value in its kind. Raises `parameter_invalid`, `parameter_out_of_range`."""
    if value is None or (isinstance(value, str) and value.lower() in _NONE and parameter.nullable):
        if parameter.nullable:
            return None
        raise _invalid(parameter, value)
    checked = parse_text(parameter, value) if isinstance(value, str) else _from_json(parameter, value)
    if checked is None:
        raise _invalid(parameter, value)
    _check_range(parameter, checked)
    return checked


def parse_text(parameter: Parameter, text: str) -> Value:
    """Read what was written on a command line; None when it is no value of the parameter's kind."""
    match parameter.kind:
        case "integer":
            return int(text) if _INTEGER.fullmatch(text) else None
        case "number":
            number = float(text) if _NUMBER.fullmatch(text) else math.nan
            return number if math.isfinite(number) else None
        case "decimal":
            return decimal_text(text) if _NUMBER.fullmatch(text) else None
        case "boolean":
            return {"true": True, "false": False}.get(text.lower())
        case "choice":
            return text if text in (parameter.choices or ()) else None
        case "text":
            return text
        case "instrument":
            return text if is_instrument_id(text) else None
        case "barType":
            return text if _is_bar_type(text) else None
        case "instruments" | "barTypes":
            return _checked_list(parameter, [item for item in map(str.strip, text.split(",")) if item])


def describe_range(parameter: Parameter) -> str | None:
    """Say which values are allowed: `2 to 200`, `0 to 1, 0 excluded`, `2 or more`; None when all are."""
    low = parameter.minimum if parameter.exclusive_minimum is None else parameter.exclusive_minimum
    high = parameter.maximum if parameter.exclusive_maximum is None else parameter.exclusive_maximum
    words: list[str] = []
    if low is not None and high is not None:
        words.append(f"{_figure(low)} to {_figure(high)}")
        excluded = [
            _figure(bound) for bound in (parameter.exclusive_minimum, parameter.exclusive_maximum) if bound is not None
        ]
        if excluded:
            words.append(" and ".join(excluded) + " excluded")
    elif low is not None:
        words.append(f"{_figure(low)} or more" if parameter.exclusive_minimum is None else f"more than {_figure(low)}")
    elif high is not None:
        words.append(
            f"{_figure(high)} or less" if parameter.exclusive_maximum is None else f"less than {_figure(high)}"
        )
    if parameter.multiple_of is not None:
        words.append(f"steps of {_figure(parameter.multiple_of)}")
    return ", ".join(words) or None


def is_instrument_id(text: str) -> bool:
    """Say whether the text has the form SYMBOL.VENUE."""
    symbol, _, venue = text.rpartition(".")
    return bool(symbol.strip()) and bool(venue.strip()) and text == text.strip()


def _is_bar_type(text: str) -> bool:
    try:
        BarType.parse(text)
    except TinoError:
        return False
    return True


def _from_json(parameter: Parameter, value: Any) -> Value:
    match parameter.kind, value:
        case "boolean", bool():
            return value
        case _, bool():
            return None
        case "integer", int():
            return value
        case "integer", float() if value.is_integer():
            return int(value)
        case "number", int() | float() if math.isfinite(value):
            return value
        case "decimal", int() | float():
            return decimal_text(value)
        case "choice", int() | float() if str(value) in (parameter.choices or ()):
            return str(value)
        case "instruments" | "barTypes", list():
            return _checked_list(parameter, value)
        case _:
            return None


def _checked_list(parameter: Parameter, items: list[Any]) -> list[str] | None:
    fits = is_instrument_id if parameter.kind == "instruments" else _is_bar_type
    return items if all(isinstance(item, str) and fits(item) for item in items) else None


def _check_range(parameter: Parameter, value: Value) -> None:
    if parameter.kind not in ("integer", "number", "decimal"):
        return
    number = _exact(value)
    inside = (
        (parameter.minimum is None or number >= _exact(parameter.minimum))
        and (parameter.exclusive_minimum is None or number > _exact(parameter.exclusive_minimum))
        and (parameter.maximum is None or number <= _exact(parameter.maximum))
        and (parameter.exclusive_maximum is None or number < _exact(parameter.exclusive_maximum))
    )
    # Divided as decimals: 0.3 is three steps of 0.1, whatever binary fractions say.
    if inside and (not parameter.multiple_of or (number / _exact(parameter.multiple_of)) % 1 == 0):
        return
    raise TinoError(
        "parameter_out_of_range",
        name=parameter.name,
        value=value,
        range=describe_range(parameter),
        field=parameter.name,
    )


def _exact(value: object) -> Decimal:
    return Decimal(str(value))


def _figure(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _invalid(parameter: Parameter, value: Any) -> TinoError:
    expected = {
        "integer": "a whole number",
        "number": "a number",
        "decimal": "a decimal number",
        "boolean": "true or false",
        "text": "text",
        "choice": f"one of {', '.join(parameter.choices or ())}",
        "instrument": "an instrument id such as AAPL.XNAS",
        "barType": "a bar type such as AAPL.XNAS-1-DAY-LAST-EXTERNAL",
        "instruments": "a list of instrument ids such as AAPL.XNAS",
        "barTypes": "a list of bar types such as AAPL.XNAS-1-DAY-LAST-EXTERNAL",
    }[parameter.kind]
    shown = (
        {None: "nothing", True: "true", False: "false"}.get(value)
        if value is None or isinstance(value, bool)
        else str(value)
    )
    shown = shown if shown is not None and len(shown) <= _SHOWN else f"{shown}"[:_SHOWN] + "…"
    return TinoError(
        "parameter_invalid", name=parameter.name, expected=expected, value=shown or "empty text", field=parameter.name
    )
