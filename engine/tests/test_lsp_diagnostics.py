"""What the language host says about a text: every rule, where it points, what it offers; and that it never falls over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types
from nautilus_trader.model import BarType, InstrumentId

from lsp_facts import NOTHING, SYMBOLS, failed_run, run, run_summary, symbol_list
from tino_engine.lsp.analysis import Analysis, analyse
from tino_engine.lsp.catalog import CatalogIndex, parse_bar_type
from tino_engine.lsp.completion import complete
from tino_engine.lsp.diagnostics import Finding, Subject, diagnose
from tino_engine.lsp.document import Document
from tino_engine.lsp.hover import hover
from tino_engine.lsp.lenses import lenses
from tino_engine.lsp.results import RunIndex
from tino_engine.strategies import is_instrument_id

if TYPE_CHECKING:
    import random

    from tino_engine.strategies import Span

HEAD = "from nautilus_trader.model import BarType, InstrumentId\nfrom nautilus_trader.trading import Strategy\n"
A = HEAD + "class A(Strategy): ...\n"
NEAR_APPL = ("AAPL.XNAS",)
DAY, MINUTE = "AAPL.XNAS-1-DAY-LAST-EXTERNAL", "AAPL.XNAS-1-MINUTE-LAST-EXTERNAL"

type Expected = tuple[str, str, str, tuple[str, ...]]
"""Code, severity, the text it covers, what it offers."""

TEXTS: list[tuple[str, str, str, list[Expected]]] = [
    # What it shows, file, text, findings
    ("nothing to say", "a.py", A + "InstrumentId.from_str('AAPL.XNAS')\nBarType.from_str('AAPL.XNAS-1-DAY-LAST-EXTERNAL')\n", []),
    ("plain Python", "a.py", "def f(:\n", []),
    ("classes of others", "a.py", "class A(B): pass\nInstrumentId.from_str('X')\n", []),
    # Instruments
    ("unknown", "a.py", A + "InstrumentId.from_str('APPL.XNAS')", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("wrong case", "a.py", A + "InstrumentId.from_str('msft.xnas')", [("symbol_unknown", "warning", "'msft.xnas'", ("MSFT.XNAS",))]),
    ("wrong venue", "a.py", A + "InstrumentId.from_str('AAPL.NYSE')", [("symbol_unknown", "warning", "'AAPL.NYSE'", NEAR_APPL)]),
    ("nothing near", "a.py", A + "InstrumentId.from_str('ZZZZZZ.QQQQ')", [("symbol_unknown", "warning", "'ZZZZZZ.QQQQ'", ())]),
    ("no venue", "a.py", A + "InstrumentId.from_str('AAPL')", [("instrument_invalid", "error", "'AAPL'", NEAR_APPL)]),
    ("empty", "a.py", A + "InstrumentId.from_str('')", [("instrument_invalid", "error", "''", ())]),
    ("behind an emoji", "a.py", A + "x = '😀é', InstrumentId.from_str('APPL.XNAS')", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("under another name", "a.py", A + "from nautilus_trader.model import InstrumentId as I\nI.from_str('APPL.XNAS')", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("dotted", "a.py", A + "import nautilus_trader.model as m\nm.InstrumentId.from_str('APPL.XNAS')", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("generation 1", "a.py", "from nautilus_trader.model.identifiers import InstrumentId\nInstrumentId.from_str('APPL.XNAS')", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("somebody else's class", "a.py", A + "class InstrumentId: ...\nInstrumentId.from_str('APPL.XNAS')", []),
    ("constant", "a.py", A + "ID = 'APPL.XNAS'\nInstrumentId.from_str(ID)\nInstrumentId.from_str(ID)", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("not told", "a.py", A + "InstrumentId.from_str(other)\nInstrumentId.from_str('A' + 'B')\nInstrumentId.from_str()", []),
    ("keyword", "a.py", A + "import nautilus_trader.config as c\nc.BacktestDataConfig(instrument_id='APPL.XNAS', instrument_ids=['AAPL.XNAS', 'IBM'])", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL), ("instrument_invalid", "error", "'IBM'", ())]),
    ("keyword of a class of the file", "a.py", A + "class C: ...\nC(instrument_id='APPL.XNAS')\nprint(instrument_id='APPL.XNAS')", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("over two lines", "a.py", A + "InstrumentId.from_str('APPL'\n  '.XNAS')", [("symbol_unknown", "warning", "'APPL'\n  '.XNAS'", NEAR_APPL)]),
    ("CR LF", "a.py", (A + "InstrumentId.from_str('APPL.XNAS')\n").replace("\n", "\r\n"), [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    ("form feed", "a.py", A + "\f\nx = '\u2028'; InstrumentId.from_str('APPL.XNAS')\n", [("symbol_unknown", "warning", "'APPL.XNAS'", NEAR_APPL)]),
    # Bar types
    ("not stored", "a.py", A + "BarType.from_str('AAPL.XNAS-5-MINUTE-LAST-EXTERNAL')", [("bar_type_unknown", "warning", "'AAPL.XNAS-5-MINUTE-LAST-EXTERNAL'", (MINUTE, DAY))]),
    ("instrument unknown", "a.py", A + "BarType.from_str('APPL.XNAS-1-DAY-LAST-EXTERNAL')", [("bar_type_unknown", "warning", "'APPL.XNAS-1-DAY-LAST-EXTERNAL'", (DAY, MINUTE))]),
    ("instrument without bars", "a.py", A + "BarType.from_str('BRK.B.XNYS-1-DAY-LAST-EXTERNAL')", [("bar_type_unknown", "warning", "'BRK.B.XNYS-1-DAY-LAST-EXTERNAL'", ())]),
    ("malformed", "a.py", A + "BarType.from_str('AAPL.XNAS-1-DAYS-LAST-EXTERNAL')", [("bar_type_invalid", "error", "'AAPL.XNAS-1-DAYS-LAST-EXTERNAL'", (DAY, MINUTE))]),
    ("malformed, unknown", "a.py", A + "BarType.from_str('X')", [("bar_type_invalid", "error", "'X'", ())]),
    ("in lower case", "a.py", A + "BarType.from_str('AAPL.XNAS-1-day-last-external')", []),
    ("from ticks", "a.py", A + "BarType.from_str('AAPL.XNAS-100-TICK-LAST-INTERNAL')", []),
    ("from stored bars", "a.py", A + "BarType.from_str('AAPL.XNAS-15-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL')", []),
    ("from bars not stored", "a.py", A + "BarType.from_str('MSFT.XNAS-15-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL')", [("bar_type_unknown", "warning", "'MSFT.XNAS-15-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL'", ())]),
    ("template", "a.py", A + "BarType.from_str(f'{x}-1-DAY-LAST-EXTERNAL')", []),
    ("template, malformed", "a.py", A + "BarType.from_str(f'{x}-1-DAYS-LAST-EXTERNAL')", [("bar_type_invalid", "error", "f'{x}-1-DAYS-LAST-EXTERNAL'", ())]),
    ("template, otherwise", "a.py", A + "BarType.from_str(f'{x}.XNAS-1-DAYS-LAST-EXTERNAL')\nBarType.from_str(f'{x}-{y}')", []),
    # Syntax
    ("syntax error", "a.py", A + "x = = 1\n", [("strategy_syntax_error", "error", "=", ())]),
    ("syntax error at the end", "a.py", A + "def f():", [("strategy_syntax_error", "error", "", ())]),
    ("syntax error in a folder of strategies", "strategies/a.py", "x = = 1\n", [("strategy_syntax_error", "error", "=", ())]),
    ("too deep", "a.py", A + "x = " + "-" * 100_000 + "1", [("strategy_syntax_error", "error", HEAD.partition("\n")[0], ())]),
    # No strategy
    ("import not used", "a.py", HEAD.partition("\n")[2] + "x = 1", [("strategy_not_found", "information", "Strategy", ())]),
    ("import not used, renamed", "a.py", "from nautilus_trader.trading import Strategy as S\n", [("strategy_not_found", "information", "Strategy as S", ())]),
    ("import for an annotation", "a.py", "from nautilus_trader.trading import Strategy\ndef f(s: Strategy): ...", []),
    ("import for a quoted annotation", "a.py", "from nautilus_trader.trading import Strategy\ndef f(s: 'Strategy'): ...", []),
    ("import passed on", "pkg/__init__.py", "from nautilus_trader.trading import Strategy\n", []),
    ("only a base", "a.py", "from nautilus_trader.trading import Strategy\nclass _Base(Strategy): ...", []),
    ("forgotten base", "strategies/a.py", "class Cross:\n  def on_bar(self, bar): ...\n", [("strategy_not_found", "warning", "Cross", ())]),
    ("forgotten base and import", "strategies/a.py", HEAD.partition("\n")[2] + "@d\nclass Cross:\n  def on_bar(self, bar): ...\n", [("strategy_not_found", "warning", "Cross", ())]),
    ("elsewhere", "lib/a.py", "class Cross:\n  def on_bar(self, bar): ...\n", []),
    ("base that cannot be read", "strategies/a.py", "from firm import Base\nclass Cross(Base):\n  def on_bar(self, bar): ...\n", []),
    ("module beside strategies", "strategies/a.py", "class Window:\n  def push(self, value): ...\ndef mean(values): ...\n", []),
    ("test beside strategies", "strategies/test_a.py", "class Cross:\n  def on_bar(self, bar): ...\n", []),
    # Parameters
    ("field nobody can fill", "a.py", HEAD + "class AConfig:\n  x: dict[str, int]\nclass A(Strategy): ...\n", [("parameter_unsupported", "error", "dict[str, int]", ())]),
    ("field left at its default", "a.py", HEAD + "class AConfig:\n  x: dict[str, int] = None\nclass A(Strategy): ...\n", [("parameter_unsupported", "information", "dict[str, int]", ())]),
]  # fmt: skip


def read(
    text: str, path: str = "/w/a.py", catalog: dict[str, Any] | None = SYMBOLS
) -> tuple[Document, Analysis, list[Finding]]:
    document = Document(f"file://{path}", text, 1)
    index = None if catalog is None else CatalogIndex(symbol_list(catalog))
    analysis = analyse(path, text, 1, [])
    return document, analysis, diagnose(Subject(path, analysis, index))


def covered(document: Document, span: Span) -> str:
    """The text in the range that the protocol gets, cut out as an editor would: by UTF-16 units."""
    found = document.range(span)
    data = document.text.encode("utf-16-le")
    starts = [0]
    for index in range(0, len(data), 2):
        unit, following = data[index : index + 2], data[index + 2 : index + 4]
        if unit == b"\n\0" or (unit == b"\r\0" and following != b"\n\0"):
            starts.append(index + 2)
    first, last = (starts[position.line] + 2 * position.character for position in (found.start, found.end))
    return data[first:last].decode("utf-16-le")


@pytest.mark.parametrize(("file", "text", "expected"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_says(file: str, text: str, expected: list[Expected]) -> None:
    document, _, findings = read(text, f"/w/{file}")
    assert [(f.code, f.severity, covered(document, f.span), f.replacements) for f in findings] == expected


WORDS: list[tuple[str, dict[str, Any] | None, list[str]]] = [
    ("InstrumentId.from_str('APPL.XNAS')", SYMBOLS, ["The catalog holds no instrument APPL.XNAS (similar: AAPL.XNAS)."]),
    ("InstrumentId.from_str('ZZZ.Q')", SYMBOLS, ["The catalog holds no instrument ZZZ.Q. Import its data first; `tino demo` brings the sample."]),
    ("InstrumentId.from_str('APPL.XNAS')", NOTHING, ["The catalog holds no instrument APPL.XNAS. Import its data first; `tino demo` brings the sample."]),
    ("InstrumentId.from_str('APPL.XNAS')", None, []),
    ("InstrumentId.from_str('')", None, ["Empty text is not an instrument id. An instrument id reads like AAPL.XNAS."]),
    ("BarType.from_str('MSFT.XNAS-1-HOUR-LAST-EXTERNAL')", SYMBOLS, ["The catalog holds no bars MSFT.XNAS-1-HOUR-LAST-EXTERNAL (similar: MSFT.XNAS-1-DAY-LAST-EXTERNAL)."]),
    ("BarType.from_str(f'{x}-1-DAYS-LAST-EXTERNAL')", None, ["…-1-DAYS-LAST-EXTERNAL is not a bar type. A bar type reads like AAPL.XNAS-1-DAY-LAST-EXTERNAL."]),
    ("def f(:", None, ["Invalid syntax. No backtest can start before this is put right."]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "catalog", "expected"), WORDS)
def test_the_words(line: str, catalog: dict[str, Any] | None, expected: list[str]) -> None:
    assert [finding.message for finding in read(A + line, catalog=catalog)[2]] == expected


def test_an_empty_catalog_knows_nothing_and_says_so_quietly() -> None:
    text = A + "InstrumentId.from_str('APPL.XNAS')\nBarType.from_str('APPL.XNAS-1-DAY-LAST-EXTERNAL')"
    assert {finding.severity for finding in read(text, catalog=NOTHING)[2]} == {"information"}


# -- the same verdict as NautilusTrader ----------------------------------------------------------------------------

SPELLINGS = [
    DAY, MINUTE, "AAPL.XNAS-1-day-last-external", "AAPL.XNAS-1-DAYS-LAST-EXTERNAL", "AAPL.XNAS-0-DAY-LAST-EXTERNAL",
    "AAPL.XNAS-7-MINUTE-LAST-EXTERNAL", "AAPL-1-DAY-LAST-EXTERNAL", "AAPL.XNAS-1-DAY-LAST", "AAPL.XNAS-1-DAY-LASTT-EXTERNAL",
    "BTC-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL", "BRK.B.XNYS-1-DAY-MID-INTERNAL", "AAPL.XNAS-100-TICK-LAST-INTERNAL",
    "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL", "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@1-minute-external",
    "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@", "AAPL.XNAS-5-MINUTE-LAST-INTERNAL@1-MINUTES-EXTERNAL", "", "-", "@", "-----", "A.B",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_bar_types_are_judged_as_the_library_does(text: str) -> None:
    try:
        expected: str | None = str(BarType.from_str(text))
    except ValueError:
        expected = None
    found = parse_bar_type(text)
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize("text", ["AAPL.XNAS", "BRK.B.XNYS", "A", "A.", ".A", "", ".", "BTC-PERP.X", "É.X"])
def test_instrument_ids_are_judged_as_the_library_does(text: str) -> None:
    try:
        expected = bool(InstrumentId.from_str(text))
    except ValueError:
        expected = False
    assert is_instrument_id(text) is expected


# -- lenses --------------------------------------------------------------------------------------------------------

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
RESULTS: list[tuple[dict[str, Any] | None, list[str]]] = [
    (None, ["▶ Backtest"]),
    (run("/w/a.py", "A"), [f"▶ Backtest · last: +12.3{THIN}%, Sharpe 0.71", "Show last run"]),
    (run("/w/a.py", "A", metrics={"totalReturn": -0.0456, "sharpe": -1.005}), [f"▶ Backtest · last: {MINUS}4.6{THIN}%, Sharpe {MINUS}1.00", "Show last run"]),
    (run("/w/a.py", "A", metrics={"totalReturn": -0.0001, "sharpe": -0.001}), [f"▶ Backtest · last: 0.0{THIN}%, Sharpe 0.00", "Show last run"]),
    (run("/w/a.py", "A", metrics={"totalReturn": 123.456, "sharpe": None}), [f"▶ Backtest · last: +12,345.6{THIN}%", "Show last run"]),
    (run("/w/a.py", "A", noTrades="It never bought."), ["▶ Backtest · last: no trades", "Show last run"]),
    (failed_run("/w/a.py", "A"), ["▶ Backtest · last: failed", "Show last run"]),
    (run("/w/./b/../a.py", "A"), [f"▶ Backtest · last: +12.3{THIN}%, Sharpe 0.71", "Show last run"]),
    (run("/w/b.py", "A"), ["▶ Backtest"]),
    (run("/w/a.py", "B"), ["▶ Backtest"]),
]  # fmt: skip


@pytest.mark.parametrize(("last", "titles"), RESULTS)
def test_a_lens_says_how_it_went(last: dict[str, Any] | None, titles: list[str]) -> None:
    document, analysis, _ = read(A)
    runs = RunIndex([] if last is None else [run_summary(last)])
    shown = list(lenses(document, analysis, runs))
    assert [lens.command.title for lens in shown if lens.command] == titles
    assert {lens.range.start.line for lens in shown} == {2}


def test_lenses_run_nothing_themselves() -> None:
    document, analysis, _ = read(A)
    first, second = lenses(document, analysis, RunIndex([run_summary(run("/w/a.py", "A", 7))]))
    assert first.command == types.Command(
        first.command.title if first.command else "", "tino.runBacktest", arguments=[{"path": "/w/a.py", "name": "A"}]
    )
    assert second.command == types.Command("Show last run", "tino.openRun", arguments=[{"id": f"run_{7:020d}"}])


def test_the_newest_run_counts() -> None:
    runs = RunIndex([run_summary(run("/w/a.py", "A", number)) for number in (2, 3, 1)])
    found = runs.find("/w/a.py", "A")
    assert found is not None
    assert found.id.endswith("3")


def test_lenses_stay_while_the_text_is_broken() -> None:
    good = analyse("/w/a.py", A + "class B(Strategy): ...\n", 1, [])
    text = "x = (\n\n" + A
    broken = analyse("/w/a.py", text, 2, [], good)
    assert broken.error is not None
    assert [(s.name, s.line) for s in broken.strategies] == [("A", 5)]
    again = analyse("/w/a.py", "\n" + text, 3, [], broken)
    assert [(s.name, s.line) for s in again.strategies] == [("A", 6)]


# -- hover and completion ------------------------------------------------------------------------------------------

HOVERS: list[tuple[str, str, list[str] | None]] = [
    # Line, what the pointer rests on, what is said of it
    ("InstrumentId.from_str('AAPL.XNAS')", "AAPL", ["**AAPL.XNAS** — Apple · equity, USD, America/New_York", "- 3,521 daily bars, 2000-01-03 to 2013-12-31 · Quandl \\*WIKI\\*", "- 3,521 1-minute bars, 2000-01-03 to 2013-12-31"]),
    ("InstrumentId.from_str('BRK.B.XNYS')", "BRK", ["**BRK.B.XNYS**", "No bars are stored."]),
    ("InstrumentId.from_str('X_Y.Z')", "X_Y", ["**X\\_Y.Z** is not in the catalog."]),
    ("BarType.from_str('AAPL.XNAS-1-DAY-LAST-EXTERNAL')", "DAY", ["**AAPL.XNAS-1-DAY-LAST-EXTERNAL**", "3,521 daily bars, 2000-01-03 to 2013-12-31 · Quandl"]),
    ("BarType.from_str('AAPL.XNAS-15-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL')", "15", ["is made while a strategy runs, from **AAPL.XNAS-1-MINUTE-LAST-EXTERNAL**", "3,521 1-minute bars"]),
    ("BarType.from_str('AAPL.XNAS-100-TICK-LAST-INTERNAL')", "100", ["is made from ticks"]),
    ("BarType.from_str('AAPL.XNAS-5-MINUTE-LAST-EXTERNAL')", "MINUTE", ["**AAPL.XNAS-5-MINUTE-LAST-EXTERNAL** is not in the catalog."]),
    ("BarType.from_str('nonsense')", "nonsense", ["**nonsense** is not a bar type."]),
    ("x = '😀'; InstrumentId.from_str('BRK.B.XNYS')", "BRK", ["No bars are stored."]),
    ("class Last(Strategy): ...", "Last", [f"Last run: AAPL.XNAS, 2000-01-01 to end\n\nreturn +12.3{THIN}% · max drawdown {MINUS}8.1{THIN}% · Sharpe 0.71 · 42 trades"]),
    ("class Failed(Strategy): ...", "Failed", ["Failed: Cross.on\\_bar raised ValueError: no."]),
    ("class Idle(Strategy): ...", "Idle", ["No trades: It never bought."]),
    ("class Fresh(Strategy): ...", "Fresh", None),
    ("InstrumentId.from_str('AAPL.XNAS')", "from_str", None),
]  # fmt: skip
LAST = [
    run("/w/a.py", "Last"),
    failed_run("/w/a.py", "Failed", 2),
    run("/w/a.py", "Idle", 3, noTrades="It never bought."),
]


@pytest.mark.parametrize(("line", "target", "expected"), HOVERS)
def test_hover_says_what_is_known(line: str, target: str, expected: list[str] | None) -> None:
    document, analysis, _ = read(A + line)
    character = len(line[: line.index(target)].encode("utf-16-le")) // 2 + 1
    runs = RunIndex([run_summary(last) for last in LAST])
    found = hover(document, analysis, types.Position(3, character), CatalogIndex(symbol_list()), runs)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    for part in expected:
        assert part in found.contents.value


COMPLETIONS: list[tuple[str, list[str] | None, str]] = [
    # The line with | where the cursor is, what is offered, what the line becomes with the first of them
    ("InstrumentId.from_str('|", ["AAPL.XNAS", "MSFT.XNAS", "BRK.B.XNYS", "ETHUSDT.BINANCE"], "InstrumentId.from_str('AAPL.XNAS"),
    ("InstrumentId.from_str('m|')", ["MSFT.XNAS"], "InstrumentId.from_str('MSFT.XNAS')"),
    ('x = "😀", InstrumentId.from_str("AA|PL.X") + "y"', ["AAPL.XNAS"], 'x = "😀", InstrumentId.from_str("AAPL.XNAS") + "y"'),
    ("BarType.from_str('aapl.xnas-|", [DAY, MINUTE], f"BarType.from_str('{DAY}"),
    ("f(bar_types=['X', \"5-min|\"])", ["ETHUSDT.BINANCE-5-MINUTE-LAST-EXTERNAL"], "f(bar_types=['X', \"ETHUSDT.BINANCE-5-MINUTE-LAST-EXTERNAL\"])"),
    ("f(instrument_id='zzz|')", [], ""),
    ("InstrumentId.from_str('AAPL.XNAS')|", None, ""),
    ("x = 'AA|'", None, ""),
    ("MyInstrumentId.from_str('AA|'", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "offered", "result"), COMPLETIONS)
def test_completion_inside_the_quotes(line: str, offered: list[str] | None, result: str) -> None:
    before, _, after = line.partition("|")
    document = Document("file:///w/a.py", f"# first\n{before}{after}", 1)
    position = types.Position(1, len(before.encode("utf-16-le")) // 2)
    found = complete(document, position, CatalogIndex(symbol_list()))
    assert (None if found is None else [item.label for item in found.items]) == offered
    if found is not None and found.items:
        edit = found.items[0].text_edit
        assert isinstance(edit, types.TextEdit)
        document.change([types.TextDocumentContentChangePartial(range=edit.range, text=edit.new_text)], 2)
        assert document.lines[1] == result


# -- it never falls over -------------------------------------------------------------------------------------------

SEEDS = [text for _, _, text, _ in TEXTS if len(text) < 2_000]
PIECES = [
    "(",
    ")",
    "'",
    '"',
    "\n",
    "\r\n",
    ":",
    "class ",
    "😀",
    "\x00",
    "\f",
    "\\",
    "f'{",
    "=",
    "    ",
    "#",
    "from . import ",
    "@",
    ",",
    "[",
    "Strategy",
]


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, len(SEEDS) - 1), st.integers(1, 6))
def test_mutated_texts_are_read_without_a_fault_and_ranges_stay_inside(
    rng: random.Random, seed: int, count: int
) -> None:
    text = SEEDS[seed]
    before: Analysis | None = analyse("/w/strategies/a.py", text, 1, [])
    catalog, runs = CatalogIndex(symbol_list()), RunIndex([run_summary(run("/w/strategies/a.py", "A"))])
    for version in range(2, 2 + count):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 0, 1, 3, 20]))
        text = text[:start] + rng.choice(["", *PIECES]) + text[end:]
        analysis = analyse("/w/strategies/a.py", text, version, [], before)
        document = Document("file:///w/strategies/a.py", text, version)
        findings = diagnose(Subject("/w/strategies/a.py", analysis, catalog))
        ranges = [document.range(finding.span) for finding in findings]
        ranges += [lens.range for lens in lenses(document, analysis, runs)]
        position = types.Position(rng.randrange(len(document.lines)), rng.randrange(60))
        if (found := hover(document, analysis, position, catalog, runs)) is not None and found.range is not None:
            ranges.append(found.range)
        for item in getattr(complete(document, position, catalog), "items", []):
            ranges.append(item.text_edit.range)
        for place in ranges:
            assert (place.start.line, place.start.character) <= (place.end.line, place.end.character)
            for edge in (place.start, place.end):
                assert edge.line < len(document.lines)
                assert edge.character <= len(document.lines[edge.line].encode("utf-16-le")) // 2
        before = analysis
