"""A bar type that is written out is malformed, which is an error, or the catalog does not hold its bars, a warning.

Bars that are made while a strategy runs (INTERNAL) need those they are made from; made from ticks, they need none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.errors import TinoError
from tino_engine.lsp.catalog import parse_bar_type, similar, source_of
from tino_engine.lsp.diagnostics.finding import Finding, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.data import BarType
    from tino_engine.lsp.catalog import CatalogIndex
    from tino_engine.lsp.literals import IdentifierLiteral


def check(subject: Subject) -> Iterator[Finding]:
    """Look at every bar type of the text."""
    for literal in subject.analysis.literals:
        if literal.kind == "barType":
            bar_type = parse_bar_type(literal.text)
            if bar_type is None:
                yield _malformed(literal, subject.catalog)
            elif subject.catalog is not None and not literal.template:
                yield from _unknown(literal, bar_type, subject.catalog)


def _malformed(literal: IdentifierLiteral, catalog: CatalogIndex | None) -> Finding:
    instrument_id, _, spec = literal.text.partition("-")
    shown = f"…-{spec}" if literal.template else literal.text or "Empty text"
    body = TinoError("bar_type_invalid", barType=shown).body
    entry = None if catalog is None else catalog.instruments.get(instrument_id)
    stored = () if entry is None else tuple(coverage.bar_type for coverage in entry.coverage)
    return Finding(literal.span, "error", body.code, f"{body.message} {body.hint}", stored)


def _unknown(literal: IdentifierLiteral, bar_type: BarType, catalog: CatalogIndex) -> Iterator[Finding]:
    needed = source_of(bar_type)
    if needed is None or str(needed) in catalog.series:
        return
    near = catalog.near_bar_types(needed)
    body = TinoError("bar_type_unknown", barType=str(needed), near=similar(near)).body
    message = body.message if near else f"{body.message} {body.hint}"
    # What is written can be replaced by a stored series only if it was meant to be one.
    replacements = tuple(near) if needed == bar_type else ()
    yield Finding(literal.span, "information" if catalog.is_empty else "warning", body.code, message, replacements)
