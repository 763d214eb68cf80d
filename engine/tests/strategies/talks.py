# ruff: noqa: T201
"""Says something in every way there is."""

import sys
import threading

from nautilus_trader.model import Bar, BarType
from nautilus_trader.trading import Strategy

print("imported")  # import


class Talks(Strategy):
    def __init__(self) -> None:
        super().__init__()
        self.log.info("made")  # made
        self.seen = 0

    def on_start(self) -> None:
        print("started", 1)  # print
        self.subscribe_bars(BarType.from_str("TEST.XNAS-1-DAY-LAST-EXTERNAL"))

    def on_bar(self, bar: Bar) -> None:
        self.seen += 1
        if self.seen > 1:
            return
        print("two\nlines")  # lines
        self.log.info("first bar")  # info
        self.log.warning("careful")  # warning
        self.log.error("no")  # error
        self.log.debug("detail")  # debug
        try:
            raise ValueError("oops")
        except ValueError:
            self.log.exception("caught")  # exception
        print("to stderr", file=sys.stderr)  # stderr
        below = threading.Thread(target=lambda: self.log.warning("from below"))  # below
        below.start()
        below.join()
        print("x" * 20_000)  # long

    def on_stop(self) -> None:
        sys.stdout.write("no end of line")
