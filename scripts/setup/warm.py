"""Load everything that the engine and its children load when they start, so that Python writes their bytecode now.

Run by set-up with the environment's own interpreter. Modules are found by walking the package; those that libraries load by name
while they run are listed. A module that cannot be loaded on this platform is left out: whoever needs it will say so.
"""

import importlib
import pkgutil
import sys

LOADED_BY_NAME = (
    "alembic.command",
    "anyio._backends._asyncio",
    "pydantic._internal._schema_generation_shared",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.logging",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
)
RUNS_WHEN_LOADED = ("tino_engine.__main__", "tino_engine.ledger.migrations")


def load(name: str) -> None:
    """Load one module; say why when that is not possible."""
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - see the module's docstring
        print(f"{name}: {error}", file=sys.stderr)


def main() -> None:
    """Load the package, all its modules and the listed ones."""
    package = importlib.import_module("tino_engine")
    for module in pkgutil.walk_packages(package.__path__, "tino_engine."):
        if not module.name.startswith(RUNS_WHEN_LOADED):
            load(module.name)
    for name in LOADED_BY_NAME:
        load(name)


main()
