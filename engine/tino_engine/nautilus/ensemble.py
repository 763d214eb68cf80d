"""The strategies of a run: loaded, told apart, made.

Most runs have one. Of several, each gets a class of its own, derived from the user's, because what is recorded of a strategy is
recorded by wrapping its class, and two of them may be of one class or one class may derive from another's.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nautilus_trader.trading import Strategy

from tino_engine.contracts import Parameter
from tino_engine.nautilus.strategy import FROM_DISK, StrategyRequest, importing, instantiate, load_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tino_engine.backtest.recorder import Recorder
    from tino_engine.backtest.user_code import UserCode
    from tino_engine.nautilus.copied_code import CopiedCode


@dataclass(frozen=True, slots=True)
class Member:
    """One strategy that is to trade: what to load, and what it is called among the others."""

    label: str
    request: StrategyRequest

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Member:
        """Read it from the parameters of the worker's call `run`, or from one of its `strategies`."""
        given = [item["barType"] for item in params.get("data", ()) if item.get("given", True)]
        request = StrategyRequest(
            path=Path(params["path"]),
            name=params["name"],
            config_name=params["configName"],
            parameters=params["parameters"],
            schema=[Parameter.model_validate(parameter) for parameter in params["schema"]],
            bar_types=params.get("barTypes") or given,
        )
        return cls(params.get("label") or params["name"], request)


def read_members(params: dict[str, Any]) -> list[Member]:
    """Give the strategies of a run, in their order."""
    return [Member.from_params(item) for item in params.get("strategies") or [params]]


def import_all(
    members: Sequence[Member],
    roots: Sequence[Path],
    code: UserCode,
    copies: CopiedCode = FROM_DISK,
    packages: str | None = None,
) -> ExitStack:
    """Let the modules of every strategy be imported, until the stack that is given is closed; see `importing`."""
    stack = ExitStack()
    for path in dict.fromkeys(member.request.path for member in members):
        stack.enter_context(importing(path, roots, code, copies, packages))
    return stack


def load_all(members: Sequence[Member], code: UserCode, copies: CopiedCode = FROM_DISK) -> list[type[Strategy]]:
    """Import the files, each once; give a class for each strategy. Raises what `load_class` does."""
    loaded: dict[tuple[Path, str], type[Strategy]] = {}
    classes = []
    for member in members:
        key = (member.request.path, member.request.name)
        if key not in loaded:
            loaded[key] = load_class(member.request, code, copies)
        kind = loaded[key]
        # The name stays: NautilusTrader makes the strategy's id of it.
        classes.append(kind if len(members) == 1 else type(kind.__name__, (kind,), {"__module__": kind.__module__}))
    return classes


def make_all(
    members: Sequence[Member], classes: Sequence[type[Strategy]], recorder: Recorder, code: UserCode, start: int
) -> list[Strategy]:
    """Make the strategies, recorded from their first line on. Raises what `instantiate` does."""
    made = []
    for member, kind in zip(members, classes, strict=True):
        recorder.install(kind, Strategy, start, member.label)
        made.append(instantiate(member.request, kind, code))
    return made
