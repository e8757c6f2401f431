"""The reference gradient against derivatives taken without backpropagation; wrong engines refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import combinations, network_of, samples_for
from wrong import DIAGNOSED, EVERYWHERE, REFUSED, DropsLastSample, Transposes
from wrong_precision import LEAKS, ComputesInHalf, SumsInDouble
from wrong_state import STATEFUL

from backprop import GradientError, Network, load
from backprop.check import hidden, verify, verify_again
from backprop.check.gradient import reference_gradient, tolerance
from backprop.check.probe import probe


def problem(sizes, samples, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    network = Network.random(sizes, rng, dtype)
    x = rng.random((samples, sizes[0])).astype(dtype)
    y = np.eye(sizes[-1], dtype=dtype)[rng.integers(sizes[-1], size=samples)]
    return network, x, y


def moved(network, block, index, by):
    """The network with one parameter moved; block counts the weights first, then the biases."""
    blocks = [np.array(b, dtype=complex) for b in network.weights + network.biases]
    blocks[block][index] += by
    half = len(network.weights)
    return network.like(blocks[:half], blocks[half:])


shapes = st.lists(st.integers(1, 5), min_size=2, max_size=5)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=100, deadline=None)
@given(sizes=shapes, samples=st.integers(1, 6), seed=seeds, functions=combinations())
def test_reference_gradient_is_the_complex_step_derivative(sizes, samples, seed, functions):
    """Squire and Trapp, SIAM Review 1998: Im C(w + ih) / h has no subtraction, so it is exact to rounding."""
    network = network_of(sizes, "float64", *functions, seed)
    x, y = samples_for(network, samples, seed=seed)
    gradient, magnitude = reference_gradient(network, x, y)
    h = 1e-100
    exact_blocks = zip(gradient.weights + gradient.biases, magnitude.weights + magnitude.biases, strict=True)
    for block, (exact, size) in enumerate(exact_blocks):
        for index in np.ndindex(exact.shape):
            derivative = moved(network, block, index, 1j * h).mean_cost(x, y).imag / h
            assert abs(derivative - exact[index]) <= 1e-12 * size.max()


def test_reference_gradient_is_the_central_difference():
    network, x, y = problem((4, 3, 3, 2), 5)
    gradient, _ = reference_gradient(network, x, y)
    h = 1e-5
    for block, exact in enumerate(gradient.weights + gradient.biases):
        for index in np.ndindex(exact.shape):
            up, down = (moved(network, block, index, by).mean_cost(x, y).real for by in (h, -h))
            assert (up - down) / (2 * h) == pytest.approx(exact[index], rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 2, 10])
@pytest.mark.parametrize("engine", REFUSED, ids=lambda engine: engine.__name__)
def test_a_wrong_engine_is_refused_with_the_reason(engine, batch, dtype):
    network, x, y = problem((9, 6, 6, 4), batch + 1, dtype)
    with pytest.raises(GradientError) as refusal, np.errstate(all="ignore"):
        verify(engine, network, x, y, batch)
    assert REFUSED[engine] in str(refusal.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 2, 3, 10])
@pytest.mark.parametrize("sizes", [(5, 4, 1), (8, 4, 2), (3, 1)], ids=str)
@pytest.mark.parametrize("engine", EVERYWHERE, ids=lambda engine: engine.__name__)
def test_no_small_network_hides_what_an_engine_leaves_out(engine, sizes, batch, dtype):
    network, x, y = problem(sizes, batch, dtype)
    with pytest.raises(GradientError), np.errstate(all="ignore"):
        verify(engine, network, x, y, batch)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", STATEFUL, ids=lambda engine: engine.__name__)
def test_what_is_carried_from_step_to_step_is_refused_as_that(engine, dtype):
    network, x, y = problem((8, 4, 2), 5, dtype)
    with pytest.raises(GradientError, match="a fresh engine's same step is right: something is carried"):
        verify(engine, network, x, y, 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", STATEFUL, ids=lambda engine: engine.__name__)
def test_what_a_race_has_left_in_an_engine_is_refused(engine, dtype):
    network, x, y = problem((8, 4, 2), 4, dtype)
    raced = engine(network)
    for _ in range(100):
        raced.step(x, y, 1e-6)
    with pytest.raises(GradientError):
        verify_again(engine, raced, network, x, y)


def test_an_engine_that_has_been_raced_is_right_still():
    network, x, y = problem((8, 4, 2), 4, "float32")
    raced = load("fused")(network)
    for _ in range(100):
        raced.step(x, y, 1e-6)
    assert verify_again(load("fused"), raced, network, x, y) < tolerance(network, 4)


@pytest.mark.parametrize("batch", [2, 4, 10])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", DIAGNOSED, ids=lambda engine: engine.__name__)
def test_the_cause_is_told(engine, dtype, batch):
    network, x, y = problem((8, 6, 6, 3), batch, dtype)
    with pytest.raises(GradientError) as refusal, np.errstate(all="ignore"):
        verify(engine, network, x, y, batch)
    assert DIAGNOSED[engine].format(batch=batch) in str(refusal.value)


def test_the_message_gives_the_block_nearest_the_cause_its_error_and_the_tolerance():
    network, x, y = problem((9, 6, 4), 11)
    with pytest.raises(
        GradientError, match=r"weights\[1\] is off by \d\.\de-\d+ .* batch 10; rounding allows \d.\de-1[34]; so far off"
    ):
        verify(ComputesInHalf, network, x, y, 10)


def test_an_error_in_the_smallest_block_is_not_hidden_by_larger_ones():
    network, x, y = problem((784, 30, 10), 11)

    class OneBiasOff(load("full_matrix")):
        def step(self, x, y, eta):
            before = self.biases[0][3].copy()
            super().step(x, y, eta)
            self.biases[0][3] += 1e-9 * (self.biases[0][3] - before)

    with pytest.raises(GradientError, match=r"biases\[0\]"):
        verify(OneBiasOff, network, x, y, 10)


def test_the_tolerance_follows_dtype_and_length():
    small, _, _ = problem((4, 3, 2), 1)
    large, _, _ = problem((400, 300, 200), 1)
    single, _, _ = problem((4, 3, 2), 1, "float32")
    assert tolerance(large, 10) > tolerance(small, 10)
    assert tolerance(small, 1000) > tolerance(small, 10)
    assert tolerance(single, 10) / tolerance(small, 10) == pytest.approx(2.0**29)


@pytest.mark.parametrize("sizes", [(784, 300, 300, 300, 300, 10), (784, *[100] * 6, 10)], ids=str)
def test_a_network_whose_gradient_is_lost_in_rounding_refuses_no_right_engine_and_lets_no_wrong_one_through(sizes):
    network, x, y = problem(sizes, 10, "float32")
    assert "weights[0]" in hidden(network, x, y)
    verify(load("full_matrix"), network, x, y, 10)
    with pytest.raises(GradientError, match="transposed: weights"):
        verify(Transposes, network, x, y, 10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_of_zero_hide_the_first_weights_and_nothing_else(dtype):
    network, x, y = problem((3, 2), 4, dtype)
    assert hidden(network, x, y) == []
    x[:] = 0
    assert hidden(network, x, y) == ["weights[0]"]
    verify(load("full_matrix"), network, x, y, 4)
    with pytest.raises(GradientError):
        verify(DropsLastSample, network, x, y, 4)


def test_a_gradient_below_what_the_dtype_holds_is_nobodys_fault():
    network, x, y = problem((3, *[2] * 120, 1), 4, "float32")
    verify(load("full_matrix"), network, x, y, 4)
    assert hidden(network, x, y)


@pytest.mark.parametrize("sizes", [(5, 4, 1), (8, 4, 2), (784, 30, 10)], ids=str)
@pytest.mark.parametrize("engine", LEAKS, ids=lambda engine: engine.__name__)
def test_an_engine_that_works_in_double_is_refused_where_single_was_given(engine, sizes):
    network, x, y = problem(sizes, 10, "float32")
    with pytest.raises(GradientError, match="the engine works in another precision than this cell"):
        verify(engine, network, x, y, 10)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=7), batch=st.integers(1, 32), seed=st.integers(0, 2**32 - 1)
)
def test_products_in_double_between_arrays_in_single_are_no_other_precision(sizes, batch, seed):
    network, x, y = problem(sizes, batch, "float32", seed)
    for engine in (SumsInDouble, load("per_sample")):
        verify(engine, network, x, y, batch)


def test_network_tells_what_the_engine_was_given():
    network, x, y = problem((8, 4, 2), 4)

    class StartsElsewhere(load("full_matrix")):
        def __init__(self, network):
            super().__init__(Network.random(network.sizes, np.random.default_rng(1)))

    with pytest.raises(GradientError, match=r"__init__ changed weights\[0\]"):
        verify(StartsElsewhere, network, x, y, 4)


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=8),
    samples=st.integers(1, 40),
    dtype=st.sampled_from(["float32", "float64"]),
    functions=combinations(),
)
def test_nothing_cancels_in_the_gradient_of_the_network_made_for_the_check(sizes, samples, dtype, functions):
    like = network_of(sizes, dtype, *functions)
    network, x, y = probe(like, samples)
    gradient, magnitude = reference_gradient(network, x, y)
    for exact, size in zip(gradient.weights + gradient.biases, magnitude.weights + magnitude.biases, strict=True):
        if like.is_plain:
            assert np.all(np.abs(exact) >= 0.4 * size)
        assert np.max(np.abs(exact)) >= 0.2 * np.max(size)
        assert np.max(np.abs(exact)) > 0
    assert like.head.low <= y.min() <= y.max() <= like.head.high
    if like.head.shares:
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    else:
        assert len(np.unique(y)) == y.size
    assert (network.sizes, network.dtype, x.dtype, y.dtype) == (like.sizes, dtype, dtype, dtype)
    assert (network.activations, network.cost) == (like.activations, like.cost)


def test_the_error_returned_is_the_errors_size():
    network, x, y = problem((9, 6, 4), 5)
    assert verify(load("full_matrix"), network, x, y, 4) < tolerance(network, 4)
