"""What `tino doctor` asks of the engine's Python: the database looked through without a trace, packages as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pysqlite3.dbapi2 as sqlite
import pytest

from tino_engine.diagnosis import inspect_database
from tino_engine.ledger import Database

ENGINE = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database in order, closed."""
    file = tmp_path / "tino.db"
    Database.open(file).close()
    return file


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def test_a_closed_database_is_left_without_a_trace(path: Path) -> None:
    before = files(path)
    found = inspect_database(path)
    assert (found["findings"], found["error"], found["interrupted"]) == ([], None, False)
    assert found["revision"] in found["known"]
    assert files(path) == before


def test_what_only_the_log_holds_counts(path: Path) -> None:
    code = (
        "import os, signal, sys, pysqlite3.dbapi2 as sqlite; connection = sqlite.connect(sys.argv[1]);"
        "connection.execute(\"UPDATE alembic_version SET version_num = '9999'\"); connection.commit(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_name("tino.db-wal").stat().st_size > 0
    assert inspect_database(path)["revision"] == "9999"
    with sqlite.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_database_in_use_is_looked_through_and_its_user_goes_on(path: Path) -> None:
    with sqlite.connect(path) as writer:
        writer.execute("INSERT INTO settings SELECT * FROM settings WHERE 0")
        found = inspect_database(path)
        writer.execute("UPDATE alembic_version SET version_num = version_num")
    assert (found["findings"], found["error"]) == ([], None)


@pytest.mark.parametrize(
    ("start", "length"), [(100, 1_000), (4_096, 4_096), (0, 100)], ids=["the schema", "a page", "the header"]
)
def test_damage_is_named(path: Path, start: int, length: int) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[start : start + length] = b"\xff" * length
    path.write_bytes(bytes(damaged))
    found = inspect_database(path)
    assert found["findings"] or found["error"]


def test_it_answers_as_json_and_needs_no_package(path: Path) -> None:
    # `-S` leaves every installed package out, as if set-up had been cut off.
    code = f"import sys; sys.path.insert(0, {str(ENGINE)!r}); from tino_engine.__main__ import main; sys.exit(main(['inspect', {str(path)!r}]))"
    bare = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert bare.returncode == 0, bare.stderr
    found = json.loads(bare.stdout)
    assert "cannot be loaded" in found["database"]["error"]
    whole = subprocess.run(
        [sys.executable, "-I", "-m", "tino_engine", "inspect", str(path)], capture_output=True, text=True, check=True
    )
    found = json.loads(whole.stdout)
    assert found["database"]["error"] is None
    assert found["packages"]["structlog"] == metadata.version("structlog")
