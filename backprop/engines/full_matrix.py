"""full_matrix: the whole mini-batch goes through as one matrix, a sample a column (the source's "after")."""

import numpy as np

from ..engine import Engine
from ..network import Array, Network, sigmoid, sigmoid_prime


class FullMatrix(Engine):
    """Changes from per_sample: the loop over samples becomes the columns of one matrix."""

    after = "per_sample"

    def __init__(self, network: Network) -> None:
        own = network.copy()
        self.weights = list(own.weights)
        self.biases = [b[:, np.newaxis] for b in own.biases]

    @np.errstate(over="ignore")
    def step(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        a = x.T
        activations, zs = [a], []
        for w, b in zip(self.weights, self.biases, strict=True):
            z = np.dot(w, a) + b
            a = sigmoid(z)
            zs.append(z)
            activations.append(a)

        delta = (a - y.T) * sigmoid_prime(zs[-1])
        for layer in reversed(range(len(self.weights))):
            grad_w = np.dot(delta, activations[layer].T) / m
            grad_b = delta.mean(axis=1, keepdims=True)
            if layer:  # the error passes down through the weights as they were
                delta = np.dot(self.weights[layer].T, delta) * sigmoid_prime(zs[layer - 1])
            self.weights[layer] -= eta * grad_w
            self.biases[layer] -= eta * grad_b

    def network(self) -> Network:
        return Network(tuple(self.weights), tuple(b[:, 0] for b in self.biases)).copy()
