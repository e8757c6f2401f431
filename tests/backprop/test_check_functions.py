"""The check over all functions: no right engine is refused, every wrong one is, in both precisions, at any depth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import COMBINATIONS, combinations, network_of, samples_for
from wrong import IgnoresTheLastOutput
from wrong_functions import WRONG, ForgetsTheTopSlope

from backprop import GradientError, load
from backprop.check import verify, verify_again
from backprop.check.gradient import by_name, clear_of_kinks, reference_gradient, tolerance
from backprop.check.probe import probe

DTYPES = ["float32", "float64"]
DEEP = (784, 300, 300, 300, 300, 10)
CELLS = [((8, 6, 5, 3), 4), ((20, 16, 12, 3), 1), ((64, 64, 64, 10), 4), (DEEP, 4)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sizes", "batch"), CELLS)
@pytest.mark.parametrize(
    ("engine", "hidden", "head", "words"), WRONG, ids=lambda given: getattr(given, "__name__", None)
)
def test_wrong_engines_are_refused_with_the_cause(engine, hidden, head, words, sizes, batch, dtype):
    network = network_of(sizes, dtype, hidden, head)
    x, y = samples_for(network, batch + 1)
    with pytest.raises(GradientError) as refusal:
        verify(engine, network, x, y, batch)
    assert words in str(refusal.value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 2, 10])
@pytest.mark.parametrize("sizes", [(5, 4, 1), (8, 4, 2), (3, 1)], ids=str)
@pytest.mark.parametrize("engine", [ForgetsTheTopSlope, IgnoresTheLastOutput], ids=lambda engine: engine.__name__)
def test_outputs_that_can_be_off_hide_nothing(engine, sizes, batch, dtype):
    network = network_of(sizes, dtype, "tanh", "relu-quadratic")
    with pytest.raises(GradientError):
        verify(engine, network, *samples_for(network, batch + 1), batch)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("hidden", "head"), COMBINATIONS)
def test_a_deep_network_is_checked_where_nothing_cancels(hidden, head, dtype):
    network, x, y = probe(network_of(DEEP, dtype, hidden, head), 12)
    gradient, magnitude = map(by_name, reference_gradient(network, x, y))
    seen = [np.max(np.abs(exact)) / np.max(magnitude[name]) for name, exact in gradient.items()]
    assert min(seen) > 1000 * tolerance(network, len(x)), "an error of a thousandth shows in every block"


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.sampled_from([1, 2, 3, 10, 60]), min_size=2, max_size=5),
    batch=st.sampled_from([1, 2, 3, 10, 40]),
    dtype=st.sampled_from(DTYPES),
    functions=combinations(),
    seed=st.integers(0, 2**32 - 1),
    stretch=st.sampled_from([1.0, 30.0]),
    name=st.sampled_from(["per_sample", "full_matrix"]),
)
def test_right_engines_are_not_refused(sizes, batch, dtype, functions, seed, stretch, name):
    network = network_of(sizes, dtype, *functions, seed)
    x, y = samples_for(network, batch + 1, seed=seed)
    x = x * network.dtype.type(stretch)  # saturated, where there is something to saturate
    error = verify(load(name), network, x, y, batch)
    assert error <= tolerance(network, batch)
    engine = load(name)(network)
    engine.step(x[:batch], y[:batch], 1e-6)
    verify_again(load(name), engine, network, x[:batch], y[:batch])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from(DTYPES))
def test_samples_of_the_check_keep_clear_of_a_kink(seed, dtype):
    network = network_of((6, 5, 4, 3), dtype, "relu", "identity-quadratic", seed)
    x, _ = samples_for(network, 8, seed=seed)
    w, b = (block[0].astype(np.float64) for block in (network.weights, network.biases))
    x[3] = x[3] - (w[2] @ x[3] + b[2]) / (w[2] @ w[2]) * w[2]  # onto the kink of the first layer's unit 2
    moved = clear_of_kinks(network, x)
    assert np.min(np.abs(moved @ w.T + b)) > 10 * np.finfo(dtype).eps
    away = np.flatnonzero(np.any(moved != x, axis=1))
    assert 3 in away
    np.testing.assert_array_equal(np.delete(moved, away, axis=0), np.delete(x, away, axis=0))


def test_networks_without_a_kink_are_checked_on_their_samples_as_they_are():
    network = network_of((6, 5, 3), "float32", "tanh", "softmax-cross-entropy")
    x, _ = samples_for(network, 8)
    assert clear_of_kinks(network, x) is x
