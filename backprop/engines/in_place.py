"""in_place: full_matrix in a workspace made once, with sigmoid' from the activation; no step allocates an array."""

import numpy as np

from ..engine import Engine
from ..network import Array, Network
from ..workspaces import Workspaces


class InPlace(Engine):
    """Changes from full_matrix: arrays made once for each batch length, and sigmoid' = a (1 - a) for two sigmoids."""

    after = "full_matrix"

    def __init__(self, network: Network) -> None:
        own = network.copy()
        self.dtype = own.dtype
        self.weights = list(own.weights)
        self.biases = [b[:, np.newaxis] for b in own.biases]
        self.grad_w = [np.empty_like(w) for w in self.weights]
        self.grad_b = [np.empty_like(b) for b in self.biases]
        widths, dtype = [len(b) for b in own.biases], own.dtype
        self.workspaces = Workspaces(lambda m: tuple([np.empty((n, m), dtype) for n in widths] for _ in range(3)))

    @np.errstate(over="ignore")
    def step(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        activations, slopes, deltas = self.workspaces[m]

        x = a = np.ascontiguousarray(x, self.dtype).T
        for w, b, z, rows in zip(self.weights, self.biases, activations, slopes, strict=True):
            np.dot(w, a, out=z)
            rows[...] = b  # z += b would allocate a buffer, as NumPy does for operands of different strides
            z += rows
            a = z  # sigmoid in place: 1 / (1 + exp(-z))
            np.negative(a, out=a)
            np.exp(a, out=a)
            a += 1
            np.divide(1, a, out=a)

        deltas[-1][...] = y.T
        np.subtract(a, deltas[-1], out=deltas[-1])
        for layer in reversed(range(len(self.weights))):
            a, slope, delta = activations[layer], slopes[layer], deltas[layer]
            np.subtract(1, a, out=slope)
            slope *= a
            delta *= slope
            grad_w, grad_b = self.grad_w[layer], self.grad_b[layer]
            np.dot(delta, (activations[layer - 1] if layer else x).T, out=grad_w)
            np.sum(delta, axis=1, keepdims=True, out=grad_b)
            if layer:
                np.dot(self.weights[layer].T, delta, out=deltas[layer - 1])
            grad_w *= eta / m
            grad_b *= eta / m
            self.weights[layer] -= grad_w
            self.biases[layer] -= grad_b

    def network(self) -> Network:
        return Network(tuple(self.weights), tuple(b[:, 0] for b in self.biases)).copy()
