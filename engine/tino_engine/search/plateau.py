"""Where a sweep is good all around, not in one place.

The best point of many is often a lucky one. A point whose neighbours are good as well is more likely to stay good on other data. So beside
the best point stands the *stable* one: the one with the greatest **mean over itself and its neighbours**; of equal means the one whose
worst neighbour is best.

Neighbours of a point differ from it in every searched parameter by one step at most (by none in a choice). Where values are drawn
from a range without steps, or a grid was tried in part, a neighbour is a point within a tenth of the range in every parameter. A
neighbour that failed, or whose figure is not defined, counts as the worst value of the sweep; one that was pruned with the last value it
reached. A point needs more than half as many neighbours as the best-surrounded point has: at the edge of the unknown nothing is known
of a plateau, and a lone peak beside it would be divided by fewer. (R. Pardo, *The Evaluation and Optimization of Trading Strategies*, 2nd ed. 2008,
chapter 11, judges a parameter set by its neighbours in the same way.)
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tino_engine.search.space import Axis

RADIUS = 0.1
"""Share of a range within which points are neighbours where there are no steps."""
_MOST_BY_STEP = 7
"""Searched parameters up to which the corners of a step's cube are looked up: 3 ^ 7 = 2 187."""


@dataclass(frozen=True, slots=True)
class Stable:
    """The pick: its number, the mean over itself and its neighbours, the worst of them, and who they are."""

    number: int
    mean: float
    worst: float
    neighbours: list[int]


def find_stable(
    axes: Sequence[Axis],
    points: Iterable[tuple[int, Mapping[str, Any], float | None]],
    *,
    maximize: bool,
    partial: bool,
) -> Stable | None:
    """Find the point of the plateau among (number, parameters, value); None when there is none.

    `partial` says that a grid has not been tried completely, so that steps are no measure of distance.
    """
    sign = 1.0 if maximize else -1.0
    listed = [(number, parameters, None if value is None else sign * value) for number, parameters, value in points]
    scored = [value for _, _, value in listed if value is not None]
    if not scored:
        return None
    worst = min(scored)
    values = {number: worst if value is None else value for number, _, value in listed}
    stepped = not partial and all(axis.values is not None for axis in axes) and len(axes) <= _MOST_BY_STEP
    found = _by_step(axes, listed) if stepped else _by_distance(axes, listed)
    most = max((len(neighbours) for neighbours in found.values()), default=0)
    best: tuple[float, float, int] | None = None
    for number, _, value in listed:
        neighbours = found[number]
        if value is None or len(neighbours) * 2 <= most:
            continue
        around = [value, *(values[other] for other in neighbours)]
        # The lower number of two that are alike: the choice must not depend on who ended first.
        score = (sum(around) / len(around), min(around), -number)
        if best is None or score > best:
            best = score
    if best is None:
        return None
    mean, low, number = best
    return Stable(-number, sign * mean, sign * low, sorted(found[-number]))


def _by_step(
    axes: Sequence[Axis], listed: Sequence[tuple[int, Mapping[str, Any], float | None]]
) -> dict[int, list[int]]:
    places: dict[tuple[int, ...], int] = {}
    ranks = []
    for axis in axes:
        assert axis.values is not None
        ranks.append({str(axis.values[place]): place for place in range(len(axis.values))})
    at = {}
    for number, parameters, _ in listed:
        place = tuple(rank[str(parameters[axis.name])] for axis, rank in zip(axes, ranks, strict=True))
        places[place], at[number] = number, place
    moves = [move for move in product(*((-1, 0, 1) if axis.ordered else (0,) for axis in axes)) if any(move)]
    return {
        number: [places[near] for move in moves if (near := tuple(map(sum, zip(place, move, strict=True)))) in places]
        for number, place in at.items()
    }


def _by_distance(
    axes: Sequence[Axis], listed: Sequence[tuple[int, Mapping[str, Any], float | None]]
) -> dict[int, list[int]]:
    """Sort by the first parameter that has an order, so that each point is compared with a fifth of the others."""
    located = []
    for number, parameters, _ in listed:
        positions = [axis.position(parameters[axis.name]) for axis in axes]
        choices = tuple(str(parameters[axis.name]) for axis, at in zip(axes, positions, strict=True) if at is None)
        located.append(([at for at in positions if at is not None], choices, number))
    located.sort(key=lambda entry: entry[0][:1])
    firsts = [entry[0][0] if entry[0] else 0.0 for entry in located]
    found: dict[int, list[int]] = {number: [] for _, _, number in located}
    for row, (positions, choices, number) in enumerate(located):
        reach = firsts[row] + RADIUS
        for other in range(row + 1, bisect_left(firsts, reach + 1e-9, row + 1)):
            near, same, neighbour = located[other]
            if (
                same == choices
                and all(abs(a - b) <= RADIUS + 1e-9 for a, b in zip(positions, near, strict=True))
                and positions
            ):
                found[number].append(neighbour)
                found[neighbour].append(number)
    return found
