"""fused: the update happens inside the product, W <- W - eta/m delta a^T in one call; no gradient is ever formed."""

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from itertools import groupby

import numpy as np
from numpy import multiply, subtract

from ..engine import Engine
from ..network import Array, Network
from ..products import Blas, Call, Products
from ..workspaces import Workspaces


class Workspace(Products):
    """What is called in a step of one batch length, in order; all but y, x and the rate is known before.

    before: z of each layer is its bias, to which the product is added. first: the first product of the inputs. up: from
    there to the activation on top, and the slopes of all. back: for each layer from the top, the calls that take the
    error down, and then those of the rate, which change the parameters. last: the update by the inputs.
    """

    def __init__(self, network: Network, batch: int) -> None:
        functions, biases = network.functions, network.biases
        super().__init__(network.weights, batch, signs=[function.sign for function in functions])
        self.by_samples = by_samples = self.columns == "samples"
        blas, ones = Blas(network.dtype), np.ones(batch, network.dtype)
        self.before = [  # NumPy fills an array fastest in C order, which is what the transposed activations have
            (z.T, b if by_samples else b[:, np.newaxis]) for z, b in zip(self.activations, biases, strict=True)
        ]
        self.first = [blas.of_inputs(call) for call in self.forward[0]]
        self.up: list[Callable[[], object]] = []
        for i, (function, z) in enumerate(zip(functions, self.activations, strict=True)):
            self.up += [blas.ready(call) for call in self.forward[i] if i]
            self.up.append(function.in_place(z, 0 if by_samples else 1))
        slopes = self.slopes(network)
        self.a, self.delta, self.top_slope = self.activations[-1], self.deltas[-1], slopes[-1]
        self.back: list[tuple[list[Callable[[], object]], list[Callable[[float], object]]]] = []
        for i in self.update:
            down: list[Callable[[], object]] = []
            if i:  # the error passes down through the weights as they were
                down += [blas.ready(call) for call in self.down[i]]
                if (slope := slopes[i - 1]) is not None:
                    down.append(partial(multiply, self.deltas[i - 1], slope, self.deltas[i - 1]))
            of_bias = Call("gemv", None, self.deltas[i], ones, 1.0, biases[i], flip_a=not by_samples)
            self.back.append((down, [blas.of_rate(call) for call in (of_bias, *(self.update[i] if i else ()))]))
        self.last = [blas.of_inputs(call) for call in self.update[0]]

    def slopes(self, network: Network) -> list[Array | None]:
        """The slope of each layer that has one, taken from all activations as `up` ends."""
        widths, flat = network.sizes[1:], np.empty_like(self.all_activations)
        needed, ends = network.slopes_in_place, np.cumsum([0, *widths]) * len(flat) // sum(widths)
        for in_place, group in groupby(range(len(needed)), key=needed.__getitem__):  # layers in a row, in one call
            layers = list(group)
            part = slice(ends[layers[0]], ends[layers[-1] + 1])
            if in_place:
                self.up.append(in_place(self.all_activations[part], flat[part]))
        matrices = self.of_each_layer(flat, widths)
        return [matrix if in_place else None for in_place, matrix in zip(needed, matrices, strict=True)]


class Fused(Engine):
    """Changes from in_place: gemm adds the gradient straight into W, and each product has its fastest form."""

    after = "in_place"

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = own = network.copy()
        self.dtype = own.dtype
        self.workspaces = Workspaces(partial(Workspace, own))
        self.quiet = copy_context()  # `quiet`, entered for a tenth of what np.errstate takes
        self.quiet.run(np.seterr, over="ignore", invalid="ignore")

    def step(self, x: Array, y: Array, eta: float) -> None:
        self.quiet.run(self.descend, x, y, eta)

    def descend(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        work, rate = self.workspaces[m], -eta / m
        x = np.ascontiguousarray(x, self.dtype).T
        for rows, bias in work.before:
            rows[...] = bias
        for product in work.first:
            product(x, rate)
        for call in work.up:
            call()

        delta = work.delta
        delta[...] = y.T if work.by_samples else y  # subtracted in one call, NumPy would allocate a buffer
        subtract(work.a, delta, delta)
        if work.top_slope is not None:
            multiply(delta, work.top_slope, delta)
        for down, update in work.back:
            for call in down:
                call()
            for change in update:
                change(rate)
        for product in work.last:
            product(x, rate)

    def network(self) -> Network:
        return self.own.copy()
