"""The gate's rule on simulated passes: how often it is wrong, what it finds, and what it refuses to say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.gate.rule import ERROR, FEWEST, Row, confidence, due

ROWS, TOLERANCE = 24, 0.02
PASSES = due(5)


def normal(rng, shape):
    return 0.015 * rng.standard_normal(shape)


def heavy(rng, shape):
    """Like the passes measured in results/published/gate: a core of 1 %, one pass in fifteen five times as far off."""
    return 0.01 * rng.standard_normal(shape) * np.where(rng.random(shape) < 1 / 15, 5, 1)


def student(rng, shape):
    return 0.01 * rng.standard_t(3, shape)


def drifting(rng, shape):
    """The ratio itself wanders by half a percent during a run, on top of heavy tails."""
    time = np.linspace(0, 2 * np.pi, shape[-1])
    return heavy(rng, shape) + 0.005 * np.sin(time + rng.uniform(0, 2 * np.pi, (*shape[:-1], 1)))


NOISES = [normal, heavy, student, drifting]


def run(rng, noise, slowdown, rows=ROWS):
    """The rows of one run in which every row is slower by the same share."""
    slowdowns = np.log1p(slowdown) + noise(rng, (rows, PASSES))
    identical = noise(rng, (rows, PASSES))
    decided = []
    for own, twin in zip(slowdowns, identical, strict=True):
        row = Row(TOLERANCE, ROWS)
        for a, b in zip(own, twin, strict=True):
            if row.verdict is None:
                row.add(a, b)
        row.close()
        decided.append(row)
    return decided


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("slowdown", [0, TOLERANCE])
def test_false_alarms_are_rare_even_at_the_tolerance_itself(noise, slowdown):
    rng = np.random.default_rng(7)
    runs = [run(rng, noise, slowdown) for _ in range(60)]
    assert sum(any(row.verdict == "regressed" for row in rows) for rows in runs) == 0
    assert sum(any(row.verdict == "improved" for row in rows) for rows in runs) == 0


@pytest.mark.parametrize("noise", [normal, heavy, student])
def test_what_is_slower_than_the_tolerance_is_called_unchanged_in_at_most_1_of_100_runs(noise):
    rng = np.random.default_rng(8)
    runs = [run(rng, noise, 1.01 * TOLERANCE) for _ in range(300)]
    assert sum(any(row.verdict == "unchanged" for row in rows) for rows in runs) <= ERROR * len(runs)


@pytest.mark.parametrize("noise", NOISES)
def test_five_percent_is_found_and_so_is_that_nothing_changed(noise):
    rng = np.random.default_rng(9)
    slower = [row.verdict for _ in range(10) for row in run(rng, noise, 0.05)]
    assert slower.count("regressed") >= 0.95 * len(slower)
    faster = [row.verdict for _ in range(10) for row in run(rng, noise, 1 / 1.05 - 1)]
    assert faster.count("improved") >= 0.95 * len(faster)
    same = [row.verdict for _ in range(10) for row in run(rng, noise, 0)]
    assert same.count("unchanged") >= 0.95 * len(same)


@pytest.mark.parametrize("noise", NOISES)
def test_ten_percent_is_always_found_and_soon(noise):
    rng = np.random.default_rng(10)
    rows = [row for _ in range(10) for row in run(rng, noise, 0.10)]
    assert {row.verdict for row in rows} == {"regressed"}
    assert np.median([len(row.slowdowns) for row in rows]) <= due(3)


@pytest.mark.parametrize("noise", [normal, heavy, student])
def test_every_interval_of_every_look_covers_the_truth_in_99_of_100_runs(noise):
    rng = np.random.default_rng(11)
    runs, missed = 100, 0
    for _ in range(runs):
        # Nothing is as slow as a tolerance of 500 %, nothing can be told from it: every look is taken.
        rows = [Row(5.0, ROWS) for _ in range(ROWS)]
        covered = True
        for row, own in zip(rows, np.log(7) + noise(rng, (ROWS, PASSES)), strict=True):
            for value in own:
                row.verdict = None
                row.add(value, 0.0)
                covered &= row.slowdown is None or row.slowdown.low <= 7 <= row.slowdown.high
        missed += not covered
    assert missed / runs <= ERROR


def test_a_first_impression_that_new_passes_do_not_confirm_is_no_regression():
    row = Row(TOLERANCE, ROWS)
    noise = normal(np.random.default_rng(1), due(6))
    for i, value in enumerate(0.3 * noise):
        row.add(value + (0.12 if i < due(1) else 0.0), 0.0)
        assert row.verdict != "regressed"
        if i + 1 == due(1):
            assert row.suspected == due(1)


def test_a_regression_rests_on_passes_taken_after_it_was_suspected():
    row = Row(TOLERANCE, ROWS)
    for value in 0.12 + 0.1 * normal(np.random.default_rng(1), due(2)):
        assert row.verdict is None
        row.add(value, 0.0)
    assert (row.suspected, row.verdict) == (due(1), "regressed")


def test_where_identical_code_differs_nothing_is_told():
    rng = np.random.default_rng(2)
    row = Row(TOLERANCE, ROWS)
    for value in 0.1 * normal(rng, due(4)):
        row.add(0.10 + value, 0.06 + value)
    row.close()
    assert row.verdict == "inconclusive"
    assert row.drowned
    assert row.may_be_slower
    assert row.resolution > 0.06


def test_a_row_without_time_says_what_it_could_have_told():
    rng = np.random.default_rng(3)
    few, none = Row(TOLERANCE, ROWS), Row(TOLERANCE, ROWS)
    for value in normal(rng, 6):
        few.add(value, 0.0)
    few.close()
    none.close()
    assert few.verdict == none.verdict == "inconclusive"
    assert few.resolution > TOLERANCE
    assert few.may_be_slower
    assert none.resolution is None


@pytest.mark.parametrize("passes", range(1, FEWEST))
def test_a_few_passes_far_apart_are_no_look_and_no_error(passes):
    row = Row(TOLERANCE, 48)
    for i in range(passes):
        row.add(0.6 * i, -0.6 * i)  # at the confidence of a run, the interval over two such ends beyond exp's range
    row.close()
    assert (row.looks, row.slowdown, row.verdict, row.may_be_slower) == (0, None, "inconclusive", True)


@given(st.lists(st.floats(-20, 20), min_size=FEWEST, max_size=14))
def test_no_passes_are_an_error(values):
    row = Row(TOLERANCE, 48)
    for value in values:
        if row.verdict is None:
            row.add(value, 2 * value)
    row.close()
    assert 0 <= row.slowdown.low <= row.slowdown.value <= row.slowdown.high
    assert row.resolution >= -1


def test_the_end_is_no_free_look_at_the_same_passes():
    row = Row(TOLERANCE, ROWS)
    for value in 0.03 * np.random.default_rng(4).standard_normal(due(2)):
        row.add(value, 0.0)
    assert (row.looks, row.verdict) == (2, None)
    row.close()
    assert (row.looks, row.verdict) == (2, "inconclusive")


@given(st.integers(1, 10**4), st.integers(1, 200))
def test_all_looks_together_spend_no_more_than_the_error(rows, looks):
    assert sum(1 - confidence(look, rows) for look in range(1, looks + 1)) * rows <= ERROR * (1 + 1e-6)
    assert all(due(look) < due(look + 1) for look in range(1, min(looks, 40)))


@given(st.lists(st.floats(-0.5, 0.5), min_size=12, max_size=40), st.floats(0.001, 0.5))
def test_a_verdict_is_given_only_where_the_whole_interval_lies_on_one_side(values, tolerance):
    row = Row(tolerance, ROWS)
    for value in values:
        if row.verdict is None:
            row.add(value, 0.0)
    row.close()
    limit = 1 + tolerance
    assert {
        "regressed": row.slowdown.low > limit,
        "improved": row.slowdown.high < 1 / limit,
        "unchanged": 1 / limit <= row.slowdown.low and row.slowdown.high <= limit,
        "inconclusive": True,
    }[row.verdict]
