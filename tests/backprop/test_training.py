"""Epochs of SGD: every sample once, in the generator's order, and a network that learns."""

import numpy as np
from networks import COMBINATIONS, network_of

from backprop import Network, load
from backprop.training import accuracy, batches, epoch
from bench.cells import datasets


class Notes:
    """Stands in for an engine and notes what it is given."""

    def __init__(self):
        self.seen = []

    def step(self, x, y, eta):
        assert eta == 0.5
        np.testing.assert_array_equal(x[:, 0], y[:, 0])
        self.seen.append(x[:, 0])


def test_batches_are_views_in_order_with_a_ragged_last():
    x = np.arange(7.0)[:, np.newaxis]
    parts = list(batches(x, x, 3))
    assert [len(part) for part, _ in parts] == [3, 3, 1]
    assert all(np.shares_memory(part, x) for part, _ in parts)


def test_an_epoch_takes_each_sample_once_with_its_target_in_the_generators_order():
    x = np.arange(10.0)[:, np.newaxis]
    notes = Notes()
    epoch(notes, x, x, 4, 0.5, np.random.default_rng(3))
    assert [len(part) for part in notes.seen] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(notes.seen), np.random.default_rng(3).permutation(10))


def test_digits_are_learned_and_alike_by_every_engine(engine):
    digits = datasets.read("digits")
    networks = (network_of((64, 20, 10), "float64", *functions) for functions in COMBINATIONS)
    network = next(network for network in networks if not engine.handles(network))
    results = []
    for make in (engine, load("full_matrix")):
        trained = make(network)
        rng = np.random.default_rng(1)
        for _ in range(5):
            epoch(trained, digits.x_train, digits.y_train, 10, 3.0 if network.is_plain else 1.0, rng)
        results.append(accuracy(trained.network(), digits.x_test, digits.y_test))
    assert results[0] == results[1]
    assert results[0] > 0.9


def test_accuracy_counts_hits():
    network = Network((np.eye(2) * 9,), (np.zeros(2),))
    x, y = np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]]), np.array([[1.0, 0], [0, 1], [0, 1], [0, 1]])
    assert accuracy(network, x, y) == 0.75
