"""What holds for all of the engine's code: who may import whom, and that every error is in the catalogue and filled."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tino_engine.contracts import ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE = Path(__file__).parents[1]
PACKAGE = ENGINE / "tino_engine"
GENERATED = {PACKAGE / "contracts.py"}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path not in GENERATED)
TREES = {path: ast.parse(path.read_text(), str(path)) for path in FILES}

DOMAINS = {
    "ai",
    "backtest",
    "data",
    "factors",
    "ledger",
    "models",
    "portfolio",
    "search",
    "secrets",
    "strategies",
    "trading",
}
"""Rooms with a door: others use the names that their `__init__` exports."""

DOORS = {"backtest": {"metrics", "stored"}, "data": {"decimate"}, "ledger": {"tables"}}
"""Modules that are doors as well: the tables are what queries are written in, and results are thinned as bars are and judged as runs
are, by numpy, which the packages themselves must not load."""

COMPOSED_OF = {
    "lsp": {"strategies"},
    "workers": {"backtest", "data", "search", "strategies"},
    "nautilus": {"backtest", "data"},
}
"""Rooms that are made of a domain's parts: the language host shows the syntax trees of `strategies`, a child runs a domain's work."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ENGINE).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return (*module.split("."), "", "")[1]


def imports(path: Path) -> Iterator[tuple[str, str, int]]:
    """Give module, name (empty for a plain import) and line of every import in a file."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            yield from ((node.module or "", alias.name, node.lineno) for alias in node.names)


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ENGINE)}:{line}"


def test_the_engine_stays_light() -> None:
    heavy = ("nautilus_trader", "pandas", "pyarrow", "numpy", "pygls", "sklearn", "scipy", "polars", "optuna")
    code = f"import sys, tino_engine.api.app; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("package", "rooms"),
    [
        ("nautilus_trader", {"nautilus"}),
        ("fastapi", {"api"}),
        ("starlette", {"api"}),
        ("uvicorn", {"api", "supervision"}),
        ("pygls", {"lsp", "workers"}),
        ("alembic", {"ledger"}),
        ("optuna", {"search"}),
        # The diagnosis looks through a database that the ledger may be unable to open.
        ("pysqlite3", {"ledger", "diagnosis"}),
    ],
)
def test_a_library_is_known_in_its_room_alone(package: str, rooms: set[str]) -> None:
    found = [
        where(path, line)
        for path in FILES
        for module, _, line in imports(path)
        if module.split(".")[0] == package and room_of(module_of(path)) not in rooms
    ]
    assert found == []


def test_nautilus_is_reached_from_child_processes_alone() -> None:
    found = [
        where(path, line)
        for path in FILES
        for module, _, line in imports(path)
        if module.startswith("tino_engine.nautilus") and room_of(module_of(path)) not in {"nautilus", "workers"}
    ]
    assert found == []


def exported(domain: str) -> set[str]:
    tree = TREES.get(PACKAGE / domain / "__init__.py")
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and any(isinstance(it, ast.Name) and it.id == "__all__" for it in node.targets):
            return set(ast.literal_eval(node.value))
    return set()


def test_domains_use_each_other_by_their_doors() -> None:
    found = []
    for path in FILES:
        room = room_of(module_of(path))
        for module, name, line in imports(path):
            parts = module.split(".")
            domain = room_of(module)
            if (
                parts[0] != "tino_engine"
                or domain not in DOMAINS
                or domain == room
                or room not in {*DOMAINS, *COMPOSED_OF}
            ):
                continue
            inside = len(parts) > 2 and parts[2] not in DOORS.get(domain, ())
            hidden = len(parts) == 2 and name not in exported(domain) | DOORS.get(domain, set())
            if (inside or hidden) and domain not in COMPOSED_OF.get(room, ()):
                found.append(f"{where(path, line)} {module} {name}")
    assert found == []


def test_domains_know_nothing_of_the_api() -> None:
    found = [
        where(path, line)
        for path in FILES
        if room_of(module_of(path)) in {*DOMAINS, *COMPOSED_OF}
        for module, _, line in imports(path)
        if module.startswith(("tino_engine.api", "tino_engine.engine"))
    ]
    assert found == []


def test_names_say_what_a_module_is() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|managers?|services?|misc|common)(_|$)")
    assert [str(path.relative_to(ENGINE)) for path in FILES if vague.search(path.stem)] == []


def test_every_error_is_in_the_catalogue_and_filled() -> None:
    """A name in braces that no parameter fills would be shown to the user as it stands."""
    own = {"location", "traceback", "field"}
    found = []
    for path in FILES:
        for node in ast.walk(TREES[path]):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TinoError"):
                continue
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            if first.value not in ERRORS:
                found.append(f"{where(path, node.lineno)} {first.value} is not in the catalogue")
            elif all(keyword.arg is not None for keyword in node.keywords):
                entry = ERRORS[first.value]
                needed = set(re.findall(r"\{(\w+)\}", entry.message + entry.hint))
                given = {str(keyword.arg) for keyword in node.keywords} - own
                if needed != given:
                    found.append(
                        f"{where(path, node.lineno)} {first.value}: needs {needed - given}, does not know {given - needed}"
                    )
    assert found == []


def test_no_test_is_skipped() -> None:
    marks = re.compile(r"\.(skip|skipif|xfail|importorskip)\b")
    tests = [path for path in Path(__file__).parent.rglob("*.py") if path != Path(__file__)]
    assert [path.name for path in tests if marks.search(path.read_text())] == []
