"""fused: the update happens inside the product, W <- W - eta/m delta a^T in one call of BLAS, the gradient never formed."""

import numpy as np
from scipy.linalg import get_blas_funcs

from ..engine import Engine
from ..network import Array, Network
from ..products import Products


class Workspace(Products):
    """The products of a step, and what the elementwise passes between them need, for one batch length."""

    def __init__(self, weights: list[Array], biases: list[Array], batch: int) -> None:
        super().__init__(weights, batch)
        self.by_samples = self.columns == "samples"
        self.ones = np.ones(batch, weights[0].dtype)
        self.all_slopes = np.empty_like(self.all_activations)
        slopes = self.of_each_layer(self.all_slopes, [len(b) for b in biases])
        columns = [b if self.by_samples else b[:, np.newaxis] for b in biases]
        # The transposed activations are in C order, in which NumPy fills an array fastest.
        self.up = list(zip(self.forward, [z.T for z in self.activations], columns, self.activations, strict=True))
        self.slope = slopes[-1]  # of the outputs
        self.back = [
            (self.update[i], self.deltas[i], biases[i])
            + ((self.down[i], self.activations[i - 1], self.deltas[i - 1], slopes[i - 1]) if i else (None,) * 4)
            for i in reversed(range(len(weights)))
        ]


class Fused(Engine):
    """Changes from in_place: gemm adds the gradient straight into W, and each product has its fastest form."""

    after = "in_place"

    def __init__(self, network: Network) -> None:
        own = network.copy()
        self.dtype = own.dtype
        self.weights, self.biases = list(own.weights), list(own.biases)
        self.gemv = get_blas_funcs("gemv", dtype=self.dtype)
        self.one = np.ones((), self.dtype)  # an array: a Python float would double the time of a small ufunc
        self.workspaces: dict[int, Workspace] = {}

    @np.errstate(over="ignore")
    def step(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        if m not in self.workspaces:
            self.workspaces[m] = Workspace(self.weights, self.biases, m)
        work = self.workspaces[m]

        a = x = np.ascontiguousarray(x, self.dtype).T
        for forward, rows, bias, z in work.up:
            rows[...] = bias
            forward(a)  # z = -(W a + b): the sign that exp wants
            a = z
            np.exp(a, a)
            np.add(a, self.one, a)
            np.divide(self.one, a, a)

        np.multiply(work.all_activations, work.all_activations, work.all_slopes)
        np.subtract(work.all_activations, work.all_slopes, work.all_slopes)  # sigmoid' = a - a^2, of every layer
        np.subtract(a, y.T if work.by_samples else y, work.deltas[-1])
        np.multiply(work.deltas[-1], work.slope, work.deltas[-1])
        rate = -eta / m
        for update, delta, bias, down, a, below, slope in work.back:
            if down:  # while the weights are as they were
                down()
                np.multiply(below, slope, below)
            update(rate, a if down else x)
            self.gemv(rate, delta, work.ones, 1.0, bias, 0, 1, 0, 1, not work.by_samples, 1)

    def network(self) -> Network:
        return Network(tuple(self.weights), tuple(self.biases)).copy()
