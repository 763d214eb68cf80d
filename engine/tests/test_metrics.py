"""Metrics against empyrical-reloaded, against plain loops, and against tables made on paper."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import empyrical
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tino_engine.backtest import metrics
from tino_engine.contracts import METRICS, Metrics

returns = st.lists(
    st.floats(-0.3, 0.4, allow_nan=False).map(lambda value: round(value, 5)), min_size=2, max_size=120
).map(np.array)
periods = st.sampled_from([252, 365, 12])


def growth(daily: np.ndarray, start: float = 100.0) -> np.ndarray:
    return start * np.cumprod(1 + daily)


def same(ours: float | None, theirs: Any) -> bool:
    """Whether both say the same; None is what empyrical calls NaN or infinite."""
    if ours is None:
        return not math.isfinite(theirs)
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


@given(returns, periods)
@settings(deadline=None)
def test_returns_and_risk_are_empyricals(daily: np.ndarray, year: int) -> None:
    assume(np.ptp(daily) > 1e-4)
    values = growth(daily)
    ours = metrics.returns(values, 100.0)
    assert ours == pytest.approx(daily, abs=1e-12)
    total = metrics.total_return(values[-1], 100.0)
    assert same(total, empyrical.cum_returns_final(daily))
    annual = metrics.annual_return(total, len(daily), year)
    assert same(annual, empyrical.annual_return(daily, annualization=year))
    assert same(metrics.volatility(daily, year), empyrical.annual_volatility(daily, annualization=year))
    assert same(metrics.sharpe(daily, year), empyrical.sharpe_ratio(daily, annualization=year))
    assert same(metrics.sortino(daily, year), empyrical.sortino_ratio(daily, annualization=year))
    drawdown = metrics.max_drawdown(values, 100.0)
    assert same(drawdown, empyrical.max_drawdown(daily))
    # The quotient of two roundings, where there was hardly any drawdown.
    assume(drawdown == 0 or (drawdown or 0) < -1e-6)
    assert same(metrics.calmar(annual, drawdown), empyrical.calmar_ratio(daily, annualization=year))


@given(returns, st.integers(0, 2**32 - 1), periods)
@settings(deadline=None)
def test_alpha_and_beta_are_empyricals(daily: np.ndarray, seed: int, year: int) -> None:
    benchmark = np.round(np.random.default_rng(seed).normal(0, 0.02, len(daily)), 5)
    assume(np.ptp(benchmark) > 1e-3)
    slope = metrics.beta(daily, benchmark)
    assert same(slope, empyrical.beta(daily, benchmark))
    ours = metrics.alpha(daily, benchmark, slope, year)
    theirs: Any = empyrical.alpha(daily, benchmark, annualization=year)
    assert ours is None or math.isclose(ours, theirs, rel_tol=1e-7, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("case", "value"),
    [
        ("one day", metrics.volatility(np.array([0.1]), 252)),
        ("no spread", metrics.sharpe(np.full(10, 0.01), 252)),
        ("no loss", metrics.sortino(np.array([0.01, 0.02]), 252)),
        ("no drawdown", metrics.calmar(0.1, 0.0)),
        ("ruin", metrics.annual_return(-1.0, 10, 252)),
        ("worse than ruin", metrics.annual_return(-1.5, 10, 252)),
        ("no day", metrics.annual_return(0.1, 0, 252)),
        ("nothing at the start", metrics.total_return(1.0, 0.0)),
        ("a benchmark that stands still", metrics.beta(np.array([0.1, 0.2]), np.zeros(2))),
        ("no slope", metrics.alpha(np.array([0.1, 0.2]), np.zeros(2), None, 252)),
        ("negative equity", metrics.turnover(100.0, np.array([-1.0, -2.0]), 2, 252)),
    ],
)
def test_what_is_not_defined_is_none(case: str, value: float | None) -> None:
    assert value is None, case


def test_no_return_is_defined_after_ruin() -> None:
    assert len(metrics.returns(np.array([50.0, -1.0, 3.0]), 100.0)) == 0
    assert metrics.returns(np.array([50.0, 25.0, -5.0]), 100.0).tolist() == [-0.5, -0.5, -1.2]
    assert metrics.max_drawdown(np.array([50.0, -25.0]), 100.0) == -1.25


# -- days --------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=30, unique=True),
    st.sampled_from(["America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"]),
)
@settings(deadline=None, max_examples=60)
def test_days_are_local(seconds: list[int], name: str) -> None:
    ts = np.array(sorted(seconds), np.int64) * 10**9 + 1
    zone = ZoneInfo(name)
    expected = [
        (datetime.fromtimestamp(second, UTC).astimezone(zone).date() - date(1970, 1, 1)).days
        for second in sorted(seconds)
    ]
    assert metrics.local_days(ts, zone).tolist() == expected


def test_a_bar_stamped_at_midnight_ends_the_day_before() -> None:
    midnight = int(datetime(2024, 3, 10, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 10**9
    days = metrics.local_days(np.array([midnight, midnight + 1]), ZoneInfo("America/New_York"))
    assert [date(1970, 1, 1) + timedelta(days=int(day)) for day in days] == [date(2024, 3, 9), date(2024, 3, 10)]


def test_the_last_value_of_a_day_counts() -> None:
    daily = metrics.take_daily(np.array([1, 1, 1, 4, 5, 5]), np.array([1.0, 2, 3, 4, 5, 6]))
    assert (daily.days.tolist(), daily.values.tolist()) == ([1, 4, 5], [3, 4, 6])


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(50, 150)), min_size=1, max_size=40), st.integers(50, 150))
def test_the_longest_drawdown_is_found(steps: list[tuple[int, int]], start: int) -> None:
    days = np.cumsum([gap for gap, _ in steps])
    values = [value for _, value in steps]
    longest, high, since, below = 0, start, int(days[0]), False
    for day, value in zip(days.tolist(), values, strict=True):
        if below or value < high:
            longest = max(longest, day - since)
        if value >= high:
            high, since, below = value, day, False
        else:
            below = True
    daily = metrics.Daily(days, np.array(values, np.float64))
    assert metrics.max_drawdown_days(daily, float(start)) == longest


# -- trades ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], (0, None, None, None, None, None, 0)),
        ([10.0], (1, 1.0, None, 10.0, 10.0, None, 0)),
        ([-10.0], (1, 0.0, 0.0, -10.0, None, -10.0, 1)),
        ([0.0], (1, 0.0, None, 0.0, None, None, 1)),
        ([30.0, -10, -20, 0, -5, 40, -1], (7, 2 / 7, 70 / 36, 34 / 7, 35.0, -9.0, 4)),
        ([-1.0, -1, 5, -1, -1, -1], (6, 1 / 6, 1.0, 0.0, 5.0, -1.0, 3)),
    ],
)
def test_trade_statistics_on_paper(results: list[float], expected: tuple[object, ...]) -> None:
    found = metrics.trade_statistics(np.array(results))
    fields = (
        found.trades,
        found.win_rate,
        found.profit_factor,
        found.expectancy,
        found.average_win,
        found.average_loss,
        found.longest_losing_streak,
    )
    assert fields == pytest.approx(expected)


def test_turnover_on_paper() -> None:
    """10 000 traded at a mean equity of 5 000 within a quarter of a year: twice the equity, eight times a year."""
    assert metrics.turnover(10_000.0, np.array([4000.0, 6000.0]), 63, 252) == pytest.approx(8)


def test_every_metric_is_computed() -> None:
    assert {field.alias or name for name, field in Metrics.model_fields.items()} == set(METRICS)
