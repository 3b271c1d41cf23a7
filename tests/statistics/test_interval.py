"""Intervals by known answers, and how often they cover the truth."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from twin_env.statistics import LEVEL, Interval
from twin_env.statistics.bootstrap import draw_counts, mean_interval, replicate_means

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


@given(numbers, st.sampled_from([0.8, 0.95, 0.99]))
def test_student_is_that_of_the_t_test(values, level):
    interval = Interval.student(values, level)
    assert interval.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert (interval.n, interval.level) == (len(values), level)
    if np.ptp(values) > 1e-3:
        expected = stats.ttest_1samp(values, 0.0).confidence_interval(level)
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-6)


def test_student_covers_the_mean_in_95_of_100_samples():
    rng = np.random.default_rng(1)
    intervals = [Interval.student(rng.normal(2.0, 3.0, 8)) for _ in range(4000)]
    covered = np.mean([interval.low < 2.0 < interval.high for interval in intervals])
    assert abs(covered - LEVEL) < 4.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / 4000)


def test_one_sample_sets_no_limit():
    interval = Interval.student([3.0])
    assert interval == Interval(3.0, -math.inf, math.inf, 1)
    assert not interval.excludes_zero and not interval.within(-1e300, 1e300)
    assert interval.to_json() == {"mean": 3.0, "low": None, "high": None, "n": 1, "level": 0.95}
    assert interval.ends() == "-"


@given(st.integers(1, 300), st.floats(0.0, 1.0), st.sampled_from([0.8, 0.95]))
def test_wilson_is_that_of_the_binomial_test(trials, share, level):
    successes = round(share * trials)
    interval = Interval.wilson(successes, trials, level)
    expected = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert (interval.mean, interval.n) == (successes / trials, trials)
    assert 0.0 <= interval.low <= interval.mean <= interval.high <= 1.0


@given(st.integers(1, 200), st.sampled_from([0.1, 0.5, 0.9, 0.99]))
def test_quantile_is_that_of_the_quantile_test(count, probability):
    values = np.random.default_rng(count).permutation(count).astype(float)
    interval = Interval.quantile(values, probability)
    assert interval.mean == np.quantile(values, probability)
    expected = stats.quantile_test(values, p=probability).confidence_interval(LEVEL)
    ends = [math.inf if math.isnan(end) else end for end in (-interval.low, interval.high)]
    known = [math.inf if math.isnan(end) else end for end in (-expected.low, expected.high)]
    assert ends == known


def test_a_bootstrap_mean_agrees_with_normal_theory_and_with_scipy():
    values = np.random.default_rng(7).normal(3.0, 2.0, 400)
    found, half = mean_interval(values), 1.96 * values.std() / 20.0
    assert (found.mean, found.low, found.high) == pytest.approx(
        (values.mean(), *(values.mean() + half * s for s in (-1, 1))), abs=0.03
    )
    other = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.03)
    assert found == mean_interval(values) != mean_interval(values, seed=1) and found.n == 400


def test_percentile_leaves_out_what_a_resample_does_not_give():
    replicates = [*np.linspace(0.0, 1.0, 101), math.nan, math.nan]
    assert Interval.percentile(0.4, replicates, 9, 0.9) == Interval(
        0.4, pytest.approx(0.05), pytest.approx(0.95), 9, 0.9
    )


def test_every_resample_draws_as_many_as_there_are():
    counts = draw_counts(np.random.default_rng(0), 7, 500)
    assert counts.shape == (500, 7) and (counts.sum(axis=1) == 7).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.2)


def test_arrays_are_resampled_independently():
    same = np.arange(50.0)
    left, right = replicate_means([same, same], seed=0)
    assert left.shape == (2000,) and abs(np.corrcoef(left, right)[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("low", "high", "excludes"), [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.2, False), (0.0, 1.0, False)]
)
def test_zero_is_excluded_by_an_interval_on_one_side(low, high, excludes):
    assert Interval(0.0, low, high, 5).excludes_zero is excludes


def test_text_and_json():
    interval = Interval(1.25, -0.5, math.inf, 12)
    assert f"{interval:.2f}" == "1.25 [-0.50 .. inf]" and f"{interval:+.1f}" == "+1.2 [-0.5 .. +inf]"
    assert interval.ends("+.2f") == "-0.50 .. +inf"
    assert json.loads(json.dumps(interval.to_json(), allow_nan=False))["high"] is None
    assert interval.within(-0.5, math.inf) and not interval.within(-0.4, math.inf)


@given(numbers, st.sampled_from([0.8, 0.95]))
def test_the_ratio_of_equal_clusters_is_the_mean(values, level):
    ratio, mean = Interval.ratio(values, [2.0] * len(values), level), Interval.student(values, level)
    assert (ratio.mean * 2, ratio.low * 2, ratio.high * 2) == pytest.approx((mean.mean, mean.low, mean.high), abs=1e-4)
    with_empty = Interval.ratio([*values, 0.0], [*([2.0] * len(values)), 0.0], level)
    assert with_empty == ratio


def test_the_ratio_covers_what_each_unit_brings_in_95_of_100_samples():
    """Clusters of one to twenty units that share a part of what they bring, as fills of one episode do."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(2000):
        sizes = rng.integers(1, 21, 40)
        totals = [size * (0.5 + rng.normal()) + rng.normal(0, 1, size).sum() for size in sizes]
        interval = Interval.ratio(totals, sizes)
        covered += interval.low < 0.5 < interval.high
    assert 0.92 < covered / 2000 < 0.97


def test_the_ratio_of_one_cluster_sets_no_limit():
    assert Interval.ratio([6.0], [3.0]) == Interval(2.0, -math.inf, math.inf, 1)
