"""The only importers of nautilus_trader. Child processes alone may load this package: see `docs/architecture.md`."""
