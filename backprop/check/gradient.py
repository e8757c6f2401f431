"""The gradient as it must be, in float64, and how far from it rounding alone may take a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..network import Array, Network

CANCELS = 1 / 16  # of what a slope is a difference, that of a saturated layer still has the rounding, by the factor 16
KINK_ROOM = 16.0
KINK_TRIES = 30


@np.errstate(all="ignore")  # whatever the engine has set: it is checked in its own context
def forward(network: Network, x: Array) -> tuple[list[Array], list[Array]]:
    """The answer to x (batch, n_in) in float64: activations, the inputs first, and each layer's slope at its z.

    The last layer's slope is that of the cost's derivative by z: 1 where the cost matches the activation.
    """
    activations: list[Array] = [np.asarray(x, np.float64)]
    slopes = []
    for w, b, function in zip(network.weights, network.biases, network.functions, strict=True):
        z = activations[-1] @ w.T.astype(np.float64, copy=False) + b
        activations.append(function.of(z.T).T)
        top = len(activations) > len(network.weights)
        slopes.append(np.ones_like(z) if top and network.head.matched else function.slope(activations[-1]))
    return activations, slopes


@np.errstate(all="ignore")
def backward(weights: list[Array], activations: list[Array], slopes: list[Array], delta: Array) -> Network:
    """The gradient, laid out as a network, where the cost has the derivative `delta` (batch, n_out) by the top's z.

    Nielsen, "Neural Networks and Deep Learning", chapter 2, equations BP2 to BP4; `delta` is BP1's.
    """
    layers: list[tuple[Array, Array]] = []
    for layer in reversed(range(len(weights))):
        layers.append((delta.T @ activations[layer], delta.sum(axis=0)))
        if layer:
            delta = (delta @ weights[layer]) * slopes[layer - 1]
    of_weights, of_biases = zip(*reversed(layers), strict=True)
    return Network(of_weights, of_biases)


def reference_gradient(network: Network, x: Array, y: Array) -> tuple[Network, Network]:
    """The gradient of `network.mean_cost(x, y)` in float64, and its magnitude, each laid out as a network.

    x (batch, n_in) and y (batch, n_out) of any real dtype. The tests prove it by complex-step derivatives.
    The magnitude is the same sums with every term made positive: what rounding errors are proportional
    to, also where the terms of the gradient nearly cancel.
    """
    activations, slopes = forward(network, x)
    weights: list[Array] = [np.asarray(w, np.float64) for w in network.weights]
    targets = np.asarray(y, np.float64)
    gradient = backward(weights, activations, slopes, (activations[-1] - targets) * (slopes[-1] / len(x)))
    positive, sizes = magnitudes(network, activations, slopes)
    largest = (positive[-1] + np.abs(targets)) * (sizes[-1] / len(x))
    return gradient, backward([np.abs(w) for w in weights], positive, sizes, largest)


@np.errstate(all="ignore")
def magnitudes(network: Network, activations: list[Array], slopes: list[Array]) -> tuple[list[Array], list[Array]]:
    """What the rounding errors of these, as of `forward`, are proportional to.

    An activation is off by its own rounding, and by what it makes of that of its z: sums with every term positive.
    A sigmoid damps that as much as it does the sum: its own size stands for both.
    """
    found = [np.abs(activations[0])]
    for w, b, function, a in zip(network.weights, network.biases, network.functions, activations[1:], strict=True):
        of_z = found[-1] @ np.abs(w.T.astype(np.float64)) + np.abs(b)
        if function.damps:
            found.append(a)
        elif network.head.shares and len(found) == len(network.weights):  # each moves with every z of its sample
            found.append(a * (1 + of_z + np.sum(a * of_z, axis=1, keepdims=True)))
        else:
            found.append(np.maximum(np.abs(a), function.slope(a) * of_z))
    sizes = [
        np.maximum(slope, CANCELS * a * a) if function.cancels else slope
        for function, a, slope in zip(network.functions, activations[1:], slopes, strict=True)
    ]
    return found, sizes


@np.errstate(all="ignore")
def clear_of_kinks(network: Network, x: Array) -> Array:
    """Inputs x (batch, n_in), those samples scaled that come so near to a kink that rounding could carry them across.

    There the derivative differs by a whole term for two engines that are both right. How far rounding moves any z of
    a layer is what float32 moves it by, for the network's dtype; KINK_ROOM times that is kept clear.
    """
    if not any(function.kink for function in network.functions):
        return x
    share = KINK_ROOM * np.finfo(network.dtype).eps / np.finfo(np.float32).eps
    x = x.copy()
    for _ in range(KINK_TRIES):
        exact: Array = x.astype(np.float64)
        rough: Array = x.astype(np.float32)
        near = np.zeros(len(x), bool)
        for w, b, function in zip(network.weights, network.biases, network.functions, strict=True):
            z = exact @ w.T.astype(np.float64) + b
            rough = rough @ w.T.astype(np.float32) + b.astype(np.float32)
            if function.kink:
                near |= np.any(np.abs(z) <= share * np.max(np.abs(z - rough)), axis=1)
            exact, rough = function.of(z.T).T, function.of(rough.T).T
        if not near.any():
            break
        x[near] *= x.dtype.type(0.97)
    return x


def tolerance(network: Network, batch: int) -> float:
    """The error, relative to a gradient's magnitude, that rounding alone may leave in the network's dtype."""
    return allowance(network, 2 * sum(network.sizes) + batch)


def allowance(network: Network, length: int) -> float:
    """The relative error that rounding may leave in a sum of this length in the network's dtype.

    Each inner product of length n adds about sqrt(n) roundings (N. Higham and T. Mary, "A New Approach to
    Probabilistic Rounding Error Analysis", 2019); the lengths add up along the path forward, back, and over
    the batch. The factor 16 is their lambda: what room the elementwise functions and the order of sums need.
    """
    return float(16 * np.finfo(network.dtype).eps * np.sqrt(length))


def by_name(network: Network) -> dict[str, Array]:
    """The blocks of its parameters: weights[0] and so on, then biases[0]."""
    parts = {"weights": network.weights, "biases": network.biases}
    return {f"{kind}[{layer}]": block for kind, blocks in parts.items() for layer, block in enumerate(blocks)}


class Block(NamedTuple):
    """The weights or the biases of a layer: what a step made of them, and what it should have, as gradients.

    allowed is the error that rounding may leave, size the magnitude of the gradient, both in its units.
    """

    name: str
    implied: Array
    exact: Array
    size: float
    allowed: float

    @property
    def error(self) -> float:
        """How far off it is, relative to its size."""
        off = float(np.max(np.abs(self.implied - self.exact)))
        return off / self.size if self.size else 0.0 if off == 0 else float("inf")

    @property
    def right(self) -> bool:
        return bool(np.max(np.abs(self.implied - self.exact)) <= self.allowed)  # so written, NaN is wrong as well


@dataclass(frozen=True)
class Step:
    """A step that was taken: from which parameters, on which mini-batch, at which rate, and where it led to.

    exact and magnitude are those of `reference_gradient`.
    """

    before: Network
    x: Array
    y: Array
    eta: float
    after: Network
    exact: Network
    magnitude: Network

    @property
    def implied(self) -> Network:
        """The gradient that the step followed, (before - after) / eta, in float64."""
        weights, biases = (
            [(old.astype(np.float64) - new.astype(np.float64)) / self.eta for old, new in zip(*part, strict=True)]
            for part in ((self.before.weights, self.after.weights), (self.before.biases, self.after.biases))
        )
        return self.before.like(weights, biases)

    def blocks(self) -> Iterator[Block]:
        """Every block, the last layer first: what is wrong there is inherited by those below."""
        limit, smallest = tolerance(self.before, len(self.x)), np.finfo(self.before.dtype)
        old, implied, exact, size = map(by_name, (self.before, self.implied, self.exact, self.magnitude))
        # A parameter to which samples are added one by one loses half of its last bit each time, and always the same
        # way where what is added is smaller.
        kept = max(allowance(self.before, len(self.x)), float(smallest.eps) * len(self.x))
        lost = 1e3 * float(smallest.tiny / smallest.eps)  # below that, what is multiplied on the way has no digits left
        for layer in reversed(range(len(self.exact.weights))):
            for name in (f"weights[{layer}]", f"biases[{layer}]"):
                most = float(np.max(size[name]))
                allowed = limit * most + kept * float(np.max(np.abs(old[name]))) / self.eta + lost
                yield Block(name, implied[name], exact[name], most, allowed)
