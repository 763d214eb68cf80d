"""How much of a Sharpe ratio is left when one counts how long it was measured and how often one tried.

All Sharpe ratios here are those of one observation (a day), not of a year: mean over standard deviation of the returns. Nothing but
the standard library is used, so that the engine itself may compute them.

Sources: D. H. Bailey and M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012, for the
probabilistic Sharpe ratio and the minimum track record length; the same, "The Deflated Sharpe Ratio", Journal of Portfolio
Management 40(5), 2014, for the expected maximum of many trials. The tests hold the worked examples of both papers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
"""What the minimum track record length is asked for at."""

_EULER = 0.5772156649015329
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Sample:
    """Returns by their moments: how many, their Sharpe ratio, skewness, and kurtosis (3 for a normal distribution)."""

    observations: int
    sharpe: float
    skewness: float
    kurtosis: float


def probabilistic_sharpe(sample: Sample, benchmark: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio is above the benchmark, with the sample's length and the shape of its returns.

    `Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurt - 1) / 4 SR^2))`. None with fewer than two observations, or where the root
    does not exist.
    """
    spread = _spread(sample)
    if sample.observations < 2 or spread is None:
        return None
    return _NORMAL.cdf((sample.sharpe - benchmark) * math.sqrt((sample.observations - 1) / spread))


def expected_maximum(trials: int, variance: float) -> float:
    """Sharpe ratio that the best of so many independent trials without skill is expected to show.

    `sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e)))` with Euler's constant g; `variance` is that of the trials' Sharpe
    ratios. Zero for one trial: nothing was selected.
    """
    if trials < 2 or variance <= 0:
        return 0.0
    first, second = (_NORMAL.inv_cdf(1 - 1 / (trials * factor)) for factor in (1, math.e))
    return math.sqrt(variance) * ((1 - _EULER) * first + _EULER * second)


def deflated_sharpe(sample: Sample, trials: int, variance: float) -> float | None:
    """Probability that the true Sharpe ratio is above zero, after so many trials: the probabilistic one against their maximum."""
    return probabilistic_sharpe(sample, expected_maximum(trials, variance))


def minimum_track_record(sample: Sample, benchmark: float = 0.0, confidence: float = CONFIDENCE) -> float | None:
    """Observations needed before this Sharpe ratio is above the benchmark with the confidence.

    `1 + (1 - skew SR + (kurt - 1) / 4 SR^2) (Phi^-1(c) / (SR - SR*))^2`. None when it is not above the benchmark: no length is enough.
    """
    spread = _spread(sample)
    if spread is None or sample.sharpe <= benchmark:
        return None
    return 1 + spread * (_NORMAL.inv_cdf(confidence) / (sample.sharpe - benchmark)) ** 2


def variance_of(sharpes: Sequence[float]) -> float | None:
    """Variance of the trials' Sharpe ratios (n - 1); None for fewer than two."""
    if len(sharpes) < 2:
        return None
    mean = math.fsum(sharpes) / len(sharpes)
    return math.fsum((value - mean) ** 2 for value in sharpes) / (len(sharpes) - 1)


def _spread(sample: Sample) -> float | None:
    spread = 1 - sample.skewness * sample.sharpe + (sample.kurtosis - 1) / 4 * sample.sharpe**2
    return spread if spread > 0 and math.isfinite(spread) else None
