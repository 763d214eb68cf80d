"""What the strategy says while it runs: `self.log`, `print`, whatever libraries print. A table of the result."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tino_engine.backtest.user_code import UserCode

MAX_LINES = 100_000
MAX_LENGTH = 10_000
"""Characters of one line; the rest is cut."""


class RunLog:
    """The lines, in order, each with the time in the run and the place in the user's code that it came from.

    Bounded: after `MAX_LINES` further lines are counted, and a last one says how many.
    """

    def __init__(self, code: UserCode, now: Callable[[], int]) -> None:
        self._code = code
        self._now = now
        self._lock = threading.Lock()
        self.ts: list[int] = []
        self.levels: list[str] = []
        self.messages: list[str] = []
        self.paths: list[str | None] = []
        self.lines: list[int | None] = []
        self.left_out = 0

    def add(self, level: str, message: object) -> None:
        """Add a line, from any thread of the strategy."""
        with self._lock:
            if len(self.ts) >= MAX_LINES:
                self.left_out += 1
                return
            path, line = self._code.find_caller(sys._getframe(1)) or (None, None)  # noqa: SLF001 - the one way to it
            self._append(level, str(message)[:MAX_LENGTH], path, line)

    def close(self) -> None:
        """Say what was left out."""
        if self.left_out:
            self._append("WARNING", f"{self.left_out} further lines were left out.", None, None)

    def tail(self, count: int) -> list[str]:
        """Give the last lines as text."""
        return [f"{level} {text}" for level, text in zip(self.levels[-count:], self.messages[-count:], strict=True)]

    @contextmanager
    def capture_output(self) -> Iterator[None]:
        """Take what is printed; a line that is still open at the end is taken too."""
        out, err = _Printed(self), _Printed(self)
        # Both are files to `print` and to loggers, which is all the library's types ask for in practice.
        with redirect_stdout(cast("TextIO", out)), redirect_stderr(cast("TextIO", err)):
            try:
                yield
            finally:
                out.close()
                err.close()

    def _append(self, level: str, message: str, path: str | None, line: int | None) -> None:
        self.ts.append(self._now())
        self.levels.append(level)
        self.messages.append(message)
        self.paths.append(path)
        self.lines.append(line)


class StrategyLog:
    """Stands in for NautilusTrader's `Logger`, whose records are switched off during a backtest."""

    def __init__(self, log: RunLog, name: str) -> None:
        self._log = log
        self.name = name

    def trace(self, message: str, color: object = None) -> None:
        """Log at TRACE."""
        self._log.add("TRACE", message)

    def debug(self, message: str, color: object = None) -> None:
        """Log at DEBUG."""
        self._log.add("DEBUG", message)

    def info(self, message: str, color: object = None) -> None:
        """Log at INFO."""
        self._log.add("INFO", message)

    def warning(self, message: str, color: object = None) -> None:
        """Log at WARNING."""
        self._log.add("WARNING", message)

    def error(self, message: str, color: object = None) -> None:
        """Log at ERROR."""
        self._log.add("ERROR", message)

    def exception(self, message: str = "", color: object = None) -> None:
        """Log at ERROR, with the exception that is being handled."""
        error = sys.exception()
        detail = "" if error is None else f"{type(error).__name__}: {error}"
        self._log.add("ERROR", ": ".join(filter(None, (str(message), detail))))

    def flush(self) -> None:
        """Nothing is held back."""


class _Printed(io.TextIOBase):
    """Turns what is written into lines of the log."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._open = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        *whole, rest = (self._open + text).split("\n")
        for line in whole:
            self._log.add("PRINT", line)
        self._open = rest[:MAX_LENGTH]
        return len(text)

    def close(self) -> None:
        if self._open:
            self._log.add("PRINT", self._open)
            self._open = ""
        super().close()
