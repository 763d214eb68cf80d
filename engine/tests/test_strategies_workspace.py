"""Strategies below folders: what is found, what is skipped, what is told, and that a second look costs no parsing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tino_engine.errors import TinoError
from tino_engine.strategies import code_hash, get_strategy, list_strategies
from tino_engine.strategies.module import Module

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.contracts import StrategyList

HEAD = "from nautilus_trader.trading import Strategy\n\n\n"
DESK = Path(__file__).parent / "workspaces" / "desk"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A workspace with everything a folder of somebody's may hold."""
    folder = tmp_path / "desk"
    shutil.copytree(DESK, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for skipped in (".hidden", "node_modules/x", "__pycache__", "my-venv/lib"):
        (folder / skipped).mkdir(parents=True)
        (folder / skipped / "skipped.py").write_text(HEAD + "class Skipped(Strategy): ...\n")
    (folder / "my-venv" / "pyvenv.cfg").touch()
    (folder / "strategies" / "huge.py").write_text(HEAD + "class Huge(Strategy): ...\n" + "#" * 1_000_000)
    (folder / "strategies" / "broken.py").write_text(HEAD + "class Broken(Strategy)\n    pass\n")
    (folder / "strategies" / "latin.py").write_bytes(HEAD.encode() + b"# caf\xe9\n")
    declared = "# -*- coding: latin-1 -*-\n" + HEAD + 'class Latin(Strategy):\n    """Café."""\n'
    (folder / "strategies" / "declared.py").write_bytes(declared.encode("latin-1"))
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were parsed since the test began, by name."""
    names: list[str] = []
    parse = Module.parse

    def watched(path: str, source: str) -> Module:
        names.append(Path(path).name)
        return parse(path, source)

    monkeypatch.setattr(Module, "parse", watched)
    return names


def names(found: StrategyList) -> list[str]:
    return [strategy.name for strategy in found.strategies]


ALL = ["Blocked", "Latin", "EmaCross", "Faster", "Fastest", "Momentum"]


def test_finds_what_is_there(desk: Path) -> None:
    found = list_strategies([desk])
    assert names(found) == ALL
    assert {Path(strategy.path).parent for strategy in found.strategies} == {desk / "strategies"}
    by_name = {strategy.name: strategy for strategy in found.strategies}
    assert by_name["Latin"].description == "Café."
    for derived in ("Faster", "Fastest"):
        assert by_name[derived].parameters == by_name["Momentum"].parameters
    assert [parameter.name for parameter in by_name["Momentum"].parameters] == ["bar_type", "invest"]


def test_says_what_kept_files_from_being_read(desk: Path) -> None:
    problems = {problem.code: problem for problem in list_strategies([desk]).problems}
    assert set(problems) == {"strategy_syntax_error", "strategy_file_unreadable", "parameter_unsupported"}
    assert problems["strategy_syntax_error"].message == f"{desk}/strategies/broken.py:4: expected ':'."
    unreadable = "byte 0xe9 in line 4 is not UTF-8"
    assert problems["strategy_file_unreadable"].message == f"{desk}/strategies/latin.py cannot be read: {unreadable}."
    assert problems["parameter_unsupported"].field == "table"


def test_a_second_look_parses_nothing(desk: Path, parsed: list[str]) -> None:
    first = list_strategies([desk])
    assert parsed
    parsed.clear()
    assert list_strategies([desk]) == first
    assert parsed == []


def touch(path: Path, text: str) -> None:
    """Write a file so that its modification time is another one, whatever the resolution of the clock."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


CHANGES: dict[str, tuple[Callable[[Path], object], list[str], set[str]]] = {
    "a strategy is renamed": (
        lambda desk: touch(desk / "strategies/ema_cross.py", HEAD + "class Renamed(Strategy): ...\n"),
        ["Blocked", "Latin", "Renamed", "Faster", "Fastest", "Momentum"],
        {"ema_cross.py"},
    ),
    "a base is no strategy any more": (
        lambda desk: touch(desk / "lib/base.py", "class Base: ..."),
        ["Blocked", "Latin", "EmaCross"],
        {"base.py"},
    ),
    "a base is gone": (
        lambda desk: (desk / "lib/base.py").unlink(),
        ["Blocked", "Latin", "EmaCross"],
        set(),
    ),
    "a base loses its heirs": (
        lambda desk: touch(desk / "strategies/momentum.py", ""),
        ["Base", "Blocked", "Latin", "EmaCross"],
        set(),
    ),
    "a package comes before another on the path": (
        lambda desk: (
            touch(desk / "strategies/lib/__init__.py", ""),
            touch(desk / "strategies/lib/base.py", "class Base: ..."),
        ),
        ["Base", "Blocked", "Latin", "EmaCross"],
        {"momentum.py"},
    ),
    "a folder becomes a package": (
        lambda desk: touch(desk / "strategies/__init__.py", ""),
        ["Blocked", "Latin", "EmaCross", "Momentum"],
        {"momentum.py", "faster.py", "blocked.py"},
    ),
    "a file is mended": (
        lambda desk: touch(desk / "strategies/broken.py", HEAD + "class Mended(Strategy): ...\n"),
        ["Blocked", "Mended", "Latin", "EmaCross", "Faster", "Fastest", "Momentum"],
        {"broken.py"},
    ),
    "a file is gone": (
        lambda desk: (desk / "strategies/declared.py").unlink(),
        ["Blocked", "EmaCross", "Faster", "Fastest", "Momentum"],
        set(),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_seen(desk: Path, parsed: list[str], change: str) -> None:
    list_strategies([desk])
    parsed.clear()
    apply, expected, reread = CHANGES[change]
    apply(desk)
    assert names(list_strategies([desk])) == expected
    assert reread <= set(parsed)
    assert ("blocked.py" in parsed) == ("blocked.py" in reread)


def test_a_file_that_may_not_be_read_is_tried_again(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A mode would not keep the superuser out, who may run this test.
    refused = desk / "strategies" / "ema_cross.py"
    read = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path == refused:
            raise PermissionError(13, "Permission denied")
        return read(path)

    with monkeypatch.context() as context:
        context.setattr(Path, "read_bytes", guarded)
        (problem,) = [p for p in list_strategies([desk]).problems if "ema_cross" in p.message]
        assert problem.message == f"{refused} cannot be read: permission denied."
    assert names(list_strategies([desk])) == ALL


def test_links_are_not_followed(desk: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "foreign.py").write_text(HEAD + "class Foreign(Strategy): ...\n")
    (desk / "linked").symlink_to(outside)
    (desk / "foreign.py").symlink_to(outside / "foreign.py")
    (desk / "circle").symlink_to(desk)
    (desk / "dangling.py").symlink_to(desk / "nothing.py")
    assert names(list_strategies([desk])) == ALL


def test_folders_within_and_beside_each_other_count_once(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "other-name").symlink_to(desk)
    assert names(list_strategies([desk / "strategies", desk, tmp_path / "other-name", tmp_path / "missing"])) == ALL
    assert list_strategies([tmp_path / "missing"]).strategies == []


def test_a_folder_below_a_root_sees_the_root(desk: Path) -> None:
    assert names(list_strategies([desk / "strategies"], roots=[desk])) == ALL
    assert "Momentum" not in names(list_strategies([desk / "strategies"]))


ASKED: list[tuple[str, str | None, str]] = [
    ("ema_cross.py", None, "EmaCross"),
    ("ema_cross.py", "EmaCross", "EmaCross"),
    ("faster.py", None, "Faster"),
    ("missing.py", None, "strategy_file_not_found"),
    (".", None, "strategy_file_unreadable"),
    ("latin.py", None, "strategy_file_unreadable"),
    ("broken.py", None, "strategy_syntax_error"),
    ("../lib/sizing.py", None, "strategy_not_found"),
    ("ema_cross.py", "Ema", "strategy_class_not_found"),
    ("blocked.py", None, "parameter_unsupported"),
    ("two.py", None, "strategy_ambiguous"),
    ("two.py", "Two", "Two"),
    ("two.py", "Three", "strategy_class_not_found"),
    ("a\0b.py", None, "strategy_file_unreadable"),
]


@pytest.mark.parametrize(("file", "name", "expected"), ASKED)
def test_gives_one_strategy_or_says_why_not(desk: Path, file: str, name: str | None, expected: str) -> None:
    (desk / "strategies/two.py").write_text(HEAD + "class One(Strategy): ...\nclass Two(Strategy): ...\n")
    try:
        answer = get_strategy(f"{desk}/strategies/{file}", name, [desk]).name
    except TinoError as error:
        answer = error.code
    assert answer == expected


def test_the_words_name_what_there_is(desk: Path) -> None:
    path = desk / "strategies" / "two.py"
    path.write_text(HEAD + "class One(Strategy): ...\nclass Two(Strategy): ...\n")
    with pytest.raises(TinoError, match=r"two\.py holds more than one strategy: One, Two\."):
        get_strategy(path)
    with pytest.raises(TinoError, match=r"two\.py has no strategy Three; it holds One, Two\."):
        get_strategy(path, "Three")


def test_the_hash_covers_what_is_imported(desk: Path) -> None:
    momentum = desk / "strategies" / "momentum.py"
    code = code_hash(momentum, [str(desk)])
    files = ["../lib/__init__.py", "../lib/base.py", "../lib/rounding.py", "../lib/sizing.py", "momentum.py"]
    assert list(code.files) == files
    assert code.file == code.files["momentum.py"]
    assert code_hash(momentum, [str(desk), str(desk.parent)]) == code


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc.py"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert code_hash(path).file == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_hash_changes_with_any_of_the_files_and_with_no_other(desk: Path) -> None:
    momentum = desk / "strategies" / "momentum.py"
    before = code_hash(momentum, [str(desk)])
    (desk / "strategies" / "ema_cross.py").write_text("")
    assert code_hash(momentum, [str(desk)]) == before
    for name in before.files:
        text = (momentum.parent / name).read_text()
        (momentum.parent / name).write_text(text + "\n# changed\n")
        assert code_hash(momentum, [str(desk)]).code != before.code
        (momentum.parent / name).write_text(text)
    assert code_hash(momentum, [str(desk)]) == before


def test_the_hash_does_not_depend_on_the_place(desk: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(desk, moved)
    assert code_hash(desk / "strategies/faster.py", [str(desk)]) == code_hash(
        moved / "strategies/faster.py", [str(moved)]
    )


def test_a_broken_file_is_hashed_too(desk: Path) -> None:
    assert list(code_hash(desk / "strategies/broken.py", [str(desk)]).files) == ["broken.py"]
    with pytest.raises(TinoError, match="There is no file"):
        code_hash(desk / "strategies/missing.py", [str(desk)])
