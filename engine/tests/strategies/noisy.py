"""Writes to the process's own output in every way there is."""

import os
import subprocess
import sys

from nautilus_trader.trading import Strategy

os.write(1, b"raw\n")
os.system("echo shell")


class Noisy(Strategy):
    def on_start(self) -> None:
        subprocess.run(["echo", "child"], check=True)
        sys.__stdout__.write("original\n")
        sys.__stdout__.flush()
