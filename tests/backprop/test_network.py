"""The network: shapes that chain, and a forward pass that a hand can follow."""

import numpy as np
import pytest

import backprop
from backprop import InputError, Network


def test_feedforward_and_cost_by_hand():
    network = Network((np.array([[1.0, -1.0]]), np.array([[2.0]])), (np.array([0.5]), np.array([-1.0])))
    hidden = 1 / (1 + np.exp(-(3.0 - 2.0 + 0.5)))
    output = 1 / (1 + np.exp(-(2 * hidden - 1)))
    x, y = np.array([[3.0, 2.0]]), np.array([[1.0]])
    assert network.feedforward(x)[0, 0] == pytest.approx(output)
    assert network.mean_cost(x, y) == pytest.approx(0.5 * (output - 1) ** 2)


def test_cost_is_the_mean_over_the_batch():
    network = Network.random((3, 2), np.random.default_rng(0))
    x, y = np.ones((2, 3)), np.zeros((2, 2))
    assert network.mean_cost(x, y) == pytest.approx(network.mean_cost(x[:1], y[:1]))


def test_random_networks_repeat_with_their_generator_and_keep_the_scale():
    one, two = (Network.random((784, 30, 10), np.random.default_rng(1), "float32") for _ in range(2))
    assert one.sizes == (784, 30, 10)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one.weights[0], two.weights[0])
    assert one.weights[0].std() == pytest.approx(1 / 28, rel=0.05)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], "at least one"),
        ([np.ones((2, 3))], [], "as many weights as biases"),
        ([np.ones((2, 3))], [np.ones(3)], "must be"),
        ([np.ones((2, 3)), np.ones((2, 3))], [np.ones(2), np.ones(2)], "must be"),
        ([np.ones((2, 3))], [np.ones(2, "float32")], "float32, float64"),
        ([np.ones((2, 3), int)], [np.ones(2, int)], "int64"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(weights, biases, message):
    with pytest.raises(InputError, match=message):
        Network(weights, biases)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_starts_at_a_cache_line_and_shares_nothing(dtype):
    network = Network.random((5, 3, 1), np.random.default_rng(0), dtype)
    transposed = Network(tuple(np.asfortranarray(w) for w in network.weights), network.biases)
    copy = transposed.copy()
    for own, block in zip(copy.weights + copy.biases, transposed.weights + transposed.biases, strict=True):
        np.testing.assert_array_equal(own, block)
        assert own.dtype == block.dtype
        assert own.flags.c_contiguous
        assert own.ctypes.data % 64 == 0
        assert not np.shares_memory(own, block)


def test_the_public_names():
    assert set(backprop.names()) >= {"per_sample", "full_matrix"}
    assert issubclass(backprop.load("per_sample"), backprop.Engine)


def test_an_unknown_engine_names_the_nearest():
    with pytest.raises(InputError, match="did you mean full_matrix"):
        backprop.load("full-matrix")
