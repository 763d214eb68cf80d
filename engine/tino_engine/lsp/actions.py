"""Quick fixes: put the identifier that was probably meant in the place of the one that is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tino_engine.lsp.diagnostics import Finding
    from tino_engine.lsp.document import Document

_QUOTE = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')")


def replacements(
    document: Document, wanted: types.Range, reported: Iterable[tuple[Finding, types.Diagnostic]]
) -> Iterator[types.CodeAction]:
    """Give a fix for each name that may be meant by a diagnostic that touches the range."""
    for finding, diagnostic in reported:
        if not _touch(diagnostic.range, wanted):
            continue
        match = _QUOTE.match(document.lines[finding.span.line - 1], finding.span.column)
        # A literal whose beginning is not a plain quote (bytes of an edit under way) is left alone.
        if match is None:
            continue
        for rank, name in enumerate(finding.replacements):
            edit = types.TextEdit(diagnostic.range, f"{match[1]}{name}{match[1]}")
            yield types.CodeAction(
                title=f"Replace with {name}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[diagnostic],
                is_preferred=rank == 0,
                edit=types.WorkspaceEdit(changes={document.uri: [edit]}),
            )


def _touch(one: types.Range, other: types.Range) -> bool:
    return _key(one.start) <= _key(other.end) and _key(other.start) <= _key(one.end)


def _key(position: types.Position) -> tuple[int, int]:
    return position.line, position.character
