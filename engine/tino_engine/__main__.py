"""`python -m tino_engine <verb>`: the engine, or one of its children."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run a verb; give the exit status."""
    parser = argparse.ArgumentParser(prog="tino_engine", description="The engine of tino and its child processes.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="the engine; started by a client, which speaks the handshake")
    serve.add_argument("--port", type=int, default=0, help="listen on this port instead of a free one")
    for name, purpose in (
        ("work", "a backtest worker"),
        ("data", "the data worker"),
        ("provide", "asks providers of market data"),
        ("search", "the sampler of a sweep"),
        ("validation", "judges over many runs"),
        ("cluster", "speaks to a Dask cluster"),
        ("language", "the language host"),
    ):
        verbs.add_parser(name, help=f"{purpose}; started by the engine")
    inspect = verbs.add_parser("inspect", help="what `tino doctor` asks of this Python; changes nothing")
    inspect.add_argument("database", type=Path, help="the database to look through")
    chosen = parser.parse_args(arguments)
    # Each verb imports only what is its own: `serve` must reach its lock within a few hundredths of a second.
    match chosen.verb:
        case "serve":
            from tino_engine.supervision.handshake import serve as run  # noqa: PLC0415

            return run(chosen.port)
        case "work":
            from tino_engine.workers.work import main as work  # noqa: PLC0415

            return work()
        case "data":
            from tino_engine.workers.data import main as data  # noqa: PLC0415

            return data()
        case "search":
            from tino_engine.workers.search import main as search  # noqa: PLC0415

            return search()
        case "provide":
            from tino_engine.workers.provide import main as provide  # noqa: PLC0415

            return provide()
        case "validation":
            from tino_engine.workers.validation import main as validation  # noqa: PLC0415

            return validation()
        case "cluster":
            from tino_engine.workers.cluster import main as cluster  # noqa: PLC0415

            return cluster()
        case "inspect":
            from tino_engine.diagnosis import main as inspect_installation  # noqa: PLC0415

            return inspect_installation(chosen.database)
        case _:
            from tino_engine.workers.language import main as language  # noqa: PLC0415

            return language()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
