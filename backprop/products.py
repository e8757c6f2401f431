"""The matrix products of a step, each handed to BLAS in the form that a quick trial finds fastest.

Why forms differ, as measured with OpenBLAS: its kernels for small matrices pack nothing, so that a thin product
cut into blocks of that size runs up to twice as fast as in one call; a mini-batch of one is bound by memory, and
the matrix-vector routines read the weights several times faster than gemm; with several threads one call is
mostly best. It depends on shape, dtype, threads and library: so it is measured, not ruled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Literal

import numpy as np
from scipy.linalg import get_blas_funcs

from .network import Array, aligned
from .threads import current

Columns = Literal["samples", "units"]
Functions = Sequence[Callable[..., object]]
"""gemm, gemv and ger of one dtype, as SciPy wraps them."""
Form = Literal["whole", "blocks", "vector"]  # one call of gemm, several, or one of gemv or ger

BLOCK = 500_000  # multiply-adds in a block: half of where OpenBLAS's kernels for small matrices end
ROUNDS = (3, 100)  # of a trial: the fewest, and the most
TRIAL_SECONDS = 0.2
WORTH = 0.95  # a form other than whole must take less than this share of its time


@dataclass(frozen=True)
class Plan:
    """What a column of the batch's matrices is, and the form of each product in the order of a step."""

    columns: Columns
    forms: tuple[Form, ...]


class Products:
    """The products of a step at one batch length, with the arrays that they write to, made once.

    weights: for each layer (n_out, n_in) in C order; `update` writes into them. The activations and deltas of
    a layer are matrices in Fortran order whose columns are the samples, (n_out, batch), or the units,
    (batch, n_out), as the plan says; the inputs of the first layer always have the samples as columns. Without
    a plan the fastest is found, once in a process for each set of shapes, dtype and threads.

    forward[layer](a): z <- sign (w a + z), where z is the layer's `activations`; signs are -1 unless they are given.
    down[layer](): delta of the layer below <- w^T delta; the lowest layer has none.
    update[layer](rate, a): w <- w + rate delta a^T.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        batch: int,
        plan: Plan | None = None,
        functions: Functions | None = None,
        signs: Sequence[int] = (),
    ) -> None:
        sizes = (weights[0].shape[1], *(w.shape[0] for w in weights))
        dtype = weights[0].dtype
        plan = plan or fastest(sizes, batch, dtype.name, current())
        self.columns = plan.columns
        self.all_activations = np.zeros(batch * sum(sizes[1:]), dtype)
        self.activations = self.of_each_layer(self.all_activations, sizes[1:])
        self.deltas = self.of_each_layer(np.zeros_like(self.all_activations), sizes[1:])
        blas = Blas(functions or get_blas_funcs(("gemm", "gemv", "ger"), dtype=dtype), plan.columns)
        forms = iter(plan.forms)
        self.forward = [
            blas.forward(w.T, z, next(forms), i == 0, float(sign))
            for i, (w, z, sign) in enumerate(zip(weights, self.activations, signs or [-1] * len(weights), strict=True))
        ]
        self.down: dict[int, Callable[[], object]] = {}
        self.update: dict[int, Callable[[float, Array], object]] = {}
        for i in reversed(range(len(weights))):
            if i:
                self.down[i] = blas.down(weights[i].T, self.deltas[i], self.deltas[i - 1], next(forms))
            self.update[i] = blas.update(weights[i].T, self.deltas[i], next(forms), i == 0)

    def of_each_layer(self, flat: Array, widths: Sequence[int]) -> list[Array]:
        """A matrix for each layer: views of one flat array, one after the other."""
        batch = len(flat) // sum(widths)
        shapes = [(n, batch) if self.columns == "samples" else (batch, n) for n in widths]
        ends = np.cumsum([0, *widths]) * batch
        return [flat[p:q].reshape(shape, order="F") for (p, q), shape in zip(pairwise(ends), shapes, strict=True)]


class Blas:
    """Makes the calls of each product by gemm, gemv and ger of one dtype, for one choice of columns.

    wt is a layer's weights transposed, (n_in, n_out) in Fortran order; first says that its inputs have the
    samples as columns whatever the others have. SciPy's wrappers silently copy an array that is not in Fortran
    order or of another dtype, and what they write then goes nowhere: the tests prove that nothing is copied.
    """

    def __init__(self, functions: Functions, columns: Columns) -> None:
        self.gemm, self.gemv, self.ger = functions
        self.by_samples = columns == "samples"

    def forward(self, wt: Array, z: Array, form: Form, first: bool, sign: float) -> Callable[[Array], object]:
        gemm, gemv, cuts = self.gemm, self.gemv, cut(wt, z, form)
        if form == "vector":
            vector = z.reshape(-1)
            return lambda a: gemv(sign, wt, a.reshape(-1), sign, vector, 0, 1, 0, 1, 1, 1)
        if self.by_samples:
            outs = [(part, take(z, part)) for part in cuts]

            def product(a: Array) -> None:
                for part, out in outs:
                    gemm(sign, wt, a if part is None else a[:, part], sign, out, 1, 0, 1)
        else:
            blocks = [(take(wt, part), take(z, part)) for part in cuts]

            def product(a: Array) -> None:
                for w, out in blocks:
                    gemm(sign, a, w, sign, out, first, 0, 1)

        return product

    def down(self, wt: Array, delta: Array, below: Array, form: Form) -> Callable[[], object]:
        gemm, gemv, cuts = self.gemm, self.gemv, cut(wt, delta, form)
        if form == "vector":
            into, vector = below.reshape(-1), delta.reshape(-1)
            return lambda: gemv(1.0, wt, vector, 0.0, into, 0, 1, 0, 1, 0, 1)
        if self.by_samples:
            blocks = [(1.0, wt, take(delta, part), 0.0, take(below, part), 0, 0, 1) for part in cuts]
        else:  # each block of units adds its share
            shares = [0.0] + [1.0] * len(cuts)
            blocks = [
                (1.0, take(delta, part), take(wt, part), share, below, 0, 1, 1)
                for part, share in zip(cuts, shares, strict=False)
            ]

        def product() -> None:
            for block in blocks:
                gemm(*block)

        return product

    def update(self, wt: Array, delta: Array, form: Form, first: bool) -> Callable[[float, Array], object]:
        gemm, ger, cuts = self.gemm, self.ger, cut(wt, delta, form)
        if form == "vector":
            vector = delta.reshape(-1)
            return lambda rate, a: ger(rate, a.reshape(-1), vector, 1, 1, wt, 1, 1, 1)
        if self.by_samples:
            ins = [(part, take(delta, part)) for part in cuts]

            def product(rate: float, a: Array) -> None:
                for part, d in ins:
                    gemm(rate, a if part is None else a[:, part], d, 1.0, wt, 0, 1, 1)
        else:
            blocks = [(take(delta, part), take(wt, part)) for part in cuts]
            transposed = not first

            def product(rate: float, a: Array) -> None:
                for d, w in blocks:
                    gemm(rate, a, d, 1.0, w, transposed, 0, 1)

        return product


def cut(wt: Array, columns: Array, form: Form) -> list[slice | None]:
    """The ranges of columns that make blocks of at most BLOCK multiply-adds; None is all columns at once."""
    batch = columns.size // wt.shape[1]
    count = min(-(-wt.size * batch // BLOCK), columns.shape[1])
    if form == "whole" or count == 1:
        return [None]
    ends = [round(columns.shape[1] * i / count) for i in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def take(matrix: Array, part: slice | None) -> Array:
    """These columns of a matrix in Fortran order: a view in Fortran order."""
    return matrix if part is None else matrix[:, part]


@cache
def fastest(sizes: tuple[int, ...], batch: int, dtype: str, _threads: int) -> Plan:
    """The plan of a step of these layer sizes that takes the least time now, with this many threads.

    First every plan of one form throughout is timed, product by product; then those that have the fastest form
    of each product, against the best of the first: a form may leave the weights in the cache of another core,
    and so be fast only among its like.
    """
    weights = [aligned(np.full((n_out, n_in), 1e-3, dtype)) for n_in, n_out in pairwise(sizes)]
    x = aligned(np.full((batch, sizes[0]), 1e-3, dtype)).T
    columns_tried: list[Columns] = ["samples", "units"]
    forms: list[Form] = ["whole"]
    if batch == 1:  # then the columns are the same, and a product can be one with a vector
        columns_tried.pop()
        forms.append("vector")
    elif max(w.size for w in weights) * batch > BLOCK:
        forms.append("blocks")
    uniform = [Plan(columns, (form,) * (3 * len(weights) - 1)) for columns in columns_tried for form in forms]
    taken = trial(uniform, weights, x)
    mixed = []
    for columns in columns_tried:
        tried = [
            [(seconds * (1.0 if form == "whole" else 1 / WORTH), form) for seconds in taken[plan]]
            for plan in uniform
            if plan.columns == columns
            for form in plan.forms[:1]
        ]
        mixed.append(Plan(columns, tuple(min(product)[1] for product in zip(*tried, strict=True))))
    best = min(uniform, key=lambda plan: sum(taken[plan]))
    rivals = [plan for plan in mixed if plan not in uniform]
    if not rivals:
        return best
    again = trial([best, *rivals], weights, x)
    return min(again, key=lambda plan: sum(again[plan]))


def trial(plans: Sequence[Plan], weights: Sequence[Array], x: Array) -> dict[Plan, list[float]]:
    """For each plan, the median seconds of each product of a step on inputs x (n_in, batch), in Fortran order.

    In every round a plan takes two steps and the second is timed: so each product finds in the caches what the
    one before it, of the same plan, has left there.
    """
    calls = {plan: steps(Products(weights, x.shape[1], plan), x) for plan in plans}
    taken: dict[Plan, list[list[float]]] = {plan: [] for plan in calls}
    start = perf_counter()
    for number in range(ROUNDS[1]):
        if number >= ROUNDS[0] and perf_counter() - start > TRIAL_SECONDS:
            break
        for plan, products in calls.items():
            for product in products:
                product()
            seconds = []
            for product in products:
                before = perf_counter()
                product()
                seconds.append(perf_counter() - before)
            taken[plan].append(seconds)
    return {plan: [median(product) for product in zip(*times, strict=True)] for plan, times in taken.items()}


def steps(products: Products, x: Array) -> list[Callable[[], object]]:
    """The products of one step in order, on inputs x (n_in, batch) in Fortran order, each as a call."""
    inputs = [x, *products.activations[:-1]]
    calls: list[Callable[[], object]] = [partial(f, a) for f, a in zip(products.forward, inputs, strict=True)]
    for layer in reversed(range(len(inputs))):
        if layer:
            calls.append(products.down[layer])
        calls.append(partial(products.update[layer], 1e-6, inputs[layer]))
    return calls
