"""The reference gradient against derivatives taken without backpropagation; wrong engines refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wrong import REFUSED, ComputesInHalf

from backprop import GradientError, InputError, Network, load
from backprop.check import check_step, reference_gradient, tolerance, verify


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
    return Network(tuple(blocks[:half]), tuple(blocks[half:]))


shapes = st.lists(st.integers(1, 5), min_size=2, max_size=5)


@settings(max_examples=30, deadline=None)
@given(sizes=shapes, samples=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_reference_gradient_is_the_complex_step_derivative(sizes, samples, seed):
    """Squire and Trapp, SIAM Review 1998: Im C(w + ih) / h has no subtraction, so it is exact to rounding."""
    network, x, y = problem(sizes, samples, seed=seed)
    gradient, magnitude = reference_gradient(network, x, y)
    h = 1e-100
    exact_blocks = zip(gradient.weights + gradient.biases, magnitude.weights + magnitude.biases, strict=True)
    for block, (exact, size) in enumerate(exact_blocks):
        for index in np.ndindex(exact.shape):
            derivative = moved(network, block, index, 1j * h).cost(x, y).imag / h
            assert abs(derivative - exact[index]) <= 1e-12 * size.max()


def test_reference_gradient_is_the_central_difference():
    network, x, y = problem((4, 3, 3, 2), 5)
    gradient, _ = reference_gradient(network, x, y)
    h = 1e-5
    for block, exact in enumerate(gradient.weights + gradient.biases):
        for index in np.ndindex(exact.shape):
            up, down = (moved(network, block, index, by).cost(x, y).real for by in (h, -h))
            assert (up - down) / (2 * h) == pytest.approx(exact[index], rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 2, 10])
@pytest.mark.parametrize("engine", REFUSED, ids=lambda engine: engine.__name__)
def test_a_wrong_engine_is_refused_with_the_reason(engine, batch, dtype):
    network, x, y = problem((9, 6, 6, 4), batch + 1, dtype)
    with pytest.raises(GradientError) as refusal, np.errstate(all="ignore"):
        verify(engine, network, x, y, batch)
    assert REFUSED[engine] in str(refusal.value)


def test_the_message_gives_block_error_and_tolerance():
    network, x, y = problem((9, 6, 4), 11)
    with pytest.raises(
        GradientError, match=r"weights\[0\] is off by \d\.\de-\d+ .* batch 10; rounding allows \d.\de-14"
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


def test_vanishing_gradients_are_refused_rather_than_waved_through():
    network, x, y = problem((3, 2), 4)
    x[:] = 0
    with pytest.raises(InputError, match=r"gradient of weights\[0\] vanishes"):
        check_step(load("full_matrix")(network), x, y)


def test_the_error_returned_is_the_errors_size():
    network, x, y = problem((9, 6, 4), 5)
    assert verify(load("full_matrix"), network, x, y, 4) < tolerance(network, 4)
