"""What a rule says about a text, free of the protocol; and what it has to go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tino_engine.lsp.analysis import Analysis
    from tino_engine.lsp.catalog import CatalogIndex
    from tino_engine.strategies import Span

type Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One version of a text, and the catalog as it is now; None before the engine has told."""

    path: str
    analysis: Analysis
    catalog: CatalogIndex | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnostic. `code` is an entry of the error catalogue.

    `replacements` are identifiers of the catalog that may be meant, the likeliest first.
    """

    span: Span
    severity: Severity
    code: str
    message: str
    replacements: tuple[str, ...] = ()
