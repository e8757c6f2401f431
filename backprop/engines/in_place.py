"""in_place: full_matrix in a workspace made once, with slopes from the activation; no step allocates an array."""

from functools import partial

import numpy as np

from ..engine import Engine
from ..network import Array, Network, quiet
from ..workspaces import Workspaces


class Workspace:
    """The arrays of a step at one batch length, (units, batch) for each layer, and what is called to work on them."""

    def __init__(self, network: Network, batch: int) -> None:
        self.activations, self.slopes, self.deltas = (
            [np.empty((len(b), batch), network.dtype) for b in network.biases] for _ in range(3)
        )
        self.activate = [
            (function.sign, function.in_place(a, 0))
            for function, a in zip(network.functions, self.activations, strict=True)
        ]
        self.take_slope = [
            in_place and in_place(a, slope)
            for in_place, a, slope in zip(network.slopes_in_place, self.activations, self.slopes, strict=True)
        ]


class InPlace(Engine):
    """Changes from full_matrix: arrays made once for each batch length; slopes from the activation, as a (1 - a)."""

    after = "full_matrix"

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = own = network.copy()
        self.biases = [b[:, np.newaxis] for b in own.biases]
        self.grad_w = [np.empty_like(w) for w in own.weights]
        self.grad_b = [np.empty_like(b) for b in self.biases]
        self.workspaces = Workspaces(partial(Workspace, own))

    @quiet
    def step(self, x: Array, y: Array, eta: float) -> None:
        m, weights = len(x), self.own.weights
        work = self.workspaces[m]
        activations, slopes, deltas = work.activations, work.slopes, work.deltas

        x = a = np.ascontiguousarray(x, self.own.dtype).T
        for w, b, z, rows, (sign, activate) in zip(
            weights, self.biases, activations, slopes, work.activate, strict=True
        ):
            np.dot(w, a, out=z)
            rows[...] = b  # z += b would allocate a buffer, as NumPy does for operands of different strides
            z += rows
            if sign < 0:
                np.negative(z, out=z)
            activate()
            a = z

        deltas[-1][...] = y.T
        np.subtract(a, deltas[-1], out=deltas[-1])
        for layer in reversed(range(len(weights))):
            delta, take_slope = deltas[layer], work.take_slope[layer]
            if take_slope:
                take_slope()
                delta *= slopes[layer]
            grad_w, grad_b = self.grad_w[layer], self.grad_b[layer]
            np.dot(delta, (activations[layer - 1] if layer else x).T, out=grad_w)
            np.sum(delta, axis=1, keepdims=True, out=grad_b)
            if layer:
                np.dot(weights[layer].T, delta, out=deltas[layer - 1])
            grad_w *= eta / m
            grad_b *= eta / m
            np.subtract(weights[layer], grad_w, out=weights[layer])
            self.biases[layer] -= grad_b

    def network(self) -> Network:
        return self.own.copy()
