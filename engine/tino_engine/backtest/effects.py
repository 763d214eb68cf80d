"""What the user's code touches besides its data and parameters: clock, files, network, other programs, unseeded randomness.

A run that touches none of them gives the same result whenever it is repeated, so its result may stand in for the next equal run's. One that does is
repeated each time, and says why. It is noticed in two ways, both only while user code runs and only for what the user's own files do,
directly or through a library that they call.

*Audit events* tell of files, connections and processes, whichever library opens them in Python. Left out is what belongs to the product: the
standard library, installed packages, the zone database, the code itself.

*Calls* made in the user's own lines are looked at for what raises no event: clocks, sources of entropy, generators without a seed, and libraries
that open files in C++ or Rust. `sys.monitoring` reports each place of a call once, with the function that is really called, and is then
switched off for that place, so a million bars cost nothing. A place that calls different functions in turn is judged by the first.

The generators of `random` and `numpy.random` that everybody shares are seeded with the run's own seed: using them is no effect.
"""

from __future__ import annotations

import os
import random
import sys
import sysconfig
import threading
import time
import uuid
import zoneinfo
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tino
import tino_engine
from tino_engine.contracts import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

    from tino_engine.backtest.user_code import UserCode

MOST = 20
"""Effects that are kept of a run; one is enough."""

_TOOL = 3
"""An identifier of `sys.monitoring` that no debugger, profiler or coverage tool uses."""

_MACHINE = ("/proc", "/sys")
"""Where libraries look how many processors and how much memory there are."""

_NULL_DEVICES = frozenset({"/dev/null", "nul"})
_NO_FILES = ("", ":memory:")
"""Databases that SQLite keeps in memory or in a file of its own."""

_FILE_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "sqlite3.connect", "glob.glob"})
_NETWORK_EVENTS = frozenset(
    {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind", "urllib.Request"}
)
_PROCESS_EVENTS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"}
)
_EVENTS = _FILE_EVENTS | _NETWORK_EVENTS | _PROCESS_EVENTS

_CLOCKS = {
    id(function)
    for name in (
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time thread_time_ns "
        "clock_gettime clock_gettime_ns strftime"
    ).split()
    if (function := getattr(time, name, None)) is not None
}
"""By identity: what is called may be anything, also something without a hash."""

_CLOCKS_WITHOUT_ARGUMENT = {id(function) for function in (time.localtime, time.gmtime, time.ctime, time.asctime)}
_CLOCK_NAMES = frozenset({"now", "utcnow", "today"})
_ENTROPY = {
    id(function)
    for function in (os.urandom, getattr(os, "getrandom", None), uuid.uuid1, uuid.uuid4, random.SystemRandom)
    if function is not None
}
_GENERATORS = frozenset(
    {"Random", "seed", "default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"}
)
_READERS = frozenset({"pyarrow", "polars", "duckdb", "h5py", "lance"})
"""Packages that open files past Python."""


class Effects:
    """Collects the effects of one run."""

    def __init__(self, code: UserCode, known: Iterable[Path]) -> None:
        """Take what is the user's, and the files and folders that the run may read without a word."""
        self._code = code
        paths = sysconfig.get_paths()
        product = [sys.prefix, sys.base_prefix, *(paths[name] for name in ("stdlib", "purelib", "platlib"))]
        packages = [str(Path(package.__file__ or "").parent) for package in (tino, tino_engine)]
        self._known = {os.path.realpath(path) for path in (*product, *packages, *zoneinfo.TZPATH, *_MACHINE, *known)}
        self._lock = threading.Lock()
        self._watched: list[CodeType] = []
        self._looking = False
        self.found: list[Effect] = []

    @contextmanager
    def noticing(self, seed: int) -> Iterator[None]:
        """Notice them meanwhile; the shared generators begin with the seed."""
        random.seed(seed)
        np.random.seed(seed)
        monitoring = sys.monitoring
        self._looking = monitoring.get_tool(_TOOL) is None
        if self._looking:
            monitoring.use_tool_id(_TOOL, "tino")
            monitoring.register_callback(_TOOL, monitoring.events.CALL, self._called)
        _listen(self._happened)
        try:
            yield
        finally:
            _listen(None)
            if self._looking:
                for code in self._watched:
                    monitoring.set_local_events(_TOOL, code, monitoring.events.NO_EVENTS)
                monitoring.free_tool_id(_TOOL)

    def watch(self, code: CodeType) -> None:
        """Look at the calls of a module's code and of everything defined in it."""
        if not self._looking:
            return
        waiting = [code]
        while waiting:
            current = waiting.pop()
            sys.monitoring.set_local_events(_TOOL, current, sys.monitoring.events.CALL)
            self._watched.append(current)
            waiting += [constant for constant in current.co_consts if isinstance(constant, type(code))]

    def _called(self, _code: CodeType, _offset: int, called: Any, argument: Any) -> object:
        own = getattr(called, "__code__", None)
        # What a function of the user's own does is seen where it does it.
        found = None if own is not None and self._code.owns(own.co_filename) else _judge(called, argument)
        if found is not None:
            self._add(*found)
        return sys.monitoring.DISABLE

    def _happened(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FILE_EVENTS:
            path = arguments[0] if arguments else None
            if not isinstance(path, str | bytes | os.PathLike) or path in _NO_FILES or self._is_known(path):
                return
            name = os.fsdecode(path)
            # What an installed package reads while it is imported is its own affair; a file of the user's that is imported without a copy is not.
            if self._is_importing(sys._getframe(2)) and not (name.endswith(".py") and self._code.owns(name)):  # noqa: SLF001
                return
            self._add("file", name)
        elif event in _NETWORK_EVENTS:
            place = arguments[1] if event.startswith("socket.") and not isinstance(arguments[0], str) else arguments[0]
            self._add("network", _address(place))
        else:
            command = arguments[1] if event == "subprocess.Popen" and len(arguments) > 1 else (*arguments, event)[0]
            words = command if isinstance(command, list | tuple) else [command]
            self._add(
                "process", " ".join(os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in words)
            )

    def _is_known(self, path: str | bytes | os.PathLike[Any]) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        if real.lower() in _NULL_DEVICES or real in self._known:
            return True
        return any(str(above) in self._known for above in Path(real).parents)

    def _is_importing(self, frame: FrameType | None) -> bool:
        """Say whether, on the way out to the user's own line, a module is being imported."""
        while frame is not None and not self._code.owns(frame.f_code.co_filename):
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                return True
            frame = frame.f_back
        return False

    def _add(self, kind: str, what: str) -> None:
        place = self._code.find_caller(sys._getframe(2))  # noqa: SLF001 - the one way to it
        if place is None:
            return
        effect = Effect(kind=kind, what=what[:500], path=place[0], line=place[1])  # type: ignore[arg-type]
        with self._lock:
            if len(self.found) < MOST and effect not in self.found:
                self.found.append(effect)


def _judge(called: Any, argument: Any) -> tuple[str, str] | None:
    """Say which effect a call is: its kind and the name of what is called; None for nearly all of them."""
    name = getattr(called, "__name__", None)
    if not isinstance(name, str):
        return None
    nothing = argument is sys.monitoring.MISSING or argument is None
    module = getattr(called, "__module__", None) or getattr(type(getattr(called, "__self__", None)), "__module__", "")
    package = str(module).partition(".")[0]
    if id(called) in _CLOCKS or (nothing and id(called) in _CLOCKS_WITHOUT_ARGUMENT):
        return "clock", f"time.{name}"
    if id(called) in _ENTROPY or package == "secrets":
        return "random", f"{'os' if package == os.name else package}.{name}"
    if name in _CLOCK_NAMES and package != "nautilus_trader":
        owner = getattr(called, "__self__", None)
        return "clock", f"{getattr(owner, '__name__', package)}.{name}"
    if nothing and name in _GENERATORS and package in ("random", "numpy"):
        return "random", f"{package}.{name} without a seed"
    if (
        (package in _READERS or name.endswith("DataCatalog"))
        and isinstance(argument, str | os.PathLike)
        and Path(argument).exists()
    ):
        return "file", os.fsdecode(argument)
    return None


def _address(place: Any) -> str:
    if isinstance(place, tuple):
        return ":".join(map(str, place[:2]))
    return place.decode(errors="replace") if isinstance(place, bytes) else str(place)


_state: dict[str, Any] = {"listener": None, "installed": False}


def _listen(listener: Callable[[str, tuple[Any, ...]], None] | None) -> None:
    """Hand audit events on, or stop: a hook can be added to a process and never be removed."""
    _state["listener"] = listener
    if not _state["installed"]:
        _state["installed"] = True
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS and (listener := _state["listener"]) is not None:
        listener(event, arguments)
