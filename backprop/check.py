"""Is an engine's step a step down the gradient?  Asked before anything is timed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .engine import Engine
from .errors import GradientError, InputError
from .network import Array, Network, sigmoid, sigmoid_prime


@np.errstate(over="ignore")
def reference_gradient(network: Network, x: Array, y: Array) -> tuple[Network, Network]:
    """The gradient of `network.cost(x, y)` in float64, and its magnitude, each laid out as a network.

    x (batch, n_in) and y (batch, n_out) of any real dtype. Backpropagation as in Nielsen, "Neural Networks
    and Deep Learning", chapter 2, equations BP1 to BP4; the tests prove it by complex-step derivatives.
    The magnitude is the same sums with every term made positive: what rounding errors are proportional
    to, also where the terms of the gradient nearly cancel.
    """
    weights = [w.astype(np.float64) for w in network.weights]
    activations: list[Array] = [x.astype(np.float64)]
    slopes = []
    for w, b in zip(weights, network.biases, strict=True):
        z = activations[-1] @ w.T + b.astype(np.float64)
        activations.append(sigmoid(z))
        slopes.append(sigmoid_prime(z))

    targets = y.astype(np.float64)
    delta = (activations[-1] - targets) * slopes[-1] / len(x)
    size = (activations[-1] + np.abs(targets)) * slopes[-1] / len(x)
    gradient: list[tuple[Array, Array]] = []
    magnitude: list[tuple[Array, Array]] = []
    for layer in reversed(range(len(weights))):
        gradient.append((delta.T @ activations[layer], delta.sum(axis=0)))
        magnitude.append((size.T @ np.abs(activations[layer]), size.sum(axis=0)))
        if layer:
            delta = (delta @ weights[layer]) * slopes[layer - 1]
            size = (size @ np.abs(weights[layer])) * slopes[layer - 1]
    return _network(gradient), _network(magnitude)


def tolerance(network: Network, batch: int) -> float:
    """The error, relative to a gradient's magnitude, that rounding alone may leave in the network's dtype.

    Each inner product of length n adds about sqrt(n) roundings (N. Higham and T. Mary, "A New Approach to
    Probabilistic Rounding Error Analysis", 2019); the lengths add up along the path forward, back, and over
    the batch. The factor 16 is their lambda: what room the elementwise functions and the order of sums need.
    """
    length = 2 * sum(network.sizes) + batch
    return float(16 * np.finfo(network.dtype).eps * np.sqrt(length))


def check_step(engine: Engine, x: Array, y: Array) -> float:
    """Let the engine take one large step, and return the largest relative error of the gradient it implies.

    The gradient is (before - after) / eta. Errors are relative to the largest magnitude in their own block
    (weights or biases of a layer): no allowance is absolute. eta is so large that in every block the step is
    at least as long as the parameters: then the subtraction loses nothing, and a layer that is updated before
    the error has passed through it shows. The engine's network is far away afterwards: use it no more.

    Raises GradientError where a block is off by more than `tolerance`, or x or y has been changed;
    InputError where a block's gradient so nearly vanishes that the tolerance would hide an error of a tenth.
    """
    before = engine.network().copy()
    limit = tolerance(before, len(x))
    gradient, magnitude = reference_gradient(before, x, y)
    blocks = list(zip(_names(before), _blocks(before), _blocks(gradient), _blocks(magnitude), strict=True))
    for name, _, exact, size in blocks:
        if np.max(np.abs(exact)) <= 10 * limit * np.max(size):
            raise InputError(f"the gradient of {name} vanishes on these data: there is nothing to compare")
    eta = max(float(np.max(np.abs(old)) / np.max(np.abs(exact))) for _, old, exact, _ in blocks) or 1.0

    _step_on_copies(engine, x, y, eta)
    after = engine.network()
    if after.sizes != before.sizes or after.dtype != before.dtype:
        raise GradientError(
            f"network() gives {after.sizes} {after.dtype} after a step, {before.sizes} {before.dtype} before"
        )
    worst = 0.0
    for (name, old, exact, size), new in zip(blocks, _blocks(after), strict=True):
        implied = (old.astype(np.float64) - new.astype(np.float64)) / eta
        error = float(np.max(np.abs(implied - exact)) / np.max(size))
        if not error <= limit:  # so written, NaN is refused as well
            raise GradientError(
                f"the gradient of {name} is off by {error:.1e} of its magnitude at batch {len(x)}; "
                f"rounding allows {limit:.1e}"
            )
        worst = max(worst, error)
    return worst


def verify(make: Callable[[Network], Engine], network: Network, x: Array, y: Array, batch: int) -> float:
    """Check fresh engines at `batch` and at another, shorter or ragged, length; return the worst error.

    x and y hold at least batch + 1 samples. Each check follows a step of the other length with eta = 0,
    which must leave the network as it is, so that workspace kept from another batch length shows; and one
    of the lengths is more than 1, so that a forgotten mean shows even at batch 1.

    Raises GradientError; whatever the engine itself raises passes through.
    """
    given = network.copy()
    other = batch // 2 if batch > 3 else batch + 1
    errors = []
    for first, second in ((other, batch), (batch, other)):
        engine = make(network)
        _step_on_copies(engine, x[:first], y[:first], 0.0)
        _refuse_changes("a step with eta = 0", given, engine.network())
        errors.append(check_step(engine, x[:second], y[:second]))
        _refuse_changes("the engine, in the network that it was given,", given, network)
    return max(errors)


def _network(layers: list[tuple[Array, Array]]) -> Network:
    """A network from the (weights, biases) of its layers, the last layer first."""
    weights, biases = zip(*reversed(layers), strict=True)
    return Network(weights, biases)


def _blocks(network: Network) -> tuple[Array, ...]:
    return network.weights + network.biases


def _names(network: Network) -> list[str]:
    layers = range(len(network.weights))
    return [f"weights[{layer}]" for layer in layers] + [f"biases[{layer}]" for layer in layers]


def _step_on_copies(engine: Engine, x: Array, y: Array, eta: float) -> None:
    """One step on copies of x and y, refused where it changes them."""
    own_x, own_y = x.copy(), y.copy()
    engine.step(own_x, own_y, eta)
    for label, array, original in (("x", own_x, x), ("y", own_y, y)):
        if not np.array_equal(array, original):
            raise GradientError(f"the step changed its input {label}; an engine leaves what it is given alone")


def _refuse_changes(culprit: str, before: Network, after: Network) -> None:
    for name, old, new in zip(_names(before), _blocks(before), _blocks(after), strict=True):
        if not np.array_equal(old, new):
            raise GradientError(f"{culprit} changed {name}")
