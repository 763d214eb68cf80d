"""Backtests: resolving a request, running it in a worker, keeping and serving what it left."""

from tino_engine.backtest.spec import Spec, resolve_single

__all__ = ["Spec", "resolve_single"]
