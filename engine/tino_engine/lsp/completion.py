"""Instruments and bar types of the catalog, offered inside the quotes of a literal that names one.

A literal that is being typed is rarely valid Python, so this looks at the line alone: `InstrumentId.from_str("AA`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

from tino_engine.lsp.literals import KEYWORDS, PARSERS
from tino_engine.strategies import Span

if TYPE_CHECKING:
    from tino_engine.lsp.catalog import CatalogIndex
    from tino_engine.lsp.document import Document

TRIGGERS = ['"', "'", ".", "-"]
MAX_ITEMS = 500
"""More are not sent at once; the list then says that it is incomplete, and the editor asks again with each letter."""

_IDENTIFIER = re.compile(r"[\w.@/-]*")
_OPENED = re.compile(
    rf"(?:\b(?P<parser>{'|'.join(PARSERS)})\.from_str\(\s*"
    rf"|\b(?P<keyword>{'|'.join(KEYWORDS)})\s*=\s*[\[(]?(?:\s*(?:\"[^\"]*\"|'[^']*')\s*,)*\s*)"
    r"(?P<quote>[\"'])(?P<typed>[^\"']*)$"
)


def complete(document: Document, position: types.Position, catalog: CatalogIndex | None) -> types.CompletionList | None:
    """Give what may stand in the literal at the position; None outside of one."""
    if catalog is None or position.line >= len(document.lines):
        return None
    line, column = document.lines[position.line], document.column(position)
    match = _OPENED.search(line, 0, column)
    if match is None:
        return None
    kind = PARSERS[match["parser"]] if match["parser"] else KEYWORDS[match["keyword"]]
    names = catalog.instruments if kind == "instrument" else catalog.series
    typed = match["typed"].upper()
    fitting = [name for name in names if typed in name.upper()]
    place = document.range(
        Span(
            position.line + 1,
            match.start("typed"),
            position.line + 1,
            column + len(_rest(line[column:], match["quote"])),
        )
    )
    items = [_item(name, place, catalog) for name in fitting[:MAX_ITEMS]]
    return types.CompletionList(is_incomplete=len(fitting) > MAX_ITEMS, items=items)


def _rest(after: str, quote: str) -> str:
    """Give what follows the position up to the closing quote; nothing when the literal is still open."""
    content, closed, _ = after.partition(quote)
    return content if closed and _IDENTIFIER.fullmatch(content) else ""


def _item(name: str, place: types.Range, catalog: CatalogIndex) -> types.CompletionItem:
    return types.CompletionItem(
        label=name,
        kind=types.CompletionItemKind.Value,
        detail=catalog.describe(name),
        filter_text=name,
        text_edit=types.TextEdit(place, name),
    )
