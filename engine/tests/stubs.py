"""Stand-ins for the two seams of supervision, and small builders."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BOOT = "11111111-1111-1111-1111-111111111111:4026531836"


@dataclass
class FakeClock:
    """Time that stands still until it is told."""

    seconds: float = 1_000.0
    wall_offset: float = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return int((self.seconds + self.wall_offset) * 1000)

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class FakeProcesses:
    """A process table: PID → start, and when that was."""

    table: dict[int, str] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)
    boot: str = BOOT

    def start_id(self, pid: int) -> str | None:
        return self.table.get(pid)

    def started_at_ms(self, pid: int) -> int | None:
        return self.began.get(pid)

    def boot_id(self) -> str | None:
        return self.boot

    def memory_bytes(self, pid: int) -> int:
        return 1 if pid in self.table else 0


def write_lock(
    directory: Path,
    pid: int,
    *,
    kind: str = "cli",
    start_id: str | None = "1",
    boot_id: str | None = BOOT,
    nonce: str | None = None,
) -> str:
    """Write a client's lock file; give its nonce."""
    nonce = nonce or secrets.token_hex(16)
    content = {
        "pid": pid,
        "startedAt": 1,
        "tty": None,
        "kind": kind,
        "startId": start_id,
        "bootId": boot_id,
        "nonce": nonce,
        "version": "0",
    }
    (directory / f"cli-{pid}.lock").write_text(json.dumps(content))
    return nonce
