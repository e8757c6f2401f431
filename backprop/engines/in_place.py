"""in_place: full_matrix in a workspace made once, with slopes from the activation; no step allocates an array."""

from functools import partial
from typing import Any

import numpy as np

from ..engine import Engine
from ..functions import Activation
from ..network import Array, Network
from ..workspaces import Workspaces


class Workspace:
    """The arrays of a step at one batch length, (units, batch) for each layer, and what is called to work on them."""

    def __init__(self, functions: tuple[Activation, ...], widths: list[int], dtype: np.dtype[Any], batch: int) -> None:
        self.activations, self.slopes, self.deltas = ([np.empty((n, batch), dtype) for n in widths] for _ in range(3))
        made = list(zip(functions, self.activations, self.slopes, strict=True))
        self.activate = [(function.sign, function.in_place(a, 0)) for function, a, _ in made]
        self.take_slope = [function.slope_in_place and function.slope_in_place(a, slope) for function, a, slope in made]


class InPlace(Engine):
    """Changes from full_matrix: arrays made once for each batch length; slopes from the activation, as a (1 - a)."""

    after = "full_matrix"

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = own = network.copy()
        self.matched = own.head.matched
        self.biases = [b[:, np.newaxis] for b in own.biases]
        self.grad_w = [np.empty_like(w) for w in own.weights]
        self.grad_b = [np.empty_like(b) for b in self.biases]
        self.workspaces = Workspaces(partial(Workspace, own.functions, [len(b) for b in own.biases], own.dtype))

    @np.errstate(over="ignore")
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
            if take_slope and (layer < len(weights) - 1 or not self.matched):
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
