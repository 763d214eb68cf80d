"""The text is no Python. Said only in files that are tino's business; others have the editor's own Python support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.lsp.diagnostics.finding import Finding, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(subject: Subject) -> Iterator[Finding]:
    """Point at what Python's parser objects to."""
    error = subject.analysis.error
    if error is not None and subject.analysis.concerned:
        reason = error.reason[:1].upper() + error.reason[1:]
        yield Finding(error.span, "error", error.code, f"{reason}. No backtest can start before this is put right.")
