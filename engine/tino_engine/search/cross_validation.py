"""Combinatorial purged cross-validation of a set of parameters: skfolio cuts the days, every combination picks and is judged.

A strategy decides from the past alone (the look-ahead check proves it), so one run of each set of parameters over all days is enough: its
daily returns are cut into folds. For each choice of test folds the best set on the other days, without those next to a test, is
looked up on the test's. The parts are put together to whole paths, each day of a path tested once.

Source: M. Lopez de Prado, "Advances in Financial Machine Learning", 2018, chapters 7 and 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Split:
    """One combination: numbers of its test folds, which trial was chosen, and what the objective was inside and outside."""

    folds: tuple[int, ...]
    chosen: int
    inside: float
    outside: float
    train_days: int


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """All combinations, and the paths put together from their tests: daily returns, a row a path (float64)."""

    splits: list[Split]
    paths: np.ndarray


def cross_validate(
    returns: np.ndarray,
    objective: Callable[[np.ndarray], float],
    *,
    folds: int,
    test_folds: int,
    purge: int,
    embargo: int,
) -> CrossValidation:
    """Do it with daily returns (float64), one column a trial, and an objective of one trial's returns, more being better.

    Raises ValueError, worded by skfolio, when the days do not allow these folds.
    """
    # It brings scikit-learn and pandas along, two seconds that other parts of this domain need not wait for.
    from skfolio.model_selection import CombinatorialPurgedCV  # noqa: PLC0415

    splitter = CombinatorialPurgedCV(n_folds=folds, n_test_folds=test_folds, purged_size=purge, embargo_size=embargo)
    path_of = splitter.get_path_ids()
    paths = np.full((splitter.n_test_paths, len(returns)), np.nan)
    splits = []
    for number, (train, tests) in enumerate(splitter.split(returns)):
        scores = [objective(returns[train, trial]) for trial in range(returns.shape[1])]
        chosen = int(np.argmax(scores))
        tested = np.concatenate(tests)
        for path, days in zip(path_of[number], tests, strict=True):
            paths[path, days] = returns[days, chosen]
        splits.append(
            Split(
                folds=tuple(int(fold) for fold in splitter.test_set_index[number]),
                chosen=chosen,
                inside=scores[chosen],
                outside=objective(returns[tested, chosen]),
                train_days=len(train),
            )
        )
    return CrossValidation(splits, paths)
