"""Runs for tests: bars in a catalog of their own, a request as the engine sends it, the result read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from tino_engine.contracts import BacktestResult, Instrument, VenueModel
from tino_engine.data.instruments import write_instrument
from tino_engine.data.series import Series
from tino_engine.data.store import Bars, write_bars
from tino_engine.nautilus.backtest import Backtest
from tino_engine.strategies import complete, get_strategy
from tino_engine.workers import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from tino_engine.contracts import RunProgress

STRATEGIES = Path(__file__).parent / "strategies"
EXAMPLES = Path(__file__).parents[2] / "examples" / "strategies"
MINUTE = 60 * 10**9
DAY = 24 * 60 * MINUTE
START = 1_577_836_800 * 10**9  # 2020-01-01T00:00:00Z


def make_instrument(instrument_id: str = "TEST.XNAS", **changes: Any) -> Instrument:
    symbol, _, venue = instrument_id.rpartition(".")
    values = {
        "id": instrument_id,
        "symbol": symbol,
        "venue": venue,
        "assetClass": "equity",
        "name": None,
        "currency": "USD",
        "pricePrecision": 2,
        "priceIncrement": "0.01",
        "sizePrecision": 0,
        "lotSize": "1",
        "multiplier": "1",
        "timeZone": "UTC",
        "periodsPerYear": 252,
    }
    return Instrument.model_validate(values | changes)


@dataclass
class Data:
    """One stored series, and the item of a request that names it."""

    series: Series
    bars: int
    from_ns: int | None = None
    to_ns: int | None = None

    def item(self) -> dict[str, Any]:
        return {
            **self.series.to_params(),
            "rows": self.bars,
            "source": "made for a test",
            "fromNs": self.from_ns,
            "toNs": self.to_ns,
        }


def store(
    catalog: Path,
    prices: Sequence[tuple[float, float, float, float]],
    *,
    instrument: Instrument | None = None,
    step: int = DAY,
    unit: str = "1-DAY",
    volume: int | Sequence[int] = 1_000_000,
    start: int = START,
) -> Data:
    """Store bars given as open, high, low, close; the first one closes at `start + step`."""
    instrument = instrument or make_instrument()
    values = np.rint(np.array(prices, np.float64) * 100).astype(np.int64)
    ts = start + step * np.arange(1, len(values) + 1, dtype=np.int64)
    volumes = np.broadcast_to(np.array(volume, np.int64), len(values)).copy()
    opens, highs, lows, closes = values.T.copy()
    bars = Bars(ts, opens, highs, lows, closes, volumes, 2, 0)
    bar_type = f"{instrument.id}-{unit}-LAST-EXTERNAL"
    stored = write_bars(catalog, bar_type, instrument, bars)
    write_instrument(catalog, instrument)
    series = Series(instrument, bar_type, (catalog / stored.file,), (), stored.hash)
    return Data(series, len(values))


def flat(closes: Sequence[float]) -> list[tuple[float, float, float, float]]:
    """Bars without a range."""
    return [(close, close, close, close) for close in closes]


def walk(count: int, seed: int = 1, spread: float = 0.002) -> list[tuple[float, float, float, float]]:
    """A seeded random walk around 100 with two decimals, each bar opening where the last one closed."""
    random = np.random.default_rng(seed)
    closes = np.round(100 * np.exp(np.cumsum(random.normal(0, spread, count))), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    highs = np.maximum(opens, closes) + random.integers(0, 5, count) / 100
    lows = np.minimum(opens, closes) - random.integers(0, 5, count) / 100
    return list(zip(opens, highs, lows, closes, strict=True))


def request(
    folder: Path,
    path: Path,
    data: Sequence[Data],
    *,
    name: str | None = None,
    parameters: dict[str, Any] | None = None,
    venue: dict[str, Any] | None = None,
    adjustment: str = "none",
    roots: Sequence[Path] | None = None,
) -> dict[str, Any]:
    """The parameters of the worker's call `run`, as the engine makes them."""
    strategy = get_strategy(path, name)
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "runId": "run_00000000000000000000000000",
        "folder": str(folder),
        "path": str(path),
        "name": strategy.name,
        "configName": strategy.config_name,
        "roots": [str(root) for root in (roots if roots is not None else [path.parent])],
        "parameters": complete(strategy, parameters or {}),
        "schema": [parameter.model_dump(mode="json") for parameter in strategy.parameters],
        "data": [item.item() for item in data],
        "adjustment": adjustment,
        "cache": str(folder.parent / "adjusted"),
        "venue": VenueModel.model_validate(venue or {}).model_dump(mode="json"),
    }


@dataclass
class Finished:
    """A run in this process, and what it left."""

    folder: Path
    result: BacktestResult
    sparkline: list[float]
    progress: list[RunProgress] = field(default_factory=list)

    def table(self, series: str, level: int = 0) -> dict[str, list[Any]]:
        return self.arrow(series, level).to_pydict()

    def arrow(self, series: str, level: int = 0) -> pa.Table:
        with pa.ipc.open_stream(self.folder / f"{series}.{level}.arrow") as stream:
            return stream.read_all()

    def column(self, series: str, name: str, level: int = 0) -> np.ndarray:
        return self.arrow(series, level)[name].to_numpy()


def run(params: dict[str, Any]) -> Finished:
    """Run in this process."""
    progress: list[RunProgress] = []
    reply = json.loads(json.dumps(Backtest(params, progress.append).execute()))
    return Finished(Path(params["folder"]), BacktestResult.model_validate(reply), reply["sparkline"], progress)


class WorkerProcess:
    """A real worker, spoken to over its pipe."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-m", "tino_engine", "work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin, cast("BinaryIO", self.process.stdout)
        self._printed = ""
        self.versions = self.receive()["ready"]["versions"]

    def send(self, **header: Any) -> None:
        self._in.write(protocol.encode(header))
        self._in.flush()

    def receive(self) -> dict[str, Any]:
        frame = protocol.read(self._out)
        assert frame is not None, self.process.stderr.read().decode() if self.process.stderr else ""
        return frame.header

    def run(self, params: dict[str, Any], number: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Send a run; give how it ended and the events before."""
        self.send(id=number, call="run", params=params)
        return self.finish(number)

    def finish(self, number: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        events = []
        while True:
            header = self.receive()
            assert header["id"] == number
            if "event" not in header:
                return header, events
            events.append(header)

    def close(self) -> tuple[int, str]:
        """Close the pipe; give exit status and what it printed. Once closed, it stays so."""
        assert self.process.stderr is not None
        if not self._in.closed:
            self._in.close()
            self.process.wait(timeout=60)
            self._printed = self.process.stderr.read().decode()
            self.process.stderr.close()
            self._out.close()
        return self.process.returncode, self._printed
