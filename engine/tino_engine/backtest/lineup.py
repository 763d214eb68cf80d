"""Which strategies trade in a run, each on which data, and what has to be stored for it.

A bar type that ends in EXTERNAL is stored. One that ends in INTERNAL is made in the run by NautilusTrader: from stored bars when it
names them (`…-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL`), else from ticks, trades for last prices and quotes for all others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tino_engine import strategies
from tino_engine.contracts import StrategyChoice
from tino_engine.data import BarType
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tino_engine.contracts import BacktestRequest, Instrument, Strategy
    from tino_engine.data import Catalog, ResolvedSeries
    from tino_engine.strategies import CodeHash


@dataclass(frozen=True, slots=True)
class Member:
    """One strategy that trades: its file as it stands now, complete parameters, the bar types that it is given."""

    label: str
    strategy: Strategy
    parameters: dict[str, Any]
    bar_types: list[str]
    code: CodeHash

    def to_params(self) -> dict[str, Any]:
        """Give it as JSON, for a worker."""
        return {
            "label": self.label,
            "path": self.strategy.path,
            "name": self.strategy.name,
            "configName": self.strategy.config_name,
            "parameters": self.parameters,
            "schema": [parameter.model_dump(mode="json") for parameter in self.strategy.parameters],
            "barTypes": self.bar_types,
        }


@dataclass(frozen=True, slots=True)
class Ticks:
    """Stored quotes or trades of an instrument."""

    instrument: Instrument
    kind: str
    files: tuple[Path, ...]

    def to_params(self) -> dict[str, Any]:
        """Give it as JSON, for a worker."""
        return {
            "instrument": self.instrument.model_dump(mode="json"),
            "kind": self.kind,
            "files": [str(file) for file in self.files],
        }


@dataclass(frozen=True, slots=True)
class Lineup:
    """Everybody who trades, and the data: stored series in the order asked for, ticks, bar types that are made in the run."""

    members: list[Member]
    series: list[ResolvedSeries]
    ticks: list[Ticks]
    internal: list[str]

    @property
    def bar_types(self) -> list[str]:
        """What the strategies are given, each once."""
        return list(dict.fromkeys(bar_type for member in self.members for bar_type in member.bar_types))

    @property
    def symbols(self) -> list[str]:
        """The instruments, in the order asked for."""
        return list(dict.fromkeys(bar_type.partition("-")[0] for bar_type in self.bar_types))


async def line_up(request: BacktestRequest, main: Strategy, catalog: Catalog, roots: list[str]) -> Lineup:
    """Resolve the strategies and their data. Raises what is wrong with either, most basic first."""
    first = StrategyChoice(
        path=request.path,
        name=request.name,
        symbols=request.symbols,
        bar_types=request.bar_types,
        parameters=request.parameters,
    )
    members: list[Member] = []
    series: dict[str, ResolvedSeries] = {}
    for number, asked in enumerate([first, *request.strategies]):
        choice = asked
        strategy = (
            main if not number else await asyncio.to_thread(strategies.get_strategy, choice.path, choice.name, roots)
        )
        if number and not (choice.symbols or choice.bar_types):
            choice = choice.model_copy(update={"symbols": request.symbols, "bar_types": request.bar_types})
        given, stored = await _resolve_data(choice, strategy, request, catalog)
        series |= {item.bar_type: item for item in stored}
        code = await asyncio.to_thread(strategies.code_hash, choice.path, roots)
        parameters = strategies.complete(strategy, dict(choice.parameters))
        member = Member(strategy.name, strategy, parameters, given, code)
        members += _per_symbol(member) if request.per_symbol else [member]
    internal = [
        text for text in dict.fromkeys(text for member in members for text in member.bar_types) if _is_made(text)
    ]
    ticks = await _find_ticks(request, members, internal, catalog)
    return Lineup(_label(members), list(series.values()), ticks, internal)


async def _resolve_data(
    choice: StrategyChoice, strategy: Strategy, request: BacktestRequest, catalog: Catalog
) -> tuple[list[str], list[ResolvedSeries]]:
    """Give the bar types that a strategy is given, and the stored series behind them."""
    symbols, bar_types = _wanted(choice, strategy)
    parsed = {text: BarType.parse(text, field="barTypes") for text in bar_types}
    made = [text for text in bar_types if _is_made(text)]
    covered = {parsed[text].instrument_id for text in made}
    if request.ticks:
        known = {entry.instrument.id: entry for entry in (await catalog.symbols()).symbols}
        for symbol in symbols:
            entry = known.get(symbol)
            # An instrument of which ticks alone are stored is shown, and valued, by bars of a minute.
            if entry is not None and not entry.coverage and symbol not in covered:
                price = "LAST" if "trades" in request.ticks else "MID"
                made.append(f"{symbol}-1-MINUTE-{price}-INTERNAL")
                covered.add(symbol)
    origins = {text: _origin(parsed[text]) for text in made if text in parsed}
    stored = await catalog.resolve(
        [symbol for symbol in symbols if symbol not in covered],
        [text for text in (origins.get(text, text) for text in bar_types) if text is not None],
    )
    hidden = {origin for origin in origins.values() if origin is not None and origin not in bar_types}
    given = [*made, *(item.bar_type for item in stored if item.bar_type not in hidden)]
    place = {text: number for number, text in enumerate(bar_types)}
    return sorted(given, key=lambda text: place.get(text, len(place))), stored


def _wanted(choice: StrategyChoice, strategy: Strategy) -> tuple[list[str], list[str]]:
    """Take the data from the request, or from parameters and their defaults that name it."""
    symbols, bar_types = list(choice.symbols), list(choice.bar_types)
    if not symbols and not bar_types:
        for parameter in strategy.parameters:
            # `or`: a parameter that was left out, or given as null, falls back on what the class itself names.
            value = choice.parameters.get(parameter.name) or parameter.default
            named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            if parameter.kind in ("instrument", "instruments"):
                symbols.extend(named)
            elif parameter.kind in ("barType", "barTypes"):
                bar_types.extend(named)
    if not symbols and not bar_types:
        raise TinoError("request_invalid", field="symbols", reason="no symbol was given")
    return symbols, bar_types


def _is_made(bar_type: str) -> bool:
    return bar_type.partition("@")[0].endswith("-INTERNAL")


def _origin(bar_type: BarType) -> str | None:
    """Give the stored bars that others are made from; None when that are ticks."""
    if bar_type.composite is None:
        return None
    return f"{bar_type.instrument_id}-{bar_type.composite.rpartition('-')[0]}-{bar_type.price}-EXTERNAL"


async def _find_ticks(
    request: BacktestRequest, members: Sequence[Member], internal: Sequence[str], catalog: Catalog
) -> list[Ticks]:
    wanted: dict[tuple[str, str], None] = {}
    for member in members:
        for text in member.bar_types:
            wanted |= {(text.partition("-")[0], kind): None for kind in request.ticks}
    for text in internal:
        parsed = BarType.parse(text)
        if parsed.composite is None:
            wanted[parsed.instrument_id, "trades" if parsed.price == "LAST" else "quotes"] = None
    known = {entry.instrument.id: entry.instrument for entry in (await catalog.symbols()).symbols} if wanted else {}
    found = []
    for instrument_id, kind in wanted:
        files = await catalog.find_ticks(instrument_id, kind)
        if not files or instrument_id not in known:
            raise TinoError("bar_type_unknown", field="barTypes", barType=f"of {instrument_id} {kind}", near="")
        found.append(Ticks(known[instrument_id], kind, files))
    return found


def _per_symbol(member: Member) -> list[Member]:
    """Divide a strategy into one for each of its instruments."""
    symbols = list(dict.fromkeys(text.partition("-")[0] for text in member.bar_types))
    return [
        replace(member, bar_types=[text for text in member.bar_types if text.partition("-")[0] == symbol])
        for symbol in symbols
    ]


def _label(members: Sequence[Member]) -> list[Member]:
    """Name each apart from the others: by its class, then by its instruments, then by a number."""

    def distinct(labels: list[str]) -> bool:
        return len(set(labels)) == len(labels)

    labels = [member.strategy.name for member in members]
    if not distinct(labels):
        shared = {name for name, count in Counter(labels).items() if count > 1}
        symbols = [", ".join(dict.fromkeys(text.partition("-")[0] for text in member.bar_types)) for member in members]
        labels = [f"{name} {own}" if name in shared else name for name, own in zip(labels, symbols, strict=True)]
    if not distinct(labels):
        seen: Counter[str] = Counter()
        repeated = {name for name, count in Counter(labels).items() if count > 1}
        for place, name in enumerate(labels):
            seen[name] += 1
            labels[place] = f"{name} {seen[name]}" if name in repeated else name
    return [replace(member, label=label) for member, label in zip(members, labels, strict=True)]
