"""What only the engine's own Python can say about an installation: for `tino doctor`, with or without an engine.

    python -I -m tino_engine inspect <database>   →   one JSON object on standard output

It has to work when packages are missing or broken, so it imports the standard library only, and SQLite in a `try`. It
changes nothing: the database is opened for reading alone, and where no engine left a write-ahead log as immutable, so
that no file appears beside it.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.request import pathname2url

from tino_engine import __version__

CHECK_SECONDS = 20.0
"""Longest time the database is looked through."""

FINDINGS = 5
"""How many of SQLite's findings are told."""


def main(database: Path) -> int:
    """Print what was found; give the exit status."""
    found = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "version": __version__,
        "packages": {item.name: item.version for item in metadata.distributions()},
        "database": inspect_database(database),
    }
    sys.stdout.write(json.dumps(found))
    return 0


def inspect_database(path: Path) -> dict[str, Any]:
    """Look through the database without changing it.

    `findings` is empty when SQLite found nothing wrong, `revision` the migration it is at, `known` the migrations of
    this tino. `error` says why it could not be looked through; `interrupted` that the time was not enough.
    """
    known = sorted(
        file.stem.partition("_")[0]
        for file in (Path(__file__).parent / "ledger" / "migrations" / "versions").glob("*.py")
    )
    reply: dict[str, Any] = {"findings": [], "revision": None, "known": known, "error": None, "interrupted": False}
    try:
        import pysqlite3.dbapi2 as sqlite  # noqa: PLC0415 - the package may be what is broken
    except ImportError as error:
        return {**reply, "error": f"the SQLite of this Python cannot be loaded ({error})"}
    log = path.with_name(f"{path.name}-wal")
    for attempt in (1, 2):
        logged = _size(log)
        try:
            reply |= _look(sqlite, path, "" if logged else "&immutable=1")
        except sqlite.DatabaseError as error:
            reply |= {"error": str(error)}
        # An engine that began to write meanwhile: what was seen without its log may be half of something.
        if logged or not _size(log) or attempt > 1:
            break
    return reply


def _look(sqlite: Any, path: Path, options: str) -> dict[str, Any]:
    connection = sqlite.connect(f"file:{pathname2url(str(path))}?mode=ro{options}", uri=True, timeout=2)
    deadline = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        rows = [row[0] for row in connection.execute(f"PRAGMA integrity_check({FINDINGS})")]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        revision = None
        if "alembic_version" in tables:
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return {
            "findings": [row for row in rows if row != "ok"],
            "revision": revision and revision[0],
            "error": None,
        }
    except sqlite.OperationalError as error:
        if "interrupted" in str(error):
            return {"interrupted": True}
        raise
    finally:
        connection.close()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
