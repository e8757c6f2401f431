"""Activations and costs: derivatives by the complex step, in place as taught, and nothing breaks far from zero."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from backprop.functions import ACTIVATIONS, EVERYWHERE, HEADS

H = 1e-100  # of a complex step: Im f(z + ih) / h has no subtraction (Squire and Trapp, SIAM Review 1998)
DTYPES = ["float32", "float64"]
every = pytest.mark.parametrize("function", EVERYWHERE.values(), ids=EVERYWHERE)
any_top = pytest.mark.parametrize("function", ACTIVATIONS.values(), ids=ACTIVATIONS)
any_head = pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
any_dtype = pytest.mark.parametrize("dtype", DTYPES)
many = settings(max_examples=100, deadline=None)


def zs(largest, dtype="float64"):
    """Arrays (units, samples) of numbers up to this size, none at 0, where a kink may be."""
    width = 8 * np.dtype(dtype).itemsize
    small = st.floats(2.0**-10, largest, width=width)
    shapes = array_shapes(min_dims=2, max_dims=2, max_side=6)
    return arrays(dtype, shapes, elements=small | small.map(lambda number: -number))


def targets_for(head, z, seed):
    """Targets of z's shape that fit the head."""
    y = np.random.default_rng(seed).uniform(max(head.low, -2), min(head.high, 2), z.shape)
    return y / y.sum(axis=0) if head.shares else y


def in_place(function, z, units):
    """What in_place makes of z, whose units are along this axis."""
    held = function.sign * z
    function.in_place(held, units)()
    return held


def grid(dtype):
    """(units, samples): near 0, where functions saturate, and as far as the dtype goes."""
    far = np.sqrt(np.finfo(dtype).max)  # whose square, as in a cost, is still a number
    ends = np.array([1e-3, 1, 20, 100, 1000, far, np.finfo(dtype).max / 4], dtype)
    return np.array([ends, -ends, ends[::-1], np.zeros_like(ends)])


@every
@many
@given(z=zs(16.0))
def test_every_form_of_the_derivative_is_the_complex_step_of_the_function(function, z):
    exact = function.of(z + 1j * H).imag / H
    a = function.of(z)
    out = np.ones_like(z)
    if function.slope_in_place:
        function.slope_in_place(a, out)()
    for form in (function.prime(z), function.slope(a), out):
        assert form.dtype == z.dtype
        np.testing.assert_allclose(form, exact, rtol=1e-12, atol=4 * np.finfo(float).eps)


@every
@any_dtype
def test_at_zero_a_derivative_has_one_value_in_every_form(function, dtype):
    z = np.zeros((2, 3), dtype)
    np.testing.assert_array_equal(function.prime(z), function.slope(function.of(z)))


@any_top
@any_dtype
@many
@given(data=st.data(), units=st.sampled_from([0, 1]))
def test_in_place_is_the_function_along_either_axis(function, dtype, data, units):
    z = data.draw(zs(64.0, dtype))
    expected = function.of(z if units == 0 else z.T)
    made = in_place(function, z.copy(), units)
    assert made.dtype == z.dtype
    close = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(made if units == 0 else made.T, expected, rtol=close, atol=close)


@any_top
@any_dtype
def test_no_function_breaks_far_from_zero(function, dtype):
    z = grid(dtype)
    with np.errstate(over="ignore"):  # as engines do: see sigmoid
        a, held = function.of(z), in_place(function, z.copy(), 0)
        slopes = [] if function.name not in EVERYWHERE else [function.slope(a), function.prime(z)]
    for array in (a, held, *slopes):
        assert array.dtype == dtype
        assert np.isfinite(array).all()
    for slope in slopes:
        assert ((slope >= 0) & (slope <= 1)).all()


@pytest.mark.parametrize("head", [head for head in HEADS.values() if head.shares], ids=lambda head: head.name)
@many
@given(z=zs(64.0), shift=st.floats(-512, 512))
def test_shares_sum_to_1_and_a_shift_changes_none(head, z, shift):
    a = head.top.of(z)
    np.testing.assert_allclose(a.sum(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(head.top.of(z + shift), a, rtol=1e-10, atol=1e-300)


@any_head
@many
@given(z=zs(16.0), seed=st.integers(0, 2**32 - 1))
def test_the_cost_falls_by_answer_less_target_times_the_slope_unless_they_match(head, z, seed):
    y = targets_for(head, z, seed)
    a = head.top.of(z)
    stated = a - y if head.matched else (a - y) * head.top.prime(z)
    for index in np.ndindex(z.shape):
        moved = z.astype(complex)
        moved[index] += 1j * H
        assert head.total(moved, y).imag / H == pytest.approx(stated[index], rel=1e-11, abs=1e-14)


@any_head
@many
@given(z=zs(16.0), seed=st.integers(0, 2**32 - 1))
def test_the_cost_is_least_where_the_answer_is_the_target(head, z, seed):
    y = head.top.of(z)
    other = z + np.random.default_rng(seed).normal(size=z.shape)
    assert head.total(z, y) <= head.total(other, y) + 1e-12


@any_head
@any_dtype
def test_the_cost_is_a_number_where_the_answer_is_as_wrong_as_can_be(head, dtype):
    z = np.array([[-1000.0, 1000, 1000], [1000, -1000, 1000]], dtype)
    with np.errstate(over="ignore"):
        for y in (z < 0).astype(dtype), (z > 0).astype(dtype):
            cost = head.total(z, y)
            assert np.isfinite(cost)
            assert cost >= 0
