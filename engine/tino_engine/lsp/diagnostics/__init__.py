"""Diagnostics that only a trading tool can give: one file per rule, each with a `check`, listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tino_engine.lsp.diagnostics import no_strategy, parameters, syntax_error, unknown_bar_type, unknown_instrument
from tino_engine.lsp.diagnostics.finding import Finding, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    syntax_error.check,
    no_strategy.check,
    parameters.check,
    unknown_instrument.check,
    unknown_bar_type.check,
)


def diagnose(subject: Subject) -> list[Finding]:
    """Apply every rule; give what they found in the order of the text."""
    if not subject.analysis.concerned:
        return []
    findings = [finding for check in RULES for finding in check(subject)]
    return sorted(findings, key=lambda finding: (finding.span.line, finding.span.column, finding.code))


__all__ = ["RULES", "Finding", "Subject", "diagnose"]
