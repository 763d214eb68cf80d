"""Have the bytecode written that the engine and its children need when they start, and see that they can be loaded.

Run by set-up with the environment's own interpreter. Loading our modules compiles what they load, the interpreter's own library included.
What is loaded later, inside functions or by name, is compiled with the rest of its package; of the largest packages only what was loaded is
worth it. A module that cannot be loaded on this platform is left out: whoever needs it will say so.
"""

import compileall
import importlib
import pkgutil
import re
import sys
import sysconfig

RUNS_WHEN_LOADED = ("tino_engine.__main__", "tino_engine.ledger.migrations")
NOT_AS_A_WHOLE = re.compile(r"[/\\](numpy|pyarrow|pandas|scipy|nautilus_trader|tests?|testing)[/\\]")


def main() -> None:
    """Load the package and all its modules, then compile what is left."""
    package = importlib.import_module("tino_engine")
    for module in pkgutil.walk_packages(package.__path__, "tino_engine."):
        if module.name.startswith(RUNS_WHEN_LOADED):
            continue
        try:
            importlib.import_module(module.name)
        except Exception as error:  # noqa: BLE001 - see the module's docstring
            print(f"{module.name}: {error}", file=sys.stderr)
    compileall.compile_dir(sysconfig.get_path("purelib"), rx=NOT_AS_A_WHOLE, quiet=2, workers=0)


if __name__ == "__main__":
    main()
