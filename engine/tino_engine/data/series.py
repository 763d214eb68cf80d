"""One stored series of bars, as the engine hands it to a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tino_engine.contracts import CorporateAction, Instrument

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, slots=True)
class Series:
    """The bars of one bar type, as traded, with what is needed to adjust them.

    `files` are absolute paths below the catalog, in order of time; `actions` are in order of their ex-day; `hash` is the
    SHA-256 over the rows made at import.
    """

    instrument: Instrument
    bar_type: str
    files: tuple[Path, ...]
    actions: tuple[CorporateAction, ...]
    hash: str

    def to_params(self) -> dict[str, Any]:
        """Give it as JSON, for a frame."""
        return {
            "instrument": self.instrument.model_dump(mode="json"),
            "barType": self.bar_type,
            "files": [str(file) for file in self.files],
            "actions": [action.model_dump(mode="json") for action in self.actions],
            "hash": self.hash,
        }

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Self:
        """Read it from a frame; further keys are ignored."""
        return cls(
            Instrument.model_validate(params["instrument"]),
            params["barType"],
            tuple(Path(file) for file in params["files"]),
            tuple(CorporateAction.model_validate(action) for action in params["actions"]),
            params["hash"],
        )
