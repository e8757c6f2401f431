"""What is scikit-learn's alone: networks and targets that it can't have, and what it would do without a word."""

import warnings

import numpy as np
import pytest
from networks import network_of, samples_for

from backprop import InputError, Network, load

SIZES = (5, 4, 3)


def made(sizes=SIZES, dtype="float64", head="softmax-cross-entropy"):
    network = network_of(sizes, dtype, "relu", head)
    return load("sklearn_mlp")(network), network, *samples_for(network, 6, labels_only=True)


@pytest.mark.parametrize(
    ("sizes", "activations", "cost", "reason"),
    [
        ((5, 4, 3), ("relu", "sigmoid"), "quadratic", "has sigmoid-cross-entropy and softmax-cross-entropy, not"),
        ((5, 4, 3), ("relu", "identity"), "quadratic", "not identity-quadratic"),
        ((5, 4, 2), ("relu", "softmax"), "cross-entropy", "has softmax-cross-entropy for 3 outputs or more"),
        (
            (5, 4, 3, 3),
            ("relu", "tanh", "softmax"),
            "cross-entropy",
            "one activation in all hidden layers, not relu and",
        ),
    ],
)
def test_a_network_that_it_cant_be_is_told_and_refused(sizes, activations, cost, reason):
    network = Network.random(sizes, np.random.default_rng(0), "float64", activations, cost)
    assert reason in load("sklearn_mlp").handles(network)
    with pytest.raises(InputError, match=reason):
        load("sklearn_mlp")(network)


@pytest.mark.parametrize(
    ("head", "sizes"),
    [("softmax-cross-entropy", SIZES), ("sigmoid-cross-entropy", SIZES), ("sigmoid-cross-entropy", (5, 1))],
)
def test_targets_that_are_no_classes_are_refused_and_nothing_is_learned(head, sizes):
    engine, network, x, y = made(sizes, head=head)
    soft = 0.9 * y + 0.05
    with pytest.raises(InputError, match="takes classes: targets of 0 and 1, not"):
        engine.step(x, soft, 0.5)
    for before, after in zip(network.weights, engine.network().weights, strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_sample_of_two_classes_or_none_is_refused_where_they_are_shares_alone():
    for row in ([1, 1, 0], [0, 0, 0]):
        engine, _, x, y = made()
        y[2] = row
        with pytest.raises(InputError, match="takes classes"):
            engine.step(x, y, 0.5)
        engine, _, x, y = made(head="sigmoid-cross-entropy")
        y[2] = row
        engine.step(x, y, 0.5)


def test_a_mini_batch_is_one_step_however_long_and_no_generator_is_drawn_from():
    state = np.random.get_state()[1].copy()
    engine, network, *_ = made()
    x, y = samples_for(network, 500, labels_only=True)  # more than the 200 that it would take at once
    other = load("full_matrix")(network)
    for each in (engine, other):
        each.step(x, y, 0.5)
    for right, after in zip(other.network().weights, engine.network().weights, strict=True):
        np.testing.assert_allclose(after, right, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("eta", [0.5, np.float64(0.5)])
def test_what_is_computed_in_single_precision_stays_so(eta):
    engine, _, x, y = made(dtype="float32")
    engine.step(x, y, eta)
    model = engine.model
    kept = [*model.coefs_, *model.intercepts_, *model._optimizer.velocities]
    assert {array.dtype for array in kept} == {np.dtype("float32")}


def test_no_warning_reaches_the_user_in_many_steps_that_gain_nothing():
    engine, network, x, y = made()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for length in [6, 1] * 20:
            engine.step(x[:length], y[:length], 0.0)
    for before, after in zip(network.biases, engine.network().biases, strict=True):
        np.testing.assert_array_equal(before, after)


def test_an_interrupt_is_an_interrupt(monkeypatch):
    engine, _, x, y = made()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.model._optimizer, "update_params", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.step(x, y, 0.5)
