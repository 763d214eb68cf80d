"""Optuna's side of a sweep: which point to try next, and which one is not worth going on with.

Lives in a child process of the engine, which never imports Optuna. An axis is `{"type": "ordered" | "choice", "count": n}`, with the
places 0 to n - 1, or `{"type": "range", "low", "high", "log"}`; names and values stay with the engine.

Points that violate the sweep's constraint are told as such, and Optuna's constrained TPE learns to keep away from them.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.trial import FrozenTrial, Trial

_VIOLATION = "violation"

_STATES = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Study:
    """One search. `directions` are `maximize` or `minimize`, one for each objective; pruning is for one."""

    def __init__(
        self,
        axes: Sequence[dict[str, Any]],
        directions: Sequence[Literal["maximize", "minimize"]],
        seed: int,
        *,
        pruning: bool,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self._distributions = {str(number): _distribution(axis) for number, axis in enumerate(axes)}
        # Several points are under way at once: those are taken to be bad, so that the next one is looked for elsewhere.
        sampler = TPESampler(seed=seed, multivariate=True, constant_liar=True, constraints_func=_violation)
        pruner = MedianPruner(n_startup_trials=5, n_warmup_steps=0) if pruning else NopPruner()
        self._study = optuna.create_study(directions=list(directions), sampler=sampler, pruner=pruner)
        self._open: dict[int, Trial] = {}

    def ask(self) -> tuple[int, list[float]]:
        """Give the number of a new trial and its places."""
        trial = self._study.ask(self._distributions)
        self._open[trial.number] = trial
        return trial.number, [trial.params[name] for name in self._distributions]

    def give(self, places: Sequence[float]) -> int:
        """Open a trial at given places: for points that somebody else chose."""
        self._study.enqueue_trial(dict(zip(self._distributions, places, strict=True)))
        return self.ask()[0]

    def recall(self, places: Sequence[float], state: str, values: Sequence[float | None]) -> None:
        """Take in a point of earlier."""
        defined = [value for value in values if value is not None]
        if state == "finished" and len(defined) < len(values):
            state = "failed"
        self._study.add_trial(
            create_trial(
                state=_STATES[state],
                params=dict(zip(self._distributions, places, strict=True)),
                distributions=self._distributions,
                values=defined if state == "finished" else None,
                intermediate_values={0: defined[0]} if state == "pruned" and defined else None,
            )
        )

    def check(self, number: int, step: int, value: float | None) -> bool:
        """Take in an intermediate value; say whether the point should be given up."""
        trial = self._open[number]
        if value is None:
            return False
        trial.report(value, step)
        return trial.should_prune()

    def tell(self, number: int, state: str, values: Sequence[float | None]) -> None:
        """Take in how a trial ended: `finished`, `pruned`, `failed`, or `violating` when it was never run."""
        trial = self._open.pop(number)
        if state == "violating":
            trial.set_user_attr(_VIOLATION, 1.0)
            self._study.tell(trial, state=TrialState.PRUNED)
        elif state == "finished" and all(value is not None for value in values):
            self._study.tell(trial, list(values))  # type: ignore[arg-type]
        else:
            # A figure that is not defined tells as little as a failure.
            self._study.tell(trial, state=TrialState.PRUNED if state == "pruned" else TrialState.FAIL)


def _distribution(axis: dict[str, Any]) -> BaseDistribution:
    match axis["type"]:
        case "range":
            return FloatDistribution(axis["low"], axis["high"], log=axis["log"])
        case "ordered":
            return IntDistribution(0, axis["count"] - 1)
        case _:
            return CategoricalDistribution(list(range(axis["count"])))


def _violation(trial: FrozenTrial) -> Sequence[float]:
    return (trial.user_attrs.get(_VIOLATION, 0.0),)
