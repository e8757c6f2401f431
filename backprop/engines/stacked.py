"""stacked: the gradients of all samples, as one array for each layer, then their mean: what it costs to keep them."""

import numpy as np

from ..engine import Engine
from ..network import Array, Network, quiet


class Stacked(Engine):
    """Changes from per_sample: no loop; einsum makes all its gradients at once, (batch, n_out, n_in) for each layer.

    It has the calls of full_matrix and the work of per_sample, with memory for all of it: batch times the parameters.
    """

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
            # In C order, a sample's gradient in one piece: in einsum's own it takes up to twice as long.
            gradients = np.einsum("ib,jb->bij", delta, activations[layer], order="C")
            grad_w, grad_b = gradients.mean(axis=0), delta.mean(axis=1, keepdims=True)
            if layer:  # the error passes down through the weights as they were
                delta = np.dot(self.weights[layer].T, delta) * self.primes[layer - 1](zs[layer - 1])
            self.weights[layer] -= eta * grad_w
            self.biases[layer] -= eta * grad_b

    def network(self) -> Network:
        return self.own.like(self.weights, [b[:, 0] for b in self.biases]).copy()
