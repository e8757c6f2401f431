"""full_matrix: the whole mini-batch goes through as one matrix, a sample a column (the source's "after")."""

import numpy as np

from ..engine import Engine
from ..network import Array, Network, quiet


class FullMatrix(Engine):
    """Changes from per_sample: the loop over samples becomes the columns of one matrix."""

    after = "per_sample"

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
        a = x.T
        activations, zs = [a], []
        for w, b, f in zip(self.weights, self.biases, self.functions, strict=True):
            z = np.dot(w, a) + b
            a = f(z)
            zs.append(z)
            activations.append(a)

        delta = a - y.T
        if not self.matched:
            delta *= self.primes[-1](z)
        for layer in reversed(range(len(self.weights))):
            grad_w = np.dot(delta, activations[layer].T) / m
            grad_b = delta.mean(axis=1, keepdims=True)
            if layer:  # the error passes down through the weights as they were
                delta = np.dot(self.weights[layer].T, delta) * self.primes[layer - 1](zs[layer - 1])
            self.weights[layer] -= eta * grad_w
            self.biases[layer] -= eta * grad_b

    def network(self) -> Network:
        return self.own.like(self.weights, [b[:, 0] for b in self.biases]).copy()
