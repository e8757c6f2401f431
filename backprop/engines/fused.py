"""fused: the update happens inside the product, W <- W - eta/m delta a^T in one call; no gradient is ever formed."""

from contextvars import copy_context
from functools import partial

import numpy as np
from numpy import add, divide, exp, multiply, subtract
from scipy.linalg import get_blas_funcs

from ..engine import Engine
from ..network import Array, Network
from ..products import Products
from ..workspaces import Workspaces


class Workspace(Products):
    """The products of a step, and what the elementwise passes between them need, for one batch length."""

    def __init__(self, weights: list[Array], biases: list[Array], batch: int) -> None:
        super().__init__(weights, batch)
        self.by_samples = self.columns == "samples"
        self.ones = np.ones(batch, weights[0].dtype)
        self.all_slopes = np.empty_like(self.all_activations)
        self.slopes = self.of_each_layer(self.all_slopes, [len(b) for b in biases])
        rows = [b if self.by_samples else b[:, np.newaxis] for b in biases]
        # NumPy fills an array fastest in C order, which is what the transposed activations have.
        self.up = list(zip(self.forward, [z.T for z in self.activations], rows, self.activations, strict=True))


class Fused(Engine):
    """Changes from in_place: gemm adds the gradient straight into W, and each product has its fastest form."""

    after = "in_place"

    def __init__(self, network: Network) -> None:
        own = network.copy()
        self.dtype = own.dtype
        self.weights, self.biases = list(own.weights), list(own.biases)
        self.gemv = get_blas_funcs("gemv", dtype=self.dtype)
        self.one = np.ones((), self.dtype)  # an array: a Python float would double the time of a small ufunc
        self.workspaces = Workspaces(partial(Workspace, self.weights, self.biases))
        self.quiet = copy_context()  # entered for a tenth of what np.errstate takes
        self.quiet.run(np.seterr, over="ignore")

    def step(self, x: Array, y: Array, eta: float) -> None:
        self.quiet.run(self.descend, x, y, eta)

    def descend(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        work, one = self.workspaces[m], self.one
        activations, slopes, deltas = work.activations, work.slopes, work.deltas

        a = x = np.ascontiguousarray(x, self.dtype).T
        for forward, rows, bias, z in work.up:
            rows[...] = bias
            forward(a)  # z = -(W a + b), the sign that exp wants
            a = z
            exp(a, a)
            add(a, one, a)
            divide(one, a, a)

        multiply(work.all_activations, work.all_activations, work.all_slopes)
        subtract(work.all_activations, work.all_slopes, work.all_slopes)  # sigmoid' = a - a^2, of every layer at once
        deltas[-1][...] = y.T if work.by_samples else y  # in one call, NumPy would allocate a buffer
        subtract(a, deltas[-1], deltas[-1])
        multiply(deltas[-1], slopes[-1], deltas[-1])
        rate = -eta / m
        for layer in reversed(range(len(deltas))):
            if layer:  # the error passes down through the weights as they were
                work.down[layer]()
                multiply(deltas[layer - 1], slopes[layer - 1], deltas[layer - 1])
            work.update[layer](rate, activations[layer - 1] if layer else x)
            self.gemv(rate, deltas[layer], work.ones, 1.0, self.biases[layer], 0, 1, 0, 1, not work.by_samples, 1)

    def network(self) -> Network:
        return Network(tuple(self.weights), tuple(self.biases)).copy()
