"""Sources of market data behind one interface: see `provider` for what one is and how to write one, `registry` for which there are."""

from tino_engine.data.providers.access import Access, Refused, Throttled, Truncated, Unavailable
from tino_engine.data.providers.provider import BARS, Capabilities, DataKind, Provider, Span, make_bars

__all__ = [
    "BARS",
    "Access",
    "Capabilities",
    "DataKind",
    "Provider",
    "Refused",
    "Span",
    "Throttled",
    "Truncated",
    "Unavailable",
    "make_bars",
]
