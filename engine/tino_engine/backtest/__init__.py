"""Backtests: resolving a request, running it in a worker, keeping and serving what it left."""
