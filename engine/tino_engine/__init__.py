"""The engine of tino: one local process that keeps the ledger, runs backtests and serves every window and terminal."""

__version__ = "0.1.0"
