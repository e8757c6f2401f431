"""Estimates and intervals: laws, robustness, and coverage on simulated passes."""

from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis import intervals

times = st.floats(1e-6, 1.0)
passes = st.lists(st.lists(st.tuples(times, times), min_size=1, max_size=6), min_size=2, max_size=12)


def split(pairs):
    return [[a for a, _ in rounds] for rounds in pairs], [[b for _, b in rounds] for rounds in pairs]


@given(passes)
def test_swapping_the_two_inverts_the_ratio(pairs):
    a, b = split(pairs)
    one, other = intervals.ratio(a, b), intervals.ratio(b, a)
    assert one.value * other.value == pytest.approx(1)
    assert one.low * other.high == pytest.approx(1)


@given(passes, st.floats(0.01, 100))
def test_a_machine_that_slows_down_for_both_changes_nothing(pairs, slower):
    a, b = split(pairs)
    a_slow, b_slow = ([[slower ** (i % 3) * t for i, t in enumerate(rounds)] for rounds in side] for side in (a, b))
    assert intervals.ratio(a_slow, b_slow).value == pytest.approx(intervals.ratio(a, b).value)


@given(passes, st.floats(0.01, 100))
def test_a_faster_numerator_scales_the_estimate(pairs, factor):
    a, b = split(pairs)
    scaled = intervals.ratio([[factor * t for t in rounds] for rounds in a], b)
    assert scaled.value == pytest.approx(factor * intervals.ratio(a, b).value)


@given(passes)
def test_the_interval_holds_the_estimate(pairs):
    estimate = intervals.typical(split(pairs)[0])
    assert 0 < estimate.low * (1 - 1e-9) <= estimate.value <= estimate.high * (1 + 1e-9)


def test_only_rounds_that_both_took_count():
    estimate = intervals.ratio([[2.0, None, 8.0], [2.0, 4.0, None]], [[1.0, 1.0, None], [1.0, None, 1.0]])
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((2, 2, 2))
    assert intervals.ratio([[None]], [[1.0]]) is None
    assert intervals.typical([]) is None


def test_one_pass_tells_nothing_of_the_error():
    estimate = intervals.ratio([[3.0, 3.0]], [[1.0, 1.0]])
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((3, 0, inf))
    assert estimate.uncertainty == inf


def test_rounds_of_one_pass_are_not_evidence_of_their_own():
    few = intervals.ratio([[2.0] * 3, [2.2] * 3, [1.9] * 3], [[1.0] * 3] * 3)
    many = intervals.ratio([[2.0] * 300, [2.2] * 300, [1.9] * 300], [[1.0] * 300] * 3)
    assert few == many


def test_students_interval_by_hand():
    estimate = intervals.ratio([[exp(0.1)], [exp(0.2)], [exp(0.3)]], [[1.0]] * 3)
    half = 4.302653 * 0.1 / 3**0.5  # Student's quantile for 2 degrees of freedom, from a table
    assert estimate.low == pytest.approx(exp(0.2 - half))
    assert estimate.high == pytest.approx(exp(0.2 + half))


def test_uncertainty_is_the_farther_end():
    assert intervals.Estimate(1.0, 0.98, 1.01).uncertainty == pytest.approx(1 / 0.98 - 1)
    assert intervals.Estimate(1.0, 0.995, 1.03).uncertainty == pytest.approx(0.03)


def test_three_wild_passes_of_twenty_move_nothing():
    calm = [[1.0 + 0.001 * i] for i in range(20)]
    wild = [[50.0] if i in (4, 9, 17) else rounds for i, rounds in enumerate(calm)]
    ones = [[1.0]] * 20
    assert intervals.ratio(wild, ones).value == pytest.approx(intervals.ratio(calm, ones).value, rel=0.003)
    assert intervals.ratio(wild, ones).high < 1.03


estimates = st.builds(
    lambda value, below, above: intervals.Estimate(value, value / below, value * above),
    *(st.floats(0.01, 100), st.floats(1, 3), st.floats(1, 3)),
)


@given(estimates, estimates)
def test_of_two_independent_estimates_the_errors_add_in_squares(one, other):
    both = one.over(other)
    assert both.value == pytest.approx(one.value / other.value)
    assert np.log(both.value / both.low) ** 2 == pytest.approx(
        np.log(one.value / one.low) ** 2 + np.log(other.high / other.value) ** 2, abs=1e-9
    )
    turned = other.over(one).inverse
    assert (turned.value, turned.low, turned.high) == pytest.approx((both.value, both.low, both.high))


def test_where_one_of_two_estimates_is_not_known_nothing_is_of_both():
    known, unknown = intervals.Estimate(2.0, 1.9, 2.1), intervals.Estimate(1.0, 0.0, inf)
    assert known.over(unknown) == intervals.Estimate(2.0, 0.0, inf)
    assert unknown.over(known) == intervals.Estimate(0.5, 0.0, inf)


@pytest.mark.parametrize("count", [5, 8, 20])
@pytest.mark.parametrize("noise", ["normal", "heavy"])
def test_the_interval_covers_the_truth_nineteen_times_in_twenty(count, noise):
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(2000):
        errors = rng.normal(size=count) if noise == "normal" else rng.standard_t(3, size=count)
        estimate = intervals.ratio([[float(t)] for t in 5 * np.exp(0.02 * errors)], [[1.0]] * count)
        covered += estimate.low <= 5 <= estimate.high
    assert 0.93 < covered / 2000 < 0.985


def test_an_end_too_large_for_a_float_is_infinite():
    wide = intervals.over_passes([0.0, 0.6], 1 - 1e-5)
    assert (wide.low, wide.high, wide.uncertainty) == (0.0, inf, inf)
    assert (wide.inverse.low, wide.inverse.high) == (0.0, inf)
