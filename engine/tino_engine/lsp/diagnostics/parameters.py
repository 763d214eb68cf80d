"""A field of a strategy's config can be filled by nobody. An error when no run can start without it, else an information."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.lsp.diagnostics.finding import Finding, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(subject: Subject) -> Iterator[Finding]:
    """Point at the annotations of such fields, as far as they stand in this file."""
    for problem in subject.analysis.problems:
        if problem.path == subject.path:
            error = problem.error
            message = f"{error.message} {error.hint}" if problem.blocking else error.message
            yield Finding(problem.span, "error" if problem.blocking else "information", error.code, message)
