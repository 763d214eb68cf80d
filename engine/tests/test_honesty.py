"""The figures of honesty and validation against the papers' worked examples, independent computations, and cases by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward

from tino_engine.data import bootstrap
from tino_engine.search import cross_validation, honesty, monte_carlo, overfitting, walk_forward
from tino_engine.search.honesty import Sample

DAY = math.sqrt(250)

# -- Sharpe ratios -----------------------------------------------------------------------------------------------------


def test_the_worked_example_of_the_deflated_sharpe_ratio() -> None:
    """Bailey and Lopez de Prado 2014: annual Sharpe 2.5 over 1 250 days, best of 100 trials whose annual ratios have variance 1/2."""
    found = Sample(1250, 2.5 / DAY, skewness=-3, kurtosis=10)
    assert honesty.expected_maximum(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert honesty.deflated_sharpe(found, 100, 0.5 / 250) == pytest.approx(0.9004, abs=5e-5)
    assert honesty.deflated_sharpe(found, 46, 0.5 / 250) == pytest.approx(0.9505, abs=5e-5)
    normal = Sample(1250, 2.5 / DAY, skewness=0, kurtosis=3)
    assert honesty.deflated_sharpe(normal, 88, 0.5 / 250) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize(
    ("periods", "skewness", "kurtosis", "years"),
    # Bailey and Lopez de Prado 2012, section 5: an annual Sharpe of 2 against 1; the last with a hedge fund's moments.
    [(252, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_worked_examples_of_the_minimum_track_record(
    periods: int, skewness: float, kurtosis: float, years: float
) -> None:
    sample = Sample(100, 2 / math.sqrt(periods), skewness, kurtosis)
    needed = honesty.minimum_track_record(sample, 1 / math.sqrt(periods))
    assert needed is not None
    assert needed / periods == pytest.approx(years, abs=0.005)
    # With exactly that many observations the probability is the confidence.
    enough = honesty.probabilistic_sharpe(
        Sample(math.ceil(needed), sample.sharpe, skewness, kurtosis), 1 / math.sqrt(periods)
    )
    assert enough == pytest.approx(0.95, abs=0.003)


def test_what_means_nothing_is_none() -> None:
    assert honesty.probabilistic_sharpe(Sample(1, 0.1, 0, 3)) is None
    assert honesty.probabilistic_sharpe(Sample(100, 2.0, 3.0, 1.0)) is None
    assert honesty.minimum_track_record(Sample(100, -0.1, 0, 3)) is None
    assert honesty.expected_maximum(1, 0.5) == 0
    assert honesty.probabilistic_sharpe(Sample(100, 0.0, 0, 3)) == 0.5
    assert honesty.variance_of([1.0]) is None
    assert honesty.variance_of([1.0, 2.0, 4.0]) == pytest.approx(np.var([1, 2, 4], ddof=1))


def test_the_expected_maximum_is_that_of_drawn_noise() -> None:
    random = np.random.default_rng(1)
    drawn = random.normal(0, 0.3, (20_000, 50)).max(axis=1).mean()
    assert honesty.expected_maximum(50, 0.09) == pytest.approx(drawn, rel=0.02)


# -- overfitting -------------------------------------------------------------------------------------------------------


def test_overfitting_by_hand() -> None:
    """Two blocks of three days: each is once inside. What is better inside is worse outside: always overfitted, and the reverse."""
    good, bad = [0.01, 0.02, 0.03], [-0.01, -0.02, -0.03]
    crossed = overfitting.measure_overfitting(np.array([[*good, *bad], [*bad, *good]]).T, blocks=2)
    assert crossed is not None
    # The best inside is the worst of two outside: rank 1 of 3, logit ln(1/2), twice.
    assert crossed.logits == pytest.approx([math.log(0.5)] * 2)
    assert (crossed.probability, crossed.loss) == (1.0, 1.0)
    steady = overfitting.measure_overfitting(np.array([[*good, *good], [*bad, *bad]]).T, blocks=2)
    assert steady is not None
    assert steady.logits == pytest.approx([math.log(2)] * 2)
    assert (steady.probability, steady.loss) == (0.0, 0.0)


def test_overfitting_as_the_paper_words_it() -> None:
    """The definition, step by step with scipy's ranks, on few blocks."""
    returns = np.random.default_rng(3).normal(0.0002, 0.01, (203, 7))
    blocks = np.split(returns[3:], 8)
    logits = []
    for chosen in itertools.combinations(range(8), 4):
        inside = np.concatenate([blocks[number] for number in chosen])
        outside = np.concatenate([blocks[number] for number in range(8) if number not in chosen])
        sharpe = [part.mean(axis=0) / part.std(axis=0, ddof=1) for part in (inside, outside)]
        share = stats.rankdata(sharpe[1])[sharpe[0].argmax()] / 8
        logits.append(math.log(share / (1 - share)))
    found = overfitting.measure_overfitting(returns, blocks=8)
    assert found is not None
    assert found.logits == pytest.approx(logits)
    assert found.probability == pytest.approx(np.mean(np.array(logits) <= 0))


def test_noise_is_overfitted_half_of_the_time_and_an_edge_hardly_ever() -> None:
    random = np.random.default_rng(7)
    noise = [
        overfitting.measure_overfitting(random.normal(0, 0.01, (1000, 20)), blocks=8).probability  # type: ignore[union-attr]
        for _ in range(60)
    ]
    assert np.mean(noise) == pytest.approx(0.5, abs=0.06)
    edge = random.normal(0, 0.01, (1000, 20))
    edge[:, 4] += 0.003
    assert overfitting.measure_overfitting(edge).probability < 0.01  # type: ignore[union-attr]
    assert overfitting.measure_overfitting(noise_of(1, 100)) is None
    assert overfitting.measure_overfitting(noise_of(5, 20)) is None


def noise_of(trials: int, days: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.01, (days, trials))


# -- Monte Carlo -------------------------------------------------------------------------------------------------------


def test_shuffled_trades_by_hand() -> None:
    """+50 %, -50 %, +10 %: every order ends at 0.825."""
    results = np.array([50.0, -75.0, 7.5])
    returns = monte_carlo.trade_returns(results, 100, fixed=False)
    assert returns == pytest.approx([0.5, -0.5, 0.1])
    assert returns is not None
    drawn = monte_carlo.draw_trades(returns, paths=6000, seed=1, replace=False, fixed=False, ruin=0.5)
    assert drawn.finals == pytest.approx(np.full(6000, 0.825))
    # There is one loss, which is the whole fall in every order.
    assert drawn.drawdowns == pytest.approx(np.full(6000, -0.5))
    # Down to one half or below: the loss comes first (two orders), and after +10 % (0.55) never, after +50 % (0.75) never.
    assert drawn.ruined == pytest.approx(2 / 6, abs=0.02)
    assert drawn.bands[:, 0].tolist() == [1.0] * 5
    assert drawn.bands[:, -1] == pytest.approx([0.825] * 5)
    again = monte_carlo.draw_trades(returns, paths=6000, seed=1, replace=False, fixed=False, ruin=0.5)
    assert np.array_equal(drawn.bands, again.bands)


def test_bootstrapped_trades_against_the_exact_distribution() -> None:
    """Two trades of fixed size, +20 and -10, drawn twice each: ends +40, +10, +10, -20 of 100."""
    returns = monte_carlo.trade_returns(np.array([20.0, -10.0]), 100, fixed=True)
    assert returns is not None
    drawn = monte_carlo.draw_trades(returns, paths=40_000, seed=2, replace=True, fixed=True, ruin=0.15)
    ends, counts = np.unique(drawn.finals.round(9), return_counts=True)
    assert ends.tolist() == [0.8, 1.1, 1.4]
    assert counts / 40_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.01)
    falls, counts = np.unique(drawn.drawdowns.round(6), return_counts=True)
    assert falls.tolist() == pytest.approx([-0.2, -0.1, -1 / 12, 0], abs=1e-6)
    assert drawn.ruined == pytest.approx(0.25, abs=0.01)
    assert monte_carlo.rank_of(1.1, drawn.finals.round(9)) == pytest.approx(0.5, abs=0.01)
    assert monte_carlo.trade_returns(np.array([-100.0, 5.0]), 100, fixed=False) is None


def test_lost_equity_stays_lost() -> None:
    drawn = monte_carlo.draw_trades(np.array([-1.2, 3.0]), paths=50, seed=0, replace=False, fixed=True, ruin=1.0)
    assert set(drawn.finals.round(9)) == {0.0, 2.8}
    assert drawn.drawdowns.min() == -1


def test_blocks_follow_each_other_and_are_as_long_as_asked() -> None:
    random = np.random.default_rng(5)
    drawn = bootstrap.draw_blocks(200_000, 20, random)
    jumps = np.mean((np.diff(drawn) % 200_000) != 1)
    assert 1 / jumps == pytest.approx(20, rel=0.03)
    assert drawn.min() >= 0
    assert drawn.max() < 200_000
    # Every bar is as likely as every other.
    assert np.bincount(drawn // 20_000, minlength=10) / 200_000 == pytest.approx(np.full(10, 0.1), abs=0.02)


def test_bars_are_chained_by_hand() -> None:
    bars = {
        "ts": np.array([1, 2, 3]),
        "open": np.array([10.0, 10.0, 22.0]),
        "high": np.array([11.0, 21.0, 24.0]),
        "low": np.array([9.0, 10.0, 10.0]),
        "close": np.array([10.0, 20.0, 10.0]),
        "volume": np.array([1.0, 2.0, 3.0]),
    }
    same = bootstrap.redraw_bars(bars, np.array([0, 1]))
    assert all(same[name] == pytest.approx(values) for name, values in bars.items())
    # The last bar first (open 1.1, high 1.2, low 0.5, close 0.5 of the close before), then the second (1, 2.1, 1, 2).
    turned = bootstrap.redraw_bars(bars, np.array([1, 0]))
    assert turned["close"] == pytest.approx([10, 5, 10])
    assert turned["open"] == pytest.approx([10, 11, 5])
    assert turned["high"] == pytest.approx([11, 12, 10.5])
    assert turned["low"] == pytest.approx([9, 5, 5])
    assert turned["volume"].tolist() == [1, 3, 2]
    assert turned["ts"].tolist() == [1, 2, 3]


def test_ways_of_equity_are_summed_up() -> None:
    found = monte_carlo.combine_paths(np.array([[1.2, 0.6], [0.9, 1.8]]), ruin=0.4)
    assert found.finals.tolist() == [0.6, 1.8]
    assert found.drawdowns == pytest.approx([-0.5, -0.1])
    assert found.ruined == 0.5
    assert found.bands[2] == pytest.approx([1.0, 1.05, 1.2])


# -- walk-forward and cross-validation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize(("days", "train", "test", "purge"), [(100, 30, 10, 0), (103, 25, 7, 3), (40, 30, 10, 0)])
def test_windows_are_those_of_skfolio(days: int, train: int, test: int, purge: int, *, anchored: bool) -> None:
    wanted = [
        ((int(inside[0]), int(inside[-1]) + 1), (int(outside[0]), int(outside[-1]) + 1))
        for inside, outside in WalkForward(test, train, expand_train=anchored, purged_size=purge).split(np.zeros(days))
    ]
    windows = walk_forward.make_windows(days, train=train, test=test, step=test, purge=purge, anchored=anchored)
    assert [(window.train, window.test) for window in windows] == wanted


def test_windows_with_another_step() -> None:
    windows = walk_forward.make_windows(20, train=8, test=4, step=2, purge=1, anchored=False)
    assert [(window.train, window.test) for window in windows] == [
        ((0, 8), (9, 13)),
        ((2, 10), (11, 15)),
        ((4, 12), (13, 17)),
        ((6, 14), (15, 19)),
    ]
    assert walk_forward.make_windows(12, train=8, test=4, step=4, purge=1, anchored=False) == []


def test_tests_are_stitched_and_judged_by_hand() -> None:
    days, returns = walk_forward.stitch(
        [
            (np.array([5, 6, 7]), np.array([0.1, 0.2, 0.3])),
            (np.array([7, 8]), np.array([-0.5, 0.0])),
            (np.array([12]), np.array([1.0])),
        ]
    )
    assert days.tolist() == [5, 6, 7, 8, 12]
    assert returns.tolist() == [0.1, 0.2, -0.5, 0.0, 1.0]
    assert walk_forward.efficiency([0.4, 0.2], [0.1, 0.2]) == pytest.approx(0.5)
    assert walk_forward.efficiency([-0.4], [0.1]) is None
    moved = walk_forward.drift([{"fast": 5, "kind": "ema"}, {"fast": 5, "kind": "sma"}, {"fast": 20, "kind": "sma"}])
    assert moved["fast"] == {
        "changes": 1,
        "distinct": 2,
        "low": 5,
        "high": 20,
        "spread": pytest.approx(math.sqrt(50) / 10),
    }
    assert moved["kind"] == {"changes": 1, "distinct": 2, "low": None, "high": None, "spread": None}


def test_cross_validation_chooses_on_the_other_days() -> None:
    """Trial 0 is good in the first two folds, trial 1 in the others: who is tested in the first was chosen in the last."""
    random = np.random.default_rng(4)
    returns = random.normal(0, 1e-4, (60, 2))
    returns[:20, 0] += 0.01
    returns[20:, 1] += 0.01

    def sharpe(values: np.ndarray) -> float:
        return float(values.mean() / values.std(ddof=1))

    found = cross_validation.cross_validate(returns, sharpe, folds=6, test_folds=2, purge=1, embargo=1)
    splitter = CombinatorialPurgedCV(n_folds=6, n_test_folds=2, purged_size=1, embargo_size=1)
    assert len(found.splits) == splitter.n_splits == 15
    assert found.paths.shape == (5, 60)
    assert not np.isnan(found.paths).any()
    first = found.splits[0]
    assert (first.folds, first.chosen) == ((0, 1), 1)
    # Folds of ten days: four of them train, less one purged and one embargoed after the test.
    assert first.train_days == 38
    assert first.outside == pytest.approx(sharpe(returns[:20, 1]))
    assert first.inside == pytest.approx(sharpe(returns[22:, 1]))
