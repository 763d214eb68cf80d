r"""Where things live, and the few knobs of the engine.

Homes follow the platform: macOS `~/Library/Application Support/tino`, Linux `$XDG_STATE_HOME/tino` or
`~/.local/state/tino` (never a runtime directory that logging out wipes), Windows `%LOCALAPPDATA%\tino`. `TINO_HOME`
overrides it; tests always set it. `extension/supervisor/paths.ts` holds the same rules for the clients.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Home:
    """One user's tino: every path below it."""

    root: Path

    @property
    def run(self) -> Path:
        """What lives as long as the engine: lock, pid, token, the clients' lock files."""
        return self.root / "run"

    @property
    def clients(self) -> Path:
        """The lock directory: one file a client."""
        return self.run / "cli"

    @property
    def engine_lock(self) -> Path:
        """The kernel lock's file; never unlinked."""
        return self.run / "engine.lock"

    @property
    def engine_info(self) -> Path:
        """`engine.pid`, present while the engine is healthy."""
        return self.run / "engine.pid"

    @property
    def engine_token(self) -> Path:
        """The bearer token of this start."""
        return self.run / "engine.token"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "db" / "tino.db"

    @property
    def database_lock(self) -> Path:
        """A second kernel lock beside the database, which stands when the run directory is deleted under an engine."""
        return self.root / "db" / "engine.lock"

    @property
    def data(self) -> Path:
        """Market data: the catalog and what is derived from it."""
        return self.root / "data"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        """Rotated logs."""
        return self.root / "logs"

    @property
    def log(self) -> Path:
        """The engine's log."""
        return self.logs / "engine.log"


def find_home(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Home:
    """Find the user's home of tino; nothing is created."""
    if override := environment.get("TINO_HOME"):
        return Home(Path(override).absolute())
    user = Path(environment.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    if platform == "darwin":
        return Home(user / "Library" / "Application Support" / "tino")
    if platform == "win32":
        return Home(Path(environment.get("LOCALAPPDATA") or user / "AppData" / "Local") / "tino")
    return Home(Path(environment.get("XDG_STATE_HOME") or user / ".local" / "state") / "tino")
