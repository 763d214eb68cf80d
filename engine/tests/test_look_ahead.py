"""The look-ahead check on strategies that are honest and on such that are not; bars put together anew."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from runs import DAY, START, request, store, walk
from tino_engine.nautilus.points import Point, Setup
from tino_engine.search.look_ahead import Difference, choose_cuts, compare
from tino_engine.strategies import code_hash

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Data

BARS = walk(160, seed=3, spread=0.01)

STRATEGY = """
import csv, json, statistics
from dataclasses import dataclass
from pathlib import Path
from nautilus_trader.model import BarType, InstrumentId, OrderSide, Quantity, Price
from nautilus_trader.trading import Strategy

@dataclass(frozen=True)
class Config:
    instrument_id: InstrumentId
    bar_type: BarType

def closes():
    with open(Path(__file__).with_name("prices.csv"), newline="") as file:
        return [float(row["close"]) for row in csv.DictReader(file)]

class Tested(Strategy):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.seen = []
        self.long = False

    def on_start(self):
        self.prepare()
        self.subscribe_bars(self.config.bar_type)

    def prepare(self):
        pass

    def on_bar(self, bar):
        self.seen.append(float(bar.close))
        want = self.wants()
        if want != self.long:
            side = OrderSide.BUY if want else OrderSide.SELL
            self.submit_order(self.order_factory.market(self.config.instrument_id, side, Quantity.from_int(10)))
            self.long = want

    def on_stop(self):
        self.close_all_positions(self.config.instrument_id)

"""

HONEST = """
def wants(self):
    return len(self.seen) > 5 and self.seen[-1] > statistics.fmean(self.seen[-5:])
"""
PEEKS = """
def prepare(self):
    self.known = closes()

def wants(self):
    now = len(self.seen)
    return now < len(self.known) and self.known[now] > self.seen[-1]
"""
NORMALISES = """
def prepare(self):
    known = closes()
    self.mean, self.deviation = statistics.fmean(known), statistics.pstdev(known)

def wants(self):
    return (self.seen[-1] - self.mean) / self.deviation < 0
"""
FALLS_OFF = """
def prepare(self):
    self.known = closes()

def wants(self):
    return self.known[min(len(self.seen), 159)] > self.seen[-1]
"""
UNCUTTABLE = """
def prepare(self):
    self.known = json.loads(Path(__file__).with_name("prices.json").read_text())

def wants(self):
    return self.known[min(len(self.seen), 159)] > self.seen[-1]
"""
TRAILS = """
def wants(self):
    if len(self.seen) == 20:
        self.order = self.order_factory.limit(self.config.instrument_id, OrderSide.BUY, Quantity.from_int(1), Price.from_str("10.00"))
        self.submit_order(self.order)
    if 20 < len(self.seen) < 155 and len(self.seen) % 10 == 0:
        self.modify_order(self.order.client_order_id, price=Price(10 + len(self.seen) / 100, 2))
    if len(self.seen) == 155:
        self.cancel_order(self.order.client_order_id)
    return False
"""


def write(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "tested.py"
    path.write_text(STRATEGY + textwrap.indent(textwrap.dedent(body), "    "))
    rows = [
        f"{np.datetime64(START + (n + 1) * DAY, 'ns').astype('datetime64[s]')},{bar[3]}" for n, bar in enumerate(BARS)
    ]
    (tmp_path / "prices.csv").write_text("\n".join(["time,close", *rows, ""]))
    (tmp_path / "prices.json").write_text(str([float(bar[3]) for bar in BARS]))
    return path


def prepare(tmp_path: Path, body: str, data: list[Data] | None = None) -> Setup:
    path = write(tmp_path, body)
    params = request(tmp_path / "run", path, data or [store(tmp_path / "catalog", BARS)])
    code = code_hash(path, [str(tmp_path)])
    return Setup({**params, "code": code.code, "files": list(code.files)})


def run(setup: Setup, **point: Any) -> tuple[dict[str, Any], bytes]:
    return Point(setup, {"parameters": {}, "collect": ["decisions", "files"], **point}, lambda *_: None).execute()


def check(tmp_path: Path, body: str) -> tuple[int, list[tuple[int, Any]], dict[str, str | None]]:
    """Decisions of the whole run; by bar of the cut, the difference or the error; the files that were read."""
    setup = prepare(tmp_path, body)
    whole, _ = run(setup)
    times = [START + DAY * number for number in range(1, 161)]
    cuts = choose_cuts([row[0] for row in whole["decisions"]], times[19::20], 12)
    found = []
    for cut in cuts:
        part, _ = run(setup, toNs=cut, withholdNs=cut)
        found.append(((cut - START) // DAY, compare(whole["decisions"], part["decisions"], cut)))
    return len(whole["decisions"]), found, whole["files"]


@pytest.mark.parametrize("body", [HONEST, TRAILS], ids=["moving average", "order changed later"])
def test_an_honest_strategy_decides_alike(tmp_path: Path, body: str) -> None:
    decisions, found, files = check(tmp_path, body)
    assert decisions > 10
    assert [difference for _, difference in found] == [None] * len(found)
    assert files == {}


def test_who_knows_the_next_price_is_named_with_the_bar(tmp_path: Path) -> None:
    decisions, found, files = check(tmp_path, PEEKS)
    assert decisions > 40
    assert files == {str(tmp_path / "prices.csv"): None}
    # The last bar of shorter data has no next price: a purchase at it needs what lies behind.
    differing = {bar: difference for bar, difference in found if difference is not None}
    assert len(differing) >= 2
    for bar, difference in differing.items():
        assert difference.ts == START + bar * DAY
        bought = BARS[bar][3] > BARS[bar - 1][3]
        assert (difference.whole is not None) == bought or difference.cut is not None
        assert difference.path == str(tmp_path / "tested.py")
        assert difference.line is not None


def test_who_scales_by_the_whole_sample_is_found(tmp_path: Path) -> None:
    _, found, _ = check(tmp_path, NORMALISES)
    assert any(difference is not None and difference.ts < START + bar * DAY for bar, difference in found)


def test_a_file_that_cannot_be_cut_is_told(tmp_path: Path) -> None:
    _, found, files = check(tmp_path, UNCUTTABLE)
    assert [difference for _, difference in found] == [None] * len(found)
    assert files == {str(tmp_path / "prices.json"): "it is no text table, but .json"}


def test_who_falls_off_the_end_fails_on_shorter_data(tmp_path: Path) -> None:
    setup = prepare(tmp_path, FALLS_OFF)
    run(setup)
    with pytest.raises(Exception, match="IndexError"):
        run(setup, toNs=START + 50 * DAY, withholdNs=START + 50 * DAY)


def test_decisions_are_compared_by_hand() -> None:
    whole = [(1, "buy", "a.py", 1), (3, "sell", "a.py", 2), (5, "buy", "a.py", 1)]
    assert compare(whole, whole[:2], 4) is None
    assert compare(whole, [whole[0]], 4) == Difference(3, "sell", None, "a.py", 2)
    assert compare(whole, [whole[0], (3, "buy", "a.py", 9)], 4) == Difference(3, "sell", "buy", "a.py", 2)
    assert compare(whole, [whole[0], (2, "buy", "a.py", 9)], 4) == Difference(2, None, "buy", "a.py", 9)
    assert compare(whole, whole[:2], 2) is None
    assert choose_cuts([10, 20, 30, 40], [15, 25, 35], 4) == [15, 20, 25, 40]
    assert choose_cuts([], [15, 25, 35], 6) == [15, 25, 35]
    assert choose_cuts([10], [15, 25, 35], 1) == [10]


def test_bars_are_put_together_anew(tmp_path: Path) -> None:
    """Two series with the same times are drawn together; the same number gives the same bars, and nothing stays on disk."""
    from runs import make_instrument

    other = make_instrument("OTHER.XNAS")
    doubled = [(2 * a, 2 * b, 2 * c, 2 * d) for a, b, c, d in BARS]
    data = [store(tmp_path / "catalog", BARS), store(tmp_path / "catalog", doubled, instrument=other)]
    setup = prepare(tmp_path, HONEST, data)
    redraw = {"seed": 7, "number": 1, "block": 10}
    with setup.redrawn(setup.span(None, None), redraw) as span:
        first, second = (track.bars for track in span.market.tracks)
        assert np.array_equal(first["ts"], setup.span(None, None).market.tracks[0].ts)
        # Twice the price with the same draw: rounding aside, twice the price again.
        assert second["close"] == pytest.approx(2 * first["close"], abs=0.011)
        assert (first["high"] >= np.maximum(first["open"], first["close"])).all()
        assert not np.array_equal(first["close"], [bar[3] for bar in BARS])
    assert list((tmp_path / "adjusted").glob(".redrawn*")) == []
    bodies = [run(setup, redraw={**redraw, "number": number})[1] for number in (1, 2, 1)]
    assert bodies[0] == bodies[2] != bodies[1]
