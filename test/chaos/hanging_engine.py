"""The real engine, except that SIGUSR2 makes its event loop hang: stands where its interpreter would be."""

import signal
import sys
import time


def hang(_signal, _frame):
    time.sleep(3600)


signal.signal(signal.SIGUSR2, hang)
from tino_engine.__main__ import main  # noqa: E402

sys.exit(main(sys.argv[sys.argv.index("tino_engine") + 1 :]))
