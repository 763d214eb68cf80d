"""Loading the user's code: configs of every kind, local imports, and everything that can be wrong with a strategy."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from runs import STRATEGIES, Data, Finished, flat, make_instrument, request, run, store
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> list[Data]:
    return [
        store(tmp_path / "catalog", flat([100] * 5), instrument=make_instrument(name)) for name in ("A.XNAS", "B.XNYS")
    ]


@pytest.fixture
def data(tmp_path: Path) -> list[Data]:
    return [store(tmp_path / "catalog", flat([100] * 200))]


def said(result: Finished) -> list[str]:
    return result.table("log")["message"]


A, B = "A.XNAS-1-DAY-LAST-EXTERNAL", "B.XNYS-1-DAY-LAST-EXTERNAL"


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        (
            "Frozen",
            {},
            [
                "instrument_id=A.XNAS",
                f"bar_type={A}",
                "instruments=['A.XNAS', 'B.XNYS']",
                f"bars=('{A}', '{B}')",
                "count=3",
                "share=0.5",
                "price=1.50",
                "flag=False",
                "name=x",
                "kind=slow",
                "mode=Mode.CALM",
                "limit=None",
                "FrozenConfig",
            ],
        ),
        (
            "Frozen",
            {
                "instrument_id": "B.XNYS",
                "bar_type": B,
                "instruments": ["B.XNYS"],
                "bars": [B],
                "count": 7,
                "share": 1,
                "price": "2.0000000000000000001",
                "flag": True,
                "name": "",
                "kind": "fast",
                "mode": "WILD",
                "limit": 9,
            },
            [
                "instrument_id=B.XNYS",
                f"bar_type={B}",
                "instruments=['B.XNYS']",
                f"bars=('{B}',)",
                "count=7",
                "share=1.0",
                "price=2.0000000000000000001",
                "flag=True",
                "name=",
                "kind=fast",
                "mode=Mode.WILD",
                "limit=9",
                "FrozenConfig",
            ],
        ),
        ("Plain", {"count": 4}, ["instrument_id=A.XNAS", f"bar_type={A}", "count=4", "PlainConfig"]),
        (
            "Own",
            {"count": 4},
            ["instrument_id=A.XNAS", f"bar_type={A}", "count=4", "order_id_tag=777", "OwnConfig", "Own-777"],
        ),
        ("Built", {"count": 4}, ["instrument_id=A.XNAS", "twice=8", "BuiltConfig"]),
        ("Tuple", {}, [f"bar_type={A}", "count=3", "TupleConfig"]),
        (
            "Pair",
            {},
            ["left=A.XNAS", "right=B.XNYS", f"left_bars={A}", f"right_bars={B}", "hedge=None", "PairConfig"],
        ),
        ("Bare", {}, ["NoneType"]),
    ],
)
def test_configs(tmp_path: Path, pair: list[Data], name: str, parameters: dict[str, Any], expected: list[str]) -> None:
    params = request(tmp_path / "run", STRATEGIES / "configs.py", pair, name=name, parameters=parameters)
    assert said(run(params)) == expected


def test_a_second_instrument_field_needs_a_second_instrument(tmp_path: Path, pair: list[Data]) -> None:
    with pytest.raises(TinoError, match="Pair needs a value for right") as caught:
        run(request(tmp_path / "run", STRATEGIES / "configs.py", pair[:1], name="Pair"))
    assert (caught.value.code, caught.value.body.field) == ("parameter_missing", "right")


# -- the user's files --------------------------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


HEAD = """
from nautilus_trader.model import BarType
from nautilus_trader.trading import Strategy
"""


def test_local_imports_work_leave_no_trace_and_write_nothing(tmp_path: Path, data: list[Data]) -> None:
    root = tmp_path / "work"
    write(
        root,
        strategies__mine=HEAD + "import beside, lib.deep\nclass Mine(Strategy):\n"
        "    def on_start(self):\n        import late\n        self.log.info(f'{beside.X} {lib.deep.X} {late.X}')\n",
        strategies__beside="X = 1\n",
        strategies__late="X = 3\n",
        lib__deep="X = 2\n",
    )
    before = list(sys.path)
    path = root / "strategies" / "mine.py"
    assert said(run(request(tmp_path / "a", path, data, roots=[root]))) == ["1 2 3"]
    (root / "strategies" / "beside.py").write_text("X = 'new'\n")
    assert said(run(request(tmp_path / "b", path, data, roots=[root]))) == ["new 2 3"]
    assert sys.path == before
    assert not {"mine", "beside", "late", "lib", "lib.deep"} & set(sys.modules)
    assert list(root.rglob("*.pyc")) == []


def test_a_file_of_a_package_imports_its_neighbours(tmp_path: Path, data: list[Data]) -> None:
    root = tmp_path / "work"
    body = HEAD + "from .beside import X\nfrom ..top import Y\nclass Mine(Strategy):\n"
    body += "    def on_start(self):\n        self.log.info(f'{X} {Y} {__name__}')\n"
    write(root, pack__inner__mine=body, pack__inner__beside="X = 1\n", pack__top="Y = 2\n")
    for folder in ("pack", "pack/inner"):
        (root / folder / "__init__.py").touch()
    result = run(request(tmp_path / "run", root / "pack" / "inner" / "mine.py", data, roots=[root]))
    assert said(result) == ["1 2 pack.inner.mine"]


def test_a_file_may_be_called_as_a_library_is(tmp_path: Path, data: list[Data]) -> None:
    root = tmp_path / "work"
    body = HEAD + "class Mine(Strategy):\n    def on_start(self):\n        import statistics\n"
    body += "        self.log.info(str(statistics.mean([1, 3])))\n"
    write(root, random=body)
    result = run(request(tmp_path / "run", root / "random.py", data))
    assert said(result) == ["2"]


# -- what can be wrong -------------------------------------------------------------------------------------------------

DAILY = 'self.subscribe_bars(BarType.from_str("TEST.XNAS-1-DAY-LAST-EXTERNAL"))'


def body_of(callback: str, code: str) -> str:
    lines = "\n".join(f"        {line}" for line in code.splitlines())
    start = "" if callback == "on_start" else f"    def on_start(self):\n        {DAILY}\n"
    arguments = {"on_start": "self", "on_stop": "self", "on_dispose": "self", "__init__": "self"}.get(
        callback, "self, event"
    )
    head = "        super().__init__()\n" if callback == "__init__" else ""
    return f"{HEAD}\nclass Mine(Strategy):\n{start}    def {callback}({arguments}):\n{head}{lines}\n"


ORDER = """
from nautilus_trader.model import InstrumentId, OrderSide, Quantity
if not self.cache.orders():
    self.submit_order(self.order_factory.market(InstrumentId.from_str("TEST.XNAS"), OrderSide.BUY, Quantity(1, 0)))
"""


@pytest.mark.parametrize(
    ("callback", "code", "reason"),
    [
        ("__init__", "1 / 0", "ZeroDivisionError: division by zero"),
        ("on_start", "raise ValueError('not like this')", "ValueError: not like this"),
        ("on_bar", "{}['a']", "KeyError: 'a'"),
        ("on_bar", "raise SystemExit(3)", "SystemExit: 3"),
        ("on_bar", "exit()", "SystemExit: None"),
        ("on_bar", "raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("on_bar", "raise RuntimeError('two\\nlines.')", "RuntimeError: two lines"),
        ("on_bar", "self.cache.instrument('x')", "TypeError: 'str' object is not an instance of 'InstrumentId'"),
        ("on_stop", "assert False, 'at the end'", "AssertionError: at the end"),
        ("on_dispose", "raise ValueError('too late')", "ValueError: too late"),
    ],
)
def test_what_a_callback_raises_ends_the_run(
    tmp_path: Path, data: list[Data], callback: str, code: str, reason: str
) -> None:
    write(tmp_path, mine=body_of(callback, code))
    with pytest.raises(TinoError) as caught:
        run(request(tmp_path / "run", tmp_path / "mine.py", data))
    body = caught.value.body
    assert body.code == "strategy_failed"
    assert body.message == f"Mine.{callback} raised {reason}."
    last = code.splitlines()[-1]
    number = (tmp_path / "mine.py").read_text().splitlines().index(f"        {last}") + 1
    assert body.location is not None
    assert (body.location.path, body.location.line) == (str(tmp_path / "mine.py"), number)
    assert [frame.function for frame in body.traceback] == [callback]
    assert body.traceback[0].code == last


@pytest.mark.parametrize("callback", ["on_order_filled", "on_order_event", "on_position_opened"])
def test_what_a_callback_of_an_order_raises_ends_the_run(tmp_path: Path, data: list[Data], callback: str) -> None:
    start = f"    def on_start(self):\n        {DAILY}\n"
    order = "\n".join(f"        {line}" for line in ORDER.splitlines())
    text = (
        f"{HEAD}\nclass Mine(Strategy):\n{start}    def on_bar(self, bar):\n{order}\n    def {callback}(self, event):\n"
    )
    write(tmp_path, mine=text + "        raise ValueError('seen')\n")
    with pytest.raises(TinoError, match=f"Mine.{callback} raised ValueError: seen"):
        run(request(tmp_path / "run", tmp_path / "mine.py", data))


def test_what_a_timer_raises_ends_the_run(tmp_path: Path, data: list[Data]) -> None:
    code = "self.clock.set_timer_ns('mine', 86_400_000_000_000, None, None, self.ring)\n"
    text = body_of("on_start", code) + "    def ring(self, event):\n        raise ValueError('rang')\n"
    write(tmp_path, mine=text)
    with pytest.raises(TinoError, match=r"Mine.ring raised ValueError: rang"):
        run(request(tmp_path / "run", tmp_path / "mine.py", data))


def test_what_a_topic_raises_ends_the_run(tmp_path: Path, data: list[Data]) -> None:
    code = f"{DAILY}\nself.subscribe_topic('t', self.hear)\nself.subscribe_topic('u', self.hear)\n"
    code += "self.unsubscribe_topic('u', self.hear)\n"
    text = body_of("on_start", code) + "    def on_bar(self, bar):\n        self.publish_message('u', 1)\n"
    text += "        self.publish_message('t', 2)\n    def hear(self, what):\n        raise ValueError(what)\n"
    write(tmp_path, mine=text)
    with pytest.raises(TinoError, match=r"Mine.hear raised ValueError: 2"):
        run(request(tmp_path / "run", tmp_path / "mine.py", data))


def test_the_first_error_counts_and_nothing_of_the_strategy_runs_after_it(tmp_path: Path, data: list[Data]) -> None:
    marker = tmp_path / "marker"
    text = body_of("on_bar", "raise ValueError('first')")
    text += f"    def on_stop(self):\n        open({str(marker)!r}, 'w')\n        raise ValueError('second')\n"
    write(tmp_path, mine=text)
    with pytest.raises(TinoError, match="first"):
        run(request(tmp_path / "run", tmp_path / "mine.py", data))
    assert not marker.exists()


def test_the_traceback_is_the_users_own(tmp_path: Path, data: list[Data]) -> None:
    """Frames of libraries between the user's own are left out; the place is the deepest one in the user's files."""
    root = tmp_path / "work"
    text = (
        body_of("on_bar", "import beside\nbeside.twice(self.sink)")
        + "    def sink(self, x):\n        return sorted([x, None])\n"
    )
    beside = "import functools\n\ndef twice(f):\n    return functools.reduce(lambda a, b: f(b), [1, 2])\n"
    write(root, mine=text, beside=beside)
    with pytest.raises(TinoError, match="not supported between instances") as caught:
        run(request(tmp_path / "run", root / "mine.py", data))
    body = caught.value.body
    assert [frame.function for frame in body.traceback] == ["on_bar", "twice", "<lambda>", "sink"]
    assert body.location is not None
    assert body.location.column == "        return sorted([x, None])".index("sorted") + 1


def test_code_installed_inside_a_trusted_folder_is_not_the_users(tmp_path: Path, data: list[Data]) -> None:
    root = tmp_path / "work"
    text = body_of("on_bar", "import installed\ninstalled.fail()")
    write(root, mine=text)
    site = root / ".venv" / "lib" / "site-packages"
    write(site, installed="def fail():\n    raise ValueError('deep')\n")
    (root / "mine.py").write_text(f"import sys\nsys.path.append({str(site)!r})\n" + (root / "mine.py").read_text())
    with pytest.raises(TinoError, match="deep") as caught:
        run(request(tmp_path / "run", root / "mine.py", data, roots=[root]))
    assert [frame.function for frame in caught.value.body.traceback] == ["on_bar"]


@pytest.mark.parametrize(
    ("text", "reason", "line", "column"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'", 2, 1),
        ("raise SystemExit('no')\n", "SystemExit: no", 2, 1),
        ("x = 1\ny = x.z\n", "AttributeError: 'int' object has no attribute 'z'", 3, 5),
    ],
)
def test_what_importing_raises(
    tmp_path: Path, data: list[Data], text: str, reason: str, line: int, column: int
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from nautilus_trader.trading import Strategy\n" + text + "class Mine(Strategy):\n    pass\n")
    with pytest.raises(TinoError) as caught:
        run(request(tmp_path / "run", path, data))
    body = caught.value.body
    assert (body.code, body.message) == ("strategy_import_failed", f"{path} could not be loaded: {reason}.")
    assert body.location is not None
    assert (body.location.path, body.location.line, body.location.column) == (str(path), line, column)


def test_a_syntax_error_in_another_file_is_found_there(tmp_path: Path, data: list[Data]) -> None:
    write(tmp_path, mine=HEAD + "import broken\nclass Mine(Strategy):\n    pass\n", broken="def f(:\n    pass\n")
    with pytest.raises(TinoError) as caught:
        run(request(tmp_path / "run", tmp_path / "mine.py", data))
    body = caught.value.body
    assert body.code == "strategy_import_failed"
    assert body.location is not None
    assert (body.location.path, body.location.line) == (str(tmp_path / "broken.py"), 1)
    assert [frame.path for frame in body.traceback] == [str(tmp_path / "mine.py"), str(tmp_path / "broken.py")]


def test_a_class_that_is_gone_at_run_time(tmp_path: Path, data: list[Data]) -> None:
    write(tmp_path, mine=HEAD + "class Mine(Strategy):\n    pass\nclass Other(Strategy):\n    pass\ndel Mine\n")
    with pytest.raises(TinoError, match="has no strategy Mine; it holds Other") as caught:
        run(request(tmp_path / "run", tmp_path / "mine.py", data, name="Mine"))
    assert caught.value.code == "strategy_class_not_found"


def test_what_a_config_raises(tmp_path: Path, data: list[Data]) -> None:
    text = HEAD + dedent("""
        from dataclasses import dataclass

        @dataclass
        class MineConfig:
            fast: int = 3
            slow: int = 2

            def __post_init__(self):
                if self.fast > self.slow:
                    raise ValueError("fast must be less than slow")

        class Mine(Strategy):
            def __init__(self, config: MineConfig):
                super().__init__(config)
    """)
    write(tmp_path, mine=text)
    with pytest.raises(TinoError) as caught:
        run(request(tmp_path / "run", tmp_path / "mine.py", data))
    body = caught.value.body
    assert body.message == "MineConfig.__init__ raised ValueError: fast must be less than slow."
    assert body.location is not None
    assert text.splitlines()[body.location.line - 1].strip().startswith("raise ValueError")


def test_no_data_in_the_range(tmp_path: Path, data: list[Data]) -> None:
    data[0].from_ns = data[0].to_ns = 10**18 + 1
    with pytest.raises(TinoError, match="between 2001-09-09 and 2001-09-09") as caught:
        run(request(tmp_path / "run", STRATEGIES / "silent.py", data))
    assert "2020-01-01 to 2020-07-18" in caught.value.body.hint


def test_damaged_data(tmp_path: Path, data: list[Data]) -> None:
    file = data[0].series.files[0]
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(TinoError) as caught:
        run(request(tmp_path / "run", STRATEGIES / "silent.py", data))
    assert caught.value.code == "data_corrupt"
