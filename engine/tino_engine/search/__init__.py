"""Searching for parameters, and not fooling oneself: sweeps, and what is judged over many runs.

Only what the engine itself needs is exported: importing this package must load no numpy.
"""

from tino_engine.search.executor import Executor, Outcome, Pool, Setup
from tino_engine.search.sweep import Sweeps

__all__ = ["Executor", "Outcome", "Pool", "Setup", "Sweeps"]
