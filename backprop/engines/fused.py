"""fused: the update happens inside the product, W <- W - eta/m delta a^T in one call; no gradient is ever formed."""

from contextvars import copy_context
from functools import partial
from itertools import groupby

import numpy as np
from numpy import multiply, subtract
from scipy.linalg import get_blas_funcs

from ..engine import Engine
from ..network import Array, Network
from ..products import Products
from ..workspaces import Workspaces


class Workspace(Products):
    """The products of a step, and what is called between them, for one batch length."""

    def __init__(self, network: Network, batch: int) -> None:
        functions, biases = network.functions, network.biases
        super().__init__(network.weights, batch, signs=[function.sign for function in functions])
        self.by_samples = self.columns == "samples"
        self.ones = np.ones(batch, network.dtype)
        rows = [b if self.by_samples else b[:, np.newaxis] for b in biases]
        activate = [
            function.in_place(z, 0 if self.by_samples else 1)
            for function, z in zip(functions, self.activations, strict=True)
        ]
        # NumPy fills an array fastest in C order, which is what the transposed activations have.
        bare = [z.T for z in self.activations]
        self.up = list(zip(self.forward, bare, rows, activate, self.activations, strict=True))

        widths, all_slopes = [len(b) for b in biases], np.empty_like(self.all_activations)
        needed = network.slopes_in_place
        self.take_slopes, ends = [], np.cumsum([0, *widths]) * batch
        for in_place, group in groupby(range(len(needed)), key=needed.__getitem__):  # layers in a row, in one call
            layers = list(group)
            part = slice(ends[layers[0]], ends[layers[-1] + 1])
            if in_place:
                self.take_slopes.append(in_place(self.all_activations[part], all_slopes[part]))
        matrices = self.of_each_layer(all_slopes, widths)
        slopes = [matrix if in_place else None for in_place, matrix in zip(needed, matrices, strict=True)]
        self.top_slope = slopes[-1]
        inputs = [None, *self.activations[:-1]]  # of the first layer, those of the step
        self.back = [
            (self.down.get(i), self.deltas[i - 1], slopes[i - 1], self.update[i], inputs[i], self.deltas[i], b)
            for i, b in reversed(list(enumerate(biases)))
        ]


class Fused(Engine):
    """Changes from in_place: gemm adds the gradient straight into W, and each product has its fastest form."""

    after = "in_place"

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = own = network.copy()
        self.dtype = own.dtype
        self.gemv = get_blas_funcs("gemv", dtype=self.dtype)
        self.workspaces = Workspaces(partial(Workspace, own))
        self.quiet = copy_context()  # entered for a tenth of what np.errstate takes
        self.quiet.run(np.seterr, over="ignore")

    def step(self, x: Array, y: Array, eta: float) -> None:
        self.quiet.run(self.descend, x, y, eta)

    def descend(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        work = self.workspaces[m]
        a = x = np.ascontiguousarray(x, self.dtype).T
        for forward, rows, bias, activate, z in work.up:
            rows[...] = bias
            forward(a)  # z = W a + b, or less that, where the activation wants it so
            activate()
            a = z

        for take_slopes in work.take_slopes:
            take_slopes()
        delta, slope = work.deltas[-1], work.top_slope
        delta[...] = y.T if work.by_samples else y  # in one call, NumPy would allocate a buffer
        subtract(a, delta, delta)
        if slope is not None:
            multiply(delta, slope, delta)
        rate, ones, gemv, by_units = -eta / m, work.ones, self.gemv, not work.by_samples
        for down, below, slope, update, inputs, delta, bias in work.back:
            if down:  # the error passes down through the weights as they were
                down()
                if slope is not None:
                    multiply(below, slope, below)
            update(rate, x if inputs is None else inputs)
            gemv(rate, delta, ones, 1.0, bias, 0, 1, 0, 1, by_units, 1)

    def network(self) -> Network:
        return self.own.copy()
