"""Which classes are strategies, and which class is their config: every way of writing it."""

from __future__ import annotations

import os
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tino_engine.errors import TinoError
from tino_engine.strategies import find_strategies

if TYPE_CHECKING:
    from pathlib import Path

V2 = "from nautilus_trader.trading import Strategy\n"

FILES: list[tuple[str, dict[str, str], list[tuple[str, str | None]]]] = [
    # What it shows; files, the first one asked about; strategies with their config class.
    ("plain import", {"a.py": V2 + "class A(Strategy): pass"}, [("A", None)]),
    ("alias", {"a.py": "from nautilus_trader.trading import Strategy as S\nclass A(S): pass"}, [("A", None)]),
    ("module alias", {"a.py": "import nautilus_trader.trading as t\nclass A(t.Strategy): pass"}, [("A", None)]),
    ("dotted", {"a.py": "import nautilus_trader.trading\nclass A(nautilus_trader.trading.Strategy): pass"}, [("A", None)]),
    ("from package", {"a.py": "from nautilus_trader import trading\nclass A(trading.Strategy): pass"}, [("A", None)]),
    ("generation 1", {"a.py": "from nautilus_trader.trading.strategy import Strategy\nclass A(Strategy): pass"}, [("A", None)]),
    ("star", {"a.py": "from nautilus_trader.trading import *\nclass A(Strategy): pass"}, [("A", None)]),
    ("name for it", {"a.py": V2 + "Base = Strategy\nclass A(Base): pass"}, [("A", None)]),
    ("conditional import", {"a.py": "try:\n  from nautilus_trader.trading import Strategy\nexcept ImportError:\n  raise\nif True:\n  class A(Strategy): pass"}, [("A", None)]),
    ("generic base", {"a.py": V2 + "class A(Strategy[int]): pass"}, [("A", None)]),
    ("another Strategy", {"a.py": "from abc import ABC\nclass Strategy(ABC): pass\nclass A(Strategy): pass"}, []),
    ("another library's", {"a.py": "from backtrader import Strategy\nclass A(Strategy): pass"}, []),
    ("not imported", {"a.py": "class A(Strategy): pass"}, []),
    ("script part", {"a.py": V2 + "if __name__ == '__main__':\n  class A(Strategy): pass"}, []),
    ("in a function", {"a.py": V2 + "def f():\n  class A(Strategy): pass"}, []),
    ("circle", {"a.py": "class A(B): pass\nclass B(A): pass"}, []),
    ("its own base", {"a.py": V2 + "class Strategy(Strategy): pass"}, []),
    ("two", {"a.py": V2 + "class B(Strategy): pass\nclass A(Strategy): pass"}, [("B", None), ("A", None)]),
    ("base without market data", {"a.py": V2 + "class Base(Strategy):\n  def on_start(self): pass\n  def size(self): pass\nclass A(Base):\n  def on_bar(self, bar): pass"}, [("A", None)]),
    ("base that trades", {"a.py": V2 + "class Base(Strategy):\n  def on_bar(self, bar): pass\nclass A(Base): pass"}, [("Base", None), ("A", None)]),
    ("base above the base trades", {"a.py": V2 + "class X(Strategy):\n  def on_bar(self, bar): pass\nclass Y(X): pass\nclass Z(Y): pass"}, [("X", None), ("Y", None), ("Z", None)]),
    ("underscore", {"a.py": V2 + "class _A(Strategy):\n  def on_bar(self, bar): pass"}, []),
    ("ABC", {"a.py": V2 + "from abc import ABC\nclass A(Strategy, ABC):\n  def on_bar(self, bar): pass"}, []),
    ("metaclass", {"a.py": V2 + "import abc\nclass A(Strategy, metaclass=abc.ABCMeta): pass"}, []),
    ("abstract method", {"a.py": V2 + "from abc import abstractmethod\nclass A(Strategy):\n  @abstractmethod\n  def signal(self): ...\nclass B(A):\n  def signal(self): return 1\nclass C(A): pass"}, [("B", None)]),
    ("sibling file", {"a.py": "from base import Base\nclass A(Base): pass", "base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("module of the root", {"s/a.py": "from lib.base import Base\nclass A(Base): pass", "lib/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("module, dotted", {"s/a.py": "import lib.base\nclass A(lib.base.Base): pass", "lib/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("module, renamed", {"s/a.py": "import lib.base as b\nclass A(b.Base): pass", "lib/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("module from package", {"s/a.py": "from lib import base\nclass A(base.Base): pass", "lib/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("through __init__", {"s/a.py": "from lib import Base\nclass A(Base): pass", "lib/__init__.py": "from .base import Base", "lib/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("relative", {"s/a.py": "from .base import Base\nclass A(Base): pass", "s/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("relative, up", {"s/t/a.py": "from ..base import Base\nclass A(Base): pass", "s/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("relative package", {"s/a.py": "from . import base\nclass A(base.Base): pass", "s/base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("package, by its name", {"src/p/s/a.py": "from p.base import Base\nclass A(Base): pass", "src/p/base.py": V2 + "class Base(Strategy): pass", "src/p/__init__.py": "", "src/p/s/__init__.py": ""}, [("A", None)]),
    ("package, not as a script", {"p/a.py": "from base import Base\nclass A(Base): pass", "p/base.py": V2 + "class Base(Strategy): pass", "p/__init__.py": ""}, []),
    ("package before module", {"a.py": "from lib import Base\nclass A(Base): pass", "lib.py": "class Base: pass", "lib/__init__.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("module named as the folder", {"lib/a.py": "from . import Base\nclass A(Base): pass", "lib.py": V2 + "class Base(Strategy): pass"}, []),
    ("local star", {"a.py": "from base import *\nclass A(Base): pass", "base.py": V2 + "class Base(Strategy): pass"}, [("A", None)]),
    ("Strategy passed on", {"a.py": "from base import Strategy\nclass A(Strategy): pass", "base.py": V2}, [("A", None)]),
    ("imports in a circle", {"a.py": "from b import B\nclass A(B): pass", "b.py": "from a import A\nclass B(A): pass"}, []),
    ("broken module", {"a.py": "from base import Base\nclass A(Base): pass", "base.py": "def ("}, []),
    ("config by annotation", {"a.py": V2 + "class Cfg: pass\nclass A(Strategy):\n  def __init__(self, config: Cfg): pass"}, [("A", "Cfg")]),
    ("config quoted", {"a.py": V2 + "class A(Strategy):\n  def __init__(self, config: 'Cfg'): pass\nclass Cfg: pass"}, [("A", "Cfg")]),
    ("config or none", {"a.py": V2 + "class Cfg: pass\nclass A(Strategy):\n  def __init__(self, config: Cfg | None = None): pass"}, [("A", "Cfg")]),
    ("config optional", {"a.py": V2 + "from typing import Optional\nclass Cfg: pass\nclass A(Strategy):\n  def __init__(self, config: Optional['Cfg'] = None): pass"}, [("A", "Cfg")]),
    ("config by position", {"a.py": V2 + "class Cfg: pass\nclass A(Strategy):\n  def __init__(self, settings: Cfg): pass"}, [("A", "Cfg")]),
    ("config beside others", {"a.py": V2 + "class Sizer: pass\nclass ACfg: pass\nclass A(Strategy):\n  def __init__(self, config, sizer: Sizer): pass"}, [("A", None)]),
    ("config as attribute", {"a.py": V2 + "class Cfg: pass\nclass A(Strategy):\n  config: Cfg"}, [("A", "Cfg")]),
    ("config nested", {"a.py": V2 + "class A(Strategy):\n  class Config: pass"}, [("A", "A.Config")]),
    ("config by name", {"a.py": V2 + "class AConfig: pass\nclass A(Strategy):\n  def __init__(self, config): pass"}, [("A", "AConfig")]),
    ("config by stem", {"a.py": V2 + "class EmaConfig: pass\nclass EmaStrategy(Strategy): pass"}, [("EmaStrategy", "EmaConfig")]),
    ("config by its only name", {"a.py": V2 + "class Config: pass\nclass A(Strategy): pass"}, [("A", "Config")]),
    ("config imported", {"a.py": V2 + "from cfg import Cfg\nclass A(Strategy):\n  def __init__(self, config: Cfg): pass", "cfg.py": "class Cfg: pass"}, [("A", "Cfg")]),
    ("config dotted", {"a.py": V2 + "import cfg\nclass A(Strategy):\n  def __init__(self, config: cfg.Cfg): pass", "cfg.py": "class Cfg: pass"}, [("A", "cfg.Cfg")]),
    ("config of the base", {"a.py": "from base import Base\nclass A(Base): pass", "base.py": V2 + "class Cfg: pass\nclass Base(Strategy):\n  def __init__(self, config: Cfg): pass"}, [("A", "Cfg")]),
    ("config of Nautilus", {"a.py": "from nautilus_trader.trading import Strategy, StrategyConfig\nclass A(Strategy):\n  def __init__(self, config: StrategyConfig): pass"}, [("A", None)]),
    ("config of a library", {"a.py": V2 + "from firm.configs import Cfg\nclass A(Strategy):\n  def __init__(self, config: Cfg): pass"}, [("A", "Cfg")]),
    ("config any", {"a.py": V2 + "from typing import Any\nclass A(Strategy):\n  def __init__(self, config: Any, other: dict): pass"}, [("A", None)]),
]  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> list[Path]:
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    return paths


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_finds(tmp_path: Path, files: dict[str, str], expected: list[tuple[str, str | None]]) -> None:
    path = write(tmp_path, files)[0]
    found = find_strategies(str(path), path.read_text(), [str(tmp_path)])
    assert [(strategy.name, strategy.config_name) for strategy in found.strategies] == expected


def test_says_where_and_what() -> None:
    source = dedent(
        '''
        from nautilus_trader.trading import Strategy


        @some.decorator
        class Cross(Strategy):
            """Buys when the fast average
            rises above the slow one.

            And more of it.
            """
        '''
    )
    (cross,) = find_strategies("/w/cross.py", source).strategies
    assert (cross.path, cross.line) == ("/w/cross.py", 6)
    assert cross.description == "Buys when the fast average rises above the slow one."


def test_a_base_outside_the_root_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(
        tmp_path,
        {"base.py": V2 + "class Base(Strategy): pass", "root/s/a.py": "from ...base import Base\nclass A(Base): pass"},
    )
    (root / "linked.py").symlink_to(tmp_path / "base.py")
    write(root, {"b.py": "from linked import Base\nclass B(Base): pass"})
    for name in ("s/a.py", "b.py"):
        path = root / name
        assert find_strategies(str(path), path.read_text(), [str(root)]).strategies == ()
    # They are found once the folder above is trusted too.
    for name, strategy in (("s/a.py", "A"), ("b.py", "B")):
        path = root / name
        found = find_strategies(str(path), path.read_text(), [str(root), str(tmp_path)])
        assert [s.name for s in found.strategies] == [strategy]


def test_a_long_chain_of_files_ends(tmp_path: Path) -> None:
    files = {f"m{i}.py": f"from m{i + 1} import B{i + 1}\nclass B{i}(B{i + 1}): pass" for i in range(400)}
    files["m400.py"] = V2 + "class B400(Strategy): pass"
    write(tmp_path, files)
    near = tmp_path / "m395.py"
    assert [s.name for s in find_strategies(str(near), near.read_text(), [str(tmp_path)]).strategies] == ["B395"]
    far = tmp_path / "m0.py"
    assert find_strategies(str(far), far.read_text(), [str(tmp_path)]).strategies == ()


@pytest.mark.parametrize(
    ("source", "line", "column", "reason"),
    [
        ("x = 1\ndef f(:\n", 2, 7, "invalid syntax"),
        ("x = 'a\n", 1, 5, "unterminated string literal"),
        ("def f():\n", 1, 9, "expected an indented block"),
        ("é = [1,\n", 1, 5, "'[' was never closed"),
        ("a\x00b", 1, 1, "null bytes"),
        ("-" * 100_000 + "1", 1, 1, "nested too deeply"),
        ("f(" + "+".join("1" * 50_000) + ")", 1, 1, "nested too deeply"),
        ("\r\n\r\nx = = 1\r\n", 3, 5, "invalid syntax"),
    ],
)
def test_a_syntax_error_says_where(source: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(TinoError) as caught:
        find_strategies("/w/a.py", source)
    body = caught.value.body
    assert body.code == "strategy_syntax_error"
    assert body.location is not None
    assert (body.location.line, body.location.column) == (line, column)
    assert reason in body.message
    assert not body.message.endswith("..")


def test_dubious_escapes_are_no_business_of_ours() -> None:
    # pytest turns warnings into errors; Python warns of this one while it parses.
    source = V2 + "class A(Strategy):\n  '''Matches \\d.'''\n"
    assert [s.name for s in find_strategies("/w/a.py", source).strategies] == ["A"]


def test_what_had_a_say_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.py": "from base import Base\nclass A(Base): pass"})[0]
    before = find_strategies(str(path), path.read_text(), [str(tmp_path)])
    base = os.path.realpath(tmp_path / "base.py")
    assert before.strategies == ()
    assert before.reads[base] is None
    write(tmp_path, {"base.py": V2 + "class Base(Strategy): pass"})
    after = find_strategies(str(path), path.read_text(), [str(tmp_path)])
    assert [s.name for s in after.strategies] == ["A"]
    assert after.reads[base] is not None
