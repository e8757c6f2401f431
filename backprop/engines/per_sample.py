"""per_sample: each sample goes through alone; the gradients are summed, then averaged (the source's "before")."""

import numpy as np

from ..engine import Engine
from ..network import Array, Network, quiet


class PerSample(Engine):
    """Backpropagation as it is taught: one column vector at a time."""

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = network.copy()
        self.weights = list(self.own.weights)
        self.biases = [b[:, np.newaxis] for b in self.own.biases]
        self.functions = [function.of for function in network.functions]
        self.primes, self.matched = [function.prime for function in network.functions], network.head.matched

    @quiet
    def step(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        grad_w = [np.zeros_like(w) for w in self.weights]
        grad_b = [np.zeros_like(b) for b in self.biases]
        for sample, target in zip(x, y, strict=True):
            self.add_gradient(sample[:, np.newaxis], target[:, np.newaxis], grad_w, grad_b)
        for w, b, gw, gb in zip(self.weights, self.biases, grad_w, grad_b, strict=True):
            w -= (eta / m) * gw
            b -= (eta / m) * gb

    def add_gradient(self, a: Array, y: Array, grad_w: list[Array], grad_b: list[Array]) -> None:
        """Add one sample's gradient; a (n_in, 1) and y (n_out, 1) are columns."""
        activations, zs = [a], []
        for w, b, f in zip(self.weights, self.biases, self.functions, strict=True):
            z = np.dot(w, a) + b
            a = f(z)
            zs.append(z)
            activations.append(a)

        delta = a - y
        if not self.matched:
            delta *= self.primes[-1](z)
        for layer in reversed(range(len(self.weights))):
            # np.dot, not @: of a column and a row, dot is a BLAS call and matmul a scalar loop.
            grad_w[layer] += np.dot(delta, activations[layer].T)
            grad_b[layer] += delta
            if layer:
                delta = np.dot(self.weights[layer].T, delta) * self.primes[layer - 1](zs[layer - 1])

    def network(self) -> Network:
        return self.own.like(self.weights, [b[:, 0] for b in self.biases]).copy()
