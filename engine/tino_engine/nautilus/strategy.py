"""Loading the user's strategy: its file as a module, its class, its config built from parameters."""

from __future__ import annotations

import importlib
import importlib.util
import site
import sys
import typing
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from nautilus_trader.model import BarType, InstrumentId
from nautilus_trader.trading import Strategy, StrategyConfig

from tino_engine.backtest.user_code import describe
from tino_engine.errors import TinoError
from tino_engine.nautilus.copied_code import CopiedCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from tino_engine.backtest.user_code import UserCode
    from tino_engine.contracts import Parameter

_COLLECTIONS: tuple[type, ...] = (list, tuple, set, frozenset)
FROM_DISK = CopiedCode({})
"""No copies: every file is read where it lies."""

_BASE_FIELDS = frozenset(name for name in dir(StrategyConfig) if not name.startswith("_"))


@dataclass(frozen=True, slots=True)
class StrategyRequest:
    """What is to be loaded: `parameters` by the names in `schema`; `bar_types` are the run's data, in the order asked for."""

    path: Path
    name: str
    config_name: str | None
    parameters: Mapping[str, Any]
    schema: Sequence[Parameter]
    bar_types: Sequence[str]


@contextmanager
def importing(
    path: Path, roots: Sequence[Path], code: UserCode, copies: CopiedCode = FROM_DISK, packages: str | None = None
) -> Iterator[None]:
    """Let the user's modules be imported as a script beside them could, and forget them afterwards.

    Files that have a copy are taken from it. `packages` is a folder with the packages that the workspace asks for. No bytecode is
    written beside the user's files.
    """
    before, written, known = list(sys.path), sys.dont_write_bytecode, set(sys.modules)
    folders = [str(_import_root(path, copies)), *(str(root) for root in roots if path.is_relative_to(root))]
    sys.path[:0] = list(dict.fromkeys(folders))
    if packages is not None:
        # As a folder of installed packages is: some of them bring `.pth` files. Before the product's, as none of those that it needs is in it.
        sys.path.insert(len(set(folders)), packages)
        site.addsitedir(packages)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with copies.importing():
            yield
    finally:
        sys.path[:], sys.dont_write_bytecode = before, written
        for name in set(sys.modules) - known:
            if any(map(code.owns, _files(sys.modules[name]))):
                del sys.modules[name]


def load_class(request: StrategyRequest, code: UserCode, copies: CopiedCode = FROM_DISK) -> type[Strategy]:
    """Import the file and give the strategy's class; inside `importing`, with the same copies.

    Raises `strategy_import_failed` with the user's own traceback, `strategy_class_not_found`.
    """
    try:
        module = _import(request.path, copies)
    except BaseException as error:  # Whatever the file raises, even SystemExit, is the run's failure.
        location, frames = code.trace(error)
        raise TinoError(
            "strategy_import_failed", path=request.path, reason=describe(error), location=location, traceback=frames
        ) from error
    found = getattr(module, request.name, None)
    if isinstance(found, type) and issubclass(found, Strategy):
        return found
    available = [name for name, kept in vars(module).items() if _is_strategy_of(kept, module)]
    raise TinoError(
        "strategy_class_not_found", path=request.path, name=request.name, available=", ".join(available) or "none"
    )


def instantiate(request: StrategyRequest, strategy_class: type[Strategy], code: UserCode) -> Strategy:
    """Build the config and the strategy. Raises `strategy_failed`, `parameter_missing`, `parameter_invalid` and their like."""
    arguments = []
    if request.config_name is not None:
        config_class = _find_config(strategy_class, request)
        values = _values(request, config_class)
        arguments.append(_call(code, request.config_name, lambda: _build_config(config_class, values)))
    return _call(code, request.name, lambda: strategy_class(*arguments))


def _call[T](code: UserCode, name: str, build: Callable[[], T]) -> T:
    try:
        return build()
    except BaseException as error:  # Whatever the user's code raises is the run's failure.
        location, frames = code.trace(error)
        raise TinoError(
            "strategy_failed",
            name=name,
            callback="__init__",
            reason=describe(error),
            location=location,
            traceback=frames,
        ) from error


def _import(path: Path, copies: CopiedCode) -> ModuleType:
    root = _import_root(path, copies)
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    if root != path.parent:
        # Part of a package: its relative imports need it to be imported as such.
        return importlib.import_module(name)
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"strategy_{name}"
    spec = copies.spec_of(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _files(module: ModuleType) -> list[str]:
    """Give a module's file, or, of a package without one, its folders."""
    file = getattr(module, "__file__", None)
    return [file] if file is not None else list(getattr(module, "__path__", []))


def _import_root(path: Path, copies: CopiedCode) -> Path:
    """Give the folder that top-level imports start from: the file's own, or that of the outermost package around it."""
    folder = path.parent
    while copies.holds(folder / "__init__.py"):
        folder = folder.parent
    return folder


def _is_strategy_of(kept: object, module: ModuleType) -> bool:
    return isinstance(kept, type) and issubclass(kept, Strategy) and kept.__module__ == module.__name__


def _find_config(strategy_class: type, request: StrategyRequest) -> type:
    """Give the config class by the name that the strategy's module, or that of a class it derives from, knows it by."""
    names = str(request.config_name).split(".")
    for base in strategy_class.__mro__:
        found = vars(sys.modules.get(base.__module__, typing)).get(names[0])
        if found is not None:
            return reduce(getattr, names[1:], found)
    raise TinoError(
        "strategy_import_failed", path=request.path, reason=f"it has no config class {request.config_name} when it runs"
    )


def _build_config(config_class: type, values: dict[str, Any]) -> object:
    """Build a config of any kind: with its own constructor where it has one, else attribute by attribute."""
    own = config_class.__mro__[
        : config_class.__mro__.index(StrategyConfig if issubclass(config_class, StrategyConfig) else object)
    ]
    if any("__init__" in vars(base) or "__new__" in vars(base) for base in own):
        return config_class(**values)
    # NautilusTrader's own config takes any keyword and keeps those it knows; the rest are the subclass's fields.
    known = {
        name: value
        for name, value in values.items()
        if issubclass(config_class, StrategyConfig) and name in _BASE_FIELDS
    }
    config = config_class(**known)
    for name in values.keys() - known.keys():
        setattr(config, name, values[name])
    return config


def _values(request: StrategyRequest, config_class: type) -> dict[str, Any]:
    """Convert the parameters to what the config's annotations ask for, and fill in the run's data."""
    try:
        hints = typing.get_type_hints(config_class)
    except Exception:  # noqa: BLE001 - annotations may name what exists only for type checkers; the kinds then suffice
        hints = {}
    bar_types = list(request.bar_types)
    instruments = list(dict.fromkeys(bar_type.partition("-")[0] for bar_type in bar_types))
    data = {"barType": bar_types, "barTypes": bar_types, "instrument": instruments, "instruments": instruments}
    taken = {"barType": 0, "instrument": 0}
    values: dict[str, Any] = {}
    for parameter in request.schema:
        name, kind = parameter.name, parameter.kind
        given = request.parameters.get(name)
        if given is None and parameter.from_data:
            if kind in taken:
                # Two instrument fields of a pair take the first and the second instrument.
                place, taken[kind] = taken[kind], taken[kind] + 1
                given = data[kind][place] if place < len(data[kind]) else None
                if given is None and not parameter.nullable:
                    raise TinoError("parameter_missing", strategy=request.name, name=name, field=name)
            else:
                given = data[kind]
        elif given is None and name not in request.parameters:
            continue  # The config's own default.
        values[name] = None if given is None else _convert(parameter, given, hints.get(name))
    return values


def _convert(parameter: Parameter, value: Any, hint: Any) -> Any:
    match parameter.kind:
        case "integer":
            return int(value)
        case "number":
            return float(value)
        case "decimal":
            return _decimal(parameter, value)
        case "instrument":
            return _instrument(value)
        case "barType":
            return _bar_type(value)
        case "instruments":
            return _collection(hint)(map(_instrument, value))
        case "barTypes":
            return _collection(hint)(map(_bar_type, value))
        case "choice":
            return _choose(parameter, value, hint)
        case _:
            return value


def _decimal(parameter: Parameter, value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise TinoError(
            "parameter_invalid", name=parameter.name, expected="a decimal number", value=value, field=parameter.name
        ) from error


def _instrument(value: str) -> InstrumentId:
    try:
        return InstrumentId.from_str(value)
    except ValueError as error:
        raise TinoError("instrument_invalid", instrument=value) from error


def _bar_type(value: str) -> BarType:
    try:
        return BarType.from_str(value)
    except ValueError as error:
        raise TinoError("bar_type_invalid", barType=value) from error


def _choose(parameter: Parameter, value: Any, hint: Any) -> Any:
    """Give the member of an Enum, or of a Literal, that the text names."""
    for option in _plain(hint):
        if get_origin(option) is Literal:
            for literal in get_args(option):
                if str(literal) == str(value):
                    return literal
        elif isinstance(option, type) and issubclass(option, Enum):
            for member in option:
                if str(value) in (member.name, str(member.value)):
                    return member
        elif hasattr(option, "from_str"):  # NautilusTrader's own: OrderSide, TimeInForce, …
            try:
                return option.from_str(value)
            except ValueError as error:
                raise TinoError(
                    "parameter_invalid",
                    name=parameter.name,
                    expected=f"one of {', '.join(parameter.choices or [])}",
                    value=value,
                    field=parameter.name,
                ) from error
    return value


def _collection(hint: Any) -> type:
    for option in _plain(hint):
        origin = get_origin(option) or option
        if origin in _COLLECTIONS:
            return origin
    return list


def _plain(hint: Any) -> tuple[Any, ...]:
    """Take apart `X | None`."""
    return get_args(hint) if get_origin(hint) not in (Literal, *_COLLECTIONS) and get_args(hint) else (hint,)
