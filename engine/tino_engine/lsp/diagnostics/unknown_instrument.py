"""An instrument id that is written out is malformed, or the catalog does not hold it.

The second is a warning, since a strategy for live trading may name what has no stored data; in an empty catalog it is an
information, since there nothing could be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.errors import TinoError
from tino_engine.lsp.catalog import similar
from tino_engine.lsp.diagnostics.finding import Finding, Subject
from tino_engine.strategies import is_instrument_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tino_engine.lsp.catalog import CatalogIndex
    from tino_engine.lsp.literals import IdentifierLiteral


def check(subject: Subject) -> Iterator[Finding]:
    """Look at every instrument id of the text."""
    for literal in subject.analysis.literals:
        if literal.kind == "instrument":
            if not is_instrument_id(literal.text):
                yield _malformed(literal, subject.catalog)
            elif subject.catalog is not None and literal.text not in subject.catalog.instruments:
                yield _unknown(literal, subject.catalog)


def _malformed(literal: IdentifierLiteral, catalog: CatalogIndex | None) -> Finding:
    near = [] if catalog is None else catalog.near_instruments(literal.text)
    body = TinoError("instrument_invalid", instrument=literal.text or "Empty text").body
    return Finding(literal.span, "error", body.code, f"{body.message} {body.hint}", tuple(near))


def _unknown(literal: IdentifierLiteral, catalog: CatalogIndex) -> Finding:
    near = catalog.near_instruments(literal.text)
    body = TinoError("symbol_unknown", symbol=literal.text, near=similar(near)).body
    message = body.message if near else f"{body.message} {body.hint}"
    return Finding(literal.span, "information" if catalog.is_empty else "warning", body.code, message, tuple(near))
