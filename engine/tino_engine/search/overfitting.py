"""Probability of backtest overfitting, by combinatorially symmetric cross-validation.

The days are cut into S equal blocks. For each way to choose half of them, the trial with the best Sharpe ratio on that half is looked up
on the other half: its rank among all trials there, of N + 1, gives a logit that is zero or below when the best was no better than
the median. The share of such choices is the probability. Noise gives about one half, a real edge gives nearly zero.

Source: D. H. Bailey, J. Borwein, M. Lopez de Prado and Q. J. Zhu, "The Probability of Backtest Overfitting", Journal of
Computational Finance 20(4), 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

BLOCKS = 16
"""As in the paper: 12 870 ways to choose half of them."""

_BATCH = 512


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What the choices came to.

    `probability` that the best in sample is below the median out of sample; `loss`, that its Sharpe ratio there is below zero; `slope`
    of out-of-sample on in-sample Sharpe ratio of the chosen trials, None if those do not vary; `logits`, one a choice (float64).
    """

    probability: float
    loss: float
    slope: float | None
    logits: np.ndarray
    blocks: int
    trials: int


def measure_overfitting(returns: np.ndarray, blocks: int = BLOCKS) -> Overfitting | None:
    """Measure it from daily returns (float64), one column a trial. None with fewer than two trials or two days a block.

    `blocks` is even; days that do not fill a block are left out at the beginning. Of equal trials the mean rank counts.
    """
    days, trials = returns.shape
    size = days // blocks
    if trials < 2 or size < 2 or blocks % 2:
        return None
    parts = returns[days - size * blocks :].reshape(blocks, size, trials)
    sums, squares = parts.sum(axis=1), np.square(parts).sum(axis=1)
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    halves = np.zeros((len(chosen), blocks))
    halves[np.arange(len(chosen))[:, None], chosen] = 1.0
    inside, outside, logits = [], [], []
    # In pieces: all choices times thousands of trials at once would be gigabytes.
    for start in range(0, len(halves), _BATCH):
        half = halves[start : start + _BATCH]
        trained = _sharpes(half @ sums, half @ squares, size * blocks // 2)
        tested = _sharpes((1 - half) @ sums, (1 - half) @ squares, size * blocks // 2)
        rows, best = np.arange(len(half)), trained.argmax(axis=1)
        found = tested[rows, best]
        below = (tested < found[:, None]).sum(axis=1)
        equal = (tested == found[:, None]).sum(axis=1)
        share = (below + (equal + 1) / 2) / (trials + 1)
        logits.append(np.log(share / (1 - share)))
        inside.append(trained[rows, best])
        outside.append(found)
    logit, trained, tested = (np.concatenate(part) for part in (logits, inside, outside))
    varied = float(np.ptp(trained)) > 1e-12
    return Overfitting(
        probability=float(np.mean(logit <= 0)),
        loss=float(np.mean(tested < 0)),
        slope=float(np.polyfit(trained, tested, 1)[0]) if varied else None,
        logits=logit,
        blocks=blocks,
        trials=trials,
    )


def _sharpes(sums: np.ndarray, squares: np.ndarray, count: int) -> np.ndarray:
    """Give Sharpe ratios from sums and sums of squares; zero where the returns are constant, which earns no rank by rounding."""
    mean = sums / count
    variance = (squares - count * mean**2) / (count - 1)
    flat = variance <= 1e-18 + 1e-12 * mean**2
    return np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))
