"""From a request to everything a worker needs: checked before any process is started.

What can be told without running code is told here, so that a misspelt symbol costs a millisecond and not a run.

**The content of a spec** is everything that decides a run's result, as JSON with sorted keys; its SHA-256 names the spec, and equal specs give equal
results. Code, data and packages stand in it by their hashes, so that neither depends on where they lie: the code by the files that are read
below the trusted folders, a series by the hash of its rows that was made at import with its instrument and its actions, the
workspace's packages by its `requirements.txt`, the engine's by what is installed and by the source of what simulates.
Whatever else the worker is told is in it as it is told.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tino_engine
from tino_engine import strategies
from tino_engine.backtest.lineup import line_up
from tino_engine.backtest.packages import find_requirements, product_packages
from tino_engine.data import day_bounds
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tino_engine.backtest.lineup import Lineup
    from tino_engine.backtest.packages import Packages, Requirements
    from tino_engine.contracts import BacktestRequest, Strategy
    from tino_engine.data import Catalog, ResolvedSeries
    from tino_engine.settings import Home
    from tino_engine.strategies import CodeHash

VERSION = 1
"""Of the content's form."""

_PLACES = frozenset({"path", "roots", "schema", "data", "ticks", "strategies"})
"""What the worker is told that says where things are, follows from the code, or is described anew."""

_DATA_PLACES = frozenset({"files", "source", "actions", "instrument"})


@dataclass(frozen=True, slots=True)
class Spec:
    """One run, resolved: the strategies as their files stand now, complete parameters, the data they will see.

    `code` are the files of all of them, relative to the folder of the first one's.
    """

    request: BacktestRequest
    strategy: Strategy
    parameters: dict[str, Any]
    series: list[ResolvedSeries]
    bounds: list[tuple[int, int]]
    roots: list[str]
    code: CodeHash
    lineup: Lineup
    requirements: Requirements | None

    @property
    def symbols(self) -> list[str]:
        """The instruments, in the order asked for."""
        return self.lineup.symbols

    @property
    def bar_types(self) -> list[str]:
        """What the strategies are given, in the order asked for: stored series, and bars that are made in the run."""
        return self.lineup.bar_types

    def content(self) -> dict[str, Any]:
        """Give everything that decides the result; see the head of this file."""
        told = self._told()
        return {
            "version": VERSION,
            "engine": tino_engine.__version__,
            "simulator": _simulator(),
            "environment": product_packages(),
            "requirements": None if self.requirements is None else self.requirements.hash,
            "code": self.code.code,
            "file": self._file_of(self.strategy.path),
            **{name: value for name, value in told.items() if name not in _PLACES},
            "strategies": [
                {**{name: item[name] for name in item.keys() - _PLACES}, "file": self._file_of(item["path"])}
                for item in told["strategies"]
            ],
            "data": [_describe_data(item, told["adjustment"]) for item in told["data"]],
            "ticks": [_describe_ticks(item) for item in told["ticks"]],
        }

    def hash(self) -> str:
        """Give the SHA-256 of the content."""
        return hashlib.sha256(canonical(self.content())).hexdigest()

    def for_worker(
        self,
        run_id: str,
        folder: Path,
        home: Home,
        copies: Mapping[str, Path] | None = None,
        packages: Packages | None = None,
    ) -> dict[str, Any]:
        """Give the parameters of the worker's call `run`; `copies` are those of the code's files, by where these lie."""
        return {
            **self._told(),
            "runId": run_id,
            "folder": str(folder),
            "cache": str(home.data / "adjusted"),
            "copies": {path: str(copy) for path, copy in (copies or {}).items()},
            "packages": None if packages is None or packages.folder is None else str(packages.folder),
        }

    def _told(self) -> dict[str, Any]:
        """Give what the worker is told but for where it works."""
        return {
            "path": self.strategy.path,
            "name": self.strategy.name,
            "configName": self.strategy.config_name,
            "roots": self.roots,
            "parameters": self.parameters,
            "schema": [parameter.model_dump(mode="json") for parameter in self.strategy.parameters],
            "data": [
                {
                    **series.to_params(),
                    "rows": series.bars,
                    "source": series.source,
                    "fromNs": start,
                    "toNs": end,
                    "given": series.bar_type in self.lineup.bar_types,
                }
                for series, (start, end) in zip(self.series, self.bounds, strict=True)
            ],
            "adjustment": self.request.adjustment,
            "venue": self.request.venue.model_dump(mode="json"),
            "barTypes": self.lineup.members[0].bar_types,
            "strategies": [member.to_params() for member in self.lineup.members]
            if len(self.lineup.members) > 1
            else [],
            "internal": self.lineup.internal,
            "ticks": [
                {**ticks.to_params(), "fromNs": start, "toNs": end}
                for ticks in self.lineup.ticks
                for start, end in [day_bounds(ticks.instrument, self.request.from_, self.request.to)]
            ],
            "warmUp": self.request.warm_up,
        }

    def _file_of(self, path: str) -> str:
        """Give where a strategy's file lies among those of `code`."""
        folder = os.path.dirname(os.path.realpath(self.strategy.path))  # noqa: PTH120
        return Path(os.path.relpath(os.path.realpath(path), folder)).as_posix()


async def resolve(request: BacktestRequest, catalog: Catalog, roots: list[str]) -> Spec:
    """Resolve a request; raise what is wrong with it, most basic first."""
    strategy = await asyncio.to_thread(strategies.get_strategy, request.path, request.name, roots)
    lineup = await line_up(request, strategy, catalog, roots)
    bounds = [catalog.check_range(item, request.from_, request.to) for item in lineup.series]
    foreign = [name for name in request.venue.margins if name not in lineup.symbols]
    if foreign:
        reason = f"a margin is given for {', '.join(foreign)}, which the run does not trade"
        raise TinoError("request_invalid", reason=reason, field=f"venue.margins.{foreign[0]}")
    requirements = await asyncio.to_thread(find_requirements, request.path, roots)
    code = strategies.join_code([(member.strategy.path, member.code) for member in lineup.members])
    parameters = lineup.members[0].parameters
    return Spec(request, strategy, parameters, lineup.series, bounds, roots, code, lineup, requirements)


async def resolve_single(request: BacktestRequest, catalog: Catalog, roots: list[str]) -> Spec:
    """Resolve a request of what runs many times: one strategy on stored bars, which are then in memory. Raises `request_invalid` for others."""
    asked = {
        "strategies": "has several strategies",
        "per_symbol": "has an instance for each symbol",
        "ticks": "is fed with ticks",
        "warm_up": "has a warm-up",
    }
    for field, words in asked.items():
        value = getattr(request, field)
        if value or value is None:
            raise _not_single(field, words)
    spec = await resolve(request, catalog, roots)
    if spec.lineup.internal:
        raise _not_single("bar_types", "makes bars of its own")
    return spec


def _not_single(field: str, words: str) -> TinoError:
    head, *tail = field.split("_")
    name = head + "".join(part.capitalize() for part in tail)
    return TinoError("request_invalid", reason=f"it {words}, and only single runs do", field=f"backtest.{name}")


def canonical(content: Any) -> bytes:
    """Give JSON that is the same for equal content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _describe_data(item: dict[str, Any], adjustment: str) -> dict[str, Any]:
    """Describe a series by what its prices are made of; actions count where prices are adjusted."""
    made_of = [item["instrument"], item["actions"] if adjustment != "none" else []]
    described = {name: value for name, value in item.items() if name not in _DATA_PLACES}
    return {**described, "definition": _hash(made_of)}


def _describe_ticks(item: dict[str, Any]) -> dict[str, Any]:
    """Describe ticks by their files: a catalog never writes into one, it replaces it."""
    described = {name: value for name, value in item.items() if name not in _DATA_PLACES}
    files = [
        (Path(file).name, status.st_size, status.st_mtime_ns)
        for file in item["files"]
        for status in [Path(file).stat()]
    ]
    return {**described, "definition": _hash(item["instrument"]), "files": _hash(files)}


def _hash(content: Any) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


@cache
def _simulator() -> str:
    """Give a hash over the source of what computes a result, which changes more often than the version does."""
    folder = Path(tino_engine.__file__).parent
    files = [file for room in ("backtest", "nautilus", "data") for file in sorted((folder / room).glob("*.py"))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
