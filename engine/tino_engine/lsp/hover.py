"""What is shown where the pointer rests: what the catalog holds of an identifier, how a strategy did last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from tino_engine.lsp.catalog import CatalogIndex, describe_coverage, parse_bar_type, source_of
from tino_engine.lsp.results import RunIndex, percent, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.contracts import RunSummary, SymbolEntry
    from tino_engine.lsp.analysis import Analysis
    from tino_engine.lsp.document import Document
    from tino_engine.lsp.literals import IdentifierLiteral
    from tino_engine.strategies import Span


def hover(
    document: Document, analysis: Analysis, position: types.Position, catalog: CatalogIndex | None, runs: RunIndex
) -> types.Hover | None:
    """Give what is known of the literal or the class name at a position."""
    line, column = position.line + 1, document.column(position)
    for literal in analysis.literals:
        if _holds(literal.span, line, column) and catalog is not None and not literal.template:
            return _hover(document, literal.span, list(_identifier(literal, catalog)))
    if analysis.module is None:
        return None
    for strategy in analysis.strategies:
        span = analysis.module.name_span(analysis.module.classes[strategy.name])
        run = runs.find(strategy.path, strategy.name)
        if run is not None and _holds(span, line, column):
            return _hover(document, span, list(_last_run(run)))
    return None


def _holds(span: Span, line: int, column: int) -> bool:
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)


def _hover(document: Document, span: Span, paragraphs: list[str]) -> types.Hover:
    content = types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(paragraphs))
    return types.Hover(content, document.range(span))


def _identifier(literal: IdentifierLiteral, catalog: CatalogIndex) -> Iterator[str]:
    if literal.kind == "instrument":
        entry = catalog.instruments.get(literal.text)
        if entry is None:
            yield f"**{_plain(literal.text)}** is not in the catalog."
        else:
            yield from _instrument(entry)
        return
    bar_type = parse_bar_type(literal.text)
    if bar_type is None:
        yield f"**{_plain(literal.text)}** is not a bar type."
        return
    source = source_of(bar_type)
    entry = catalog.instruments.get(bar_type.instrument_id)
    if source is None:
        yield f"**{_plain(str(bar_type))}** is made from ticks while a strategy runs."
        return
    coverage = catalog.series.get(str(source))
    if entry is None or coverage is None:
        yield f"**{_plain(str(source))}** is not in the catalog."
        return
    if source != bar_type:
        yield f"**{_plain(str(bar_type))}** is made while a strategy runs, from **{_plain(str(source))}**."
    else:
        yield f"**{_plain(str(bar_type))}**"
    yield f"{describe_coverage(entry.instrument, coverage)} · {_plain(coverage.source)}"


def _instrument(entry: SymbolEntry) -> Iterator[str]:
    instrument = entry.instrument
    name = f" — {_plain(instrument.name)}" if instrument.name else ""
    yield f"**{_plain(instrument.id)}**{name} · {instrument.asset_class}, {instrument.currency}, {instrument.time_zone}"
    if not entry.coverage:
        yield "No bars are stored."
    else:
        yield "\n".join(
            f"- {describe_coverage(instrument, coverage)} · {_plain(coverage.source)}" for coverage in entry.coverage
        )


def _last_run(run: RunSummary) -> Iterator[str]:
    data = ", ".join(_plain(symbol) for symbol in run.symbols)
    days = f", {run.from_ or 'start'} to {run.to or 'end'}" if run.from_ or run.to else ""
    yield f"Last run: {data}{days}"
    if run.error is not None:
        yield f"Failed: {_plain(run.error.message)}"
    elif run.no_trades is not None:
        yield f"No trades: {_plain(run.no_trades)}"
    elif run.metrics is not None:
        metrics = run.metrics
        figures = [
            ("return", metrics.total_return, percent),
            ("buy and hold", metrics.benchmark_return, percent),
            ("max drawdown", metrics.max_drawdown, percent),
            ("Sharpe", metrics.sharpe, ratio),
        ]
        shown = [f"{label} {write(value)}" for label, value, write in figures if value is not None]
        yield " · ".join([*shown, f"{metrics.trades} {'trade' if metrics.trades == 1 else 'trades'}"])


def _plain(text: str) -> str:
    """Keep Markdown from reading anything into a text."""
    return "".join("\\" + character if character in "\\`*_{}[]()<>#+!|~" else character for character in text)
