"""The real engine, speaking another protocol: `other_version.py N -I -m tino_engine serve …` is that engine of version N.

The number is replaced before anything reads it; all else is as shipped. Its children are not told, and need not be: only clients are.
"""

import runpy
import sys

from tino_engine import contracts

contracts.PROTOCOL = int(sys.argv[1])
sys.argv = sys.argv[4:]
runpy.run_module("tino_engine", run_name="__main__", alter_sys=True)
