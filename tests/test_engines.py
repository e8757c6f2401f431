"""The contract that every engine keeps; none is named here, so a new file in the folder is tested as it is."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop import InputError, Network, load, names
from backprop.check import tolerance, verify

pytestmark = pytest.mark.parametrize("name", names())

dtypes = st.sampled_from(["float32", "float64"])
sizes = st.lists(st.integers(1, 12), min_size=2, max_size=5)
batches = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=40, deadline=None)


def problem(sizes, samples, dtype, seed):
    rng = np.random.default_rng(seed)
    network = Network.random(sizes, rng, dtype)
    return network, rng.random((samples, sizes[0])).astype(dtype), rng.random((samples, sizes[-1])).astype(dtype)


def stepped(name, network, *steps):
    engine = load(name)(network)
    for x, y, eta in steps:
        engine.step(x, y, eta)
    return engine.network()


def assert_close(left, right, scale):
    """Equal to the rounding of a step: relative to the largest parameter of each block, or to what was added to it."""
    for a, b in zip(left.weights + left.biases, right.weights + right.biases, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=scale * max(1.0, float(np.max(np.abs(b)))))


@quick
@given(sizes=sizes, batch=batches, dtype=dtypes, seed=seeds)
def test_a_step_follows_the_gradient(name, sizes, batch, dtype, seed):
    network, x, y = problem(sizes, batch + 1, dtype, seed)
    try:
        error = verify(load(name), network, x, y, batch)
    except InputError:  # the gradient vanishes on these data: nothing to check
        assume(False)
    assert error <= tolerance(network, batch + 1)


@quick
@given(sizes=sizes, batch=batches, dtype=dtypes, seed=seeds)
def test_the_order_of_samples_does_not_matter(name, sizes, batch, dtype, seed):
    network, x, y = problem(sizes, batch, dtype, seed)
    order = np.random.default_rng(seed).permutation(batch)
    scale = tolerance(network, batch)
    assert_close(stepped(name, network, (x[order], y[order], 0.5)), stepped(name, network, (x, y, 0.5)), scale)


@quick
@given(sizes=sizes, batch=batches, dtype=dtypes, seed=seeds)
def test_a_batch_twice_over_is_the_same_step(name, sizes, batch, dtype, seed):
    network, x, y = problem(sizes, batch, dtype, seed)
    twice = np.concatenate([x, x]), np.concatenate([y, y]), 0.5
    assert_close(stepped(name, network, twice), stepped(name, network, (x, y, 0.5)), tolerance(network, 2 * batch))


@quick
@given(sizes=sizes, batch=batches, dtype=dtypes, seed=seeds)
def test_eta_zero_changes_nothing_and_steps_scale_with_eta(name, sizes, batch, dtype, seed):
    network, x, y = problem(sizes, batch, dtype, seed)
    still = stepped(name, network, (x, y, 0.0))
    for before, after in zip(network.weights + network.biases, still.weights + still.biases, strict=True):
        np.testing.assert_array_equal(before, after)
    one, two = (stepped(name, network, (x, y, eta)) for eta in (0.25, 0.5))
    halfway = Network(
        tuple((a + b) / 2 for a, b in zip(network.weights, two.weights, strict=True)),
        tuple((a + b) / 2 for a, b in zip(network.biases, two.biases, strict=True)),
    )
    assert_close(one, halfway, tolerance(network, batch))


@quick
@given(sizes=sizes, lengths=st.lists(batches, min_size=2, max_size=5), dtype=dtypes, seed=seeds)
def test_steps_of_changing_length_end_where_another_engine_does(name, sizes, lengths, dtype, seed):
    network, x, y = problem(sizes, max(lengths), dtype, seed)
    steps = [(x[:length], y[:length], 0.5) for length in lengths]
    scale = len(lengths) * tolerance(network, max(lengths))
    assert_close(stepped(name, network, *steps), stepped("per_sample", network, *steps), scale)


def test_two_engines_share_no_memory_with_each_other_or_the_network(name):
    network, x, y = problem((5, 4, 3), 6, "float64", 0)
    original = network.copy()
    first, second = load(name)(network), load(name)(network)
    first.step(x, y, 1.0)
    taken = first.network()
    kept = taken.copy()
    first.step(x, y, 1.0)
    for left, right in ((second.network(), original), (network, original), (taken, kept)):
        for a, b in zip(left.weights + left.biases, right.weights + right.biases, strict=True):
            np.testing.assert_array_equal(a, b)


def test_saturated_activations_raise_no_warning(name):
    network, x, y = problem((5, 4, 3), 6, "float32", 0)
    far = Network(tuple(1e4 * w for w in network.weights), network.biases)
    after = stepped(name, far, (x, y, 1.0))
    assert all(np.isfinite(block).all() for block in after.weights + after.biases)


def test_the_network_keeps_sizes_and_dtype(name):
    network, x, y = problem((5, 4, 3), 6, "float32", 0)
    after = stepped(name, network, (x, y, 1.0))
    assert (after.sizes, after.dtype) == (network.sizes, network.dtype)
