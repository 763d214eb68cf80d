"""What a strategy may ask of tino.

Everything here does nothing where tino does not run the strategy, so a strategy that uses it is still a plain
NautilusTrader strategy.
"""

from __future__ import annotations

from tino.drawing import plot

__all__ = ["plot"]
