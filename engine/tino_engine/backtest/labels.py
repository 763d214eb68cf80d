"""What a user writes on runs, and throwing runs away.

Labels are part of a run's summary, as lists show it: they are filtered by. That they changed is told with
`run.labelled`, since nothing happened to the run.

A deletion first moves the run's folder aside, to `runs/<id>.deleted`, then commits that the run is gone, then removes the folder. What a
`kill -9` leaves in between is settled by `settle_deletions` at the next start: a folder whose run is still in the database goes back to
its place, because the deletion was not committed; any other is removed.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tino_engine.contracts import RunSummary
from tino_engine.errors import TinoError
from tino_engine.ledger.tables import backtest_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sqlalchemy import Connection

    from tino_engine.contracts import LabelRequest

DELETED = ".deleted"


def relabel(summary: RunSummary, request: LabelRequest) -> RunSummary:
    """Give the summary with what the request changes."""
    tags = (set(summary.tags) | set(request.add_tags)) - set(request.remove_tags)
    return summary.model_copy(
        update={
            "tags": sorted(tags, key=str.casefold),
            "note": summary.note if request.note is None else request.note.strip(),
            "pinned": summary.pinned if request.pinned is None else request.pinned,
        }
    )


def relabel_stored(connection: Connection, run_id: str, request: LabelRequest) -> RunSummary:
    """Change the labels of one stored run inside a write; give it. Raises `run_not_found`."""
    table = backtest_results
    stored = connection.execute(table.select().with_only_columns(table.c.summary).where(table.c.id == run_id)).scalar()
    if stored is None:
        raise TinoError("run_not_found", id=run_id)
    changed = relabel(RunSummary.model_validate(stored), request)
    connection.execute(table.update().where(table.c.id == run_id).values(summary=changed.model_dump(mode="json")))
    return changed


def forget(connection: Connection, run_id: str) -> None:
    """Remove one stored run inside a write. Raises `run_not_found`."""
    if not connection.execute(backtest_results.delete().where(backtest_results.c.id == run_id)).rowcount:
        raise TinoError("run_not_found", id=run_id)


def move_aside(runs: Path, ids: Iterable[str]) -> int:
    """Move the folders of runs to where they wait for their end; give how many bytes they alone hold. Raises OSError."""
    size = 0
    for run_id in ids:
        folder = runs / run_id
        if folder.is_dir():
            # What an equal run shares with this one stays on the disk.
            found = [file.stat() for file in folder.rglob("*") if file.is_file()]
            size += sum(status.st_size for status in found if status.st_nlink == 1)
            folder.rename(runs / f"{run_id}{DELETED}")
    return size


def move_back(runs: Path, ids: Iterable[str]) -> None:
    """Undo `move_aside`."""
    for run_id in ids:
        aside = runs / f"{run_id}{DELETED}"
        if aside.is_dir():
            aside.rename(runs / run_id)


def remove_aside(runs: Path, ids: Iterable[str]) -> None:
    """Remove the folders that `move_aside` moved."""
    for run_id in ids:
        shutil.rmtree(runs / f"{run_id}{DELETED}", ignore_errors=True)


def settle_deletions(runs: Path, is_known: Callable[[str], bool]) -> None:
    """Settle what an earlier engine left: see the head of this file."""
    for folder in runs.glob(f"*{DELETED}"):
        run_id = folder.name.removesuffix(DELETED)
        (move_back if is_known(run_id) else remove_aside)(runs, [run_id])
