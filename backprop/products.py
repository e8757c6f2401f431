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
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np
from scipy.linalg import get_blas_funcs

from .network import Array, aligned
from .threads import current

Columns = Literal["samples", "units"]
Form = Literal["whole", "blocks", "vector"]  # one call of gemm, several, or one of gemv or ger

BLOCK = 500_000  # multiply-adds in a block: half of where OpenBLAS's kernels for small matrices end
ROUNDS = (3, 100)  # of a trial: the fewest, and the most
TRIAL_SECONDS = 0.2
NEXT_TO_NOTHING = 1e-12
WORTH = 0.95  # a form other than whole must take less than this share of its time


@dataclass(frozen=True)
class Plan:
    """What a column of the batch's matrices is, and the form of each product in the order of a step."""

    columns: Columns
    forms: tuple[Form, ...]


class Samples(NamedTuple):
    """In the place of an array: the inputs of the step, all samples or a part; flat, as a vector, where it is one."""

    part: slice | None = None
    flat: bool = False

    def of(self, x: Array | None) -> Array:
        """Those of x, (n_in, batch) in Fortran order."""
        assert x is not None, "it is not known before the step"
        if self.flat:
            return x.reshape(-1)
        return x if self.part is None else x[:, self.part]


Routine = Literal["gemm", "gemv", "ger"]
ROUTINES: tuple[Routine, ...] = get_args(Routine)


class Call(NamedTuple):
    """One call of BLAS: C <- alpha op(A) op(B) + beta C, where op transposes what is flipped.

    All arrays are in Fortran order; of gemv, B and C are vectors, of ger, A and B. alpha None is the rate of the step.
    """

    routine: Routine
    alpha: float | None
    a: Array | Samples
    b: Array | Samples
    beta: float
    c: Array
    flip_a: bool = False
    flip_b: bool = False


Operand = TypeVar("Operand", Array, Array | Samples)


class Products:
    """The products of a step at one batch length as calls of BLAS, with the arrays that they write to, made once.

    weights: for each layer (n_out, n_in) in C order; `update` writes into them. The activations and deltas of
    a layer are matrices in Fortran order whose columns are the samples, (n_out, batch), or the units,
    (batch, n_out), as the plan says; the inputs of the first layer always have the samples as columns. Without
    a plan the fastest is found, once in a process for each set of shapes, dtype and threads.

    forward[layer]: z <- sign (w a + z), where z is the layer's `activations`; signs are 1 unless they are given.
    down[layer]: delta of the layer below <- w^T delta; the lowest layer has none.
    update[layer]: w <- w + rate delta a^T.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        batch: int,
        plan: Plan | None = None,
        signs: Sequence[int] = (),
        memory: Array | None = None,
    ) -> None:
        sizes = (weights[0].shape[1], *(w.shape[0] for w in weights))
        dtype = weights[0].dtype
        plan = plan or fastest(sizes, batch, dtype.name, current())
        self.columns = plan.columns
        size = batch * sum(sizes[1:])
        if memory is None:
            memory = aligned(np.zeros(2 * size, dtype))
        self.all_activations, self.all_deltas = memory[:size], memory[size : 2 * size]
        self.activations = self.of_each_layer(self.all_activations, sizes[1:])
        self.deltas = self.of_each_layer(self.all_deltas, sizes[1:])
        inputs: list[Array | Samples] = [Samples(), *self.activations[:-1]]
        forms = iter(plan.forms)
        self.forward = [
            self._forward(w.T, a, z, float(sign), next(forms))
            for w, a, z, sign in zip(weights, inputs, self.activations, signs or [1] * len(weights), strict=True)
        ]
        self.down: dict[int, list[Call]] = {}
        self.update: dict[int, list[Call]] = {}
        for i in reversed(range(len(weights))):
            if i:
                self.down[i] = self._down(weights[i].T, self.deltas[i], self.deltas[i - 1], next(forms))
            self.update[i] = self._update(weights[i].T, inputs[i], self.deltas[i], next(forms))

    @classmethod
    def alone(cls, weights: Sequence[Array], batch: int, plan: Plan | None = None) -> Products:
        """Those of a step over random numbers, without what comes between them.

        What a product adds to, it adds next to nothing to: so the numbers stay what they are, however often it is made.
        """
        products, rng = cls(weights, batch, plan), np.random.default_rng(0)
        for flat in (products.all_activations, products.all_deltas):
            flat[:] = rng.random(len(flat))
        for product in products.in_order:
            product[:] = [call._replace(alpha=NEXT_TO_NOTHING) if call.beta else call for call in product]
        return products

    @property
    def in_order(self) -> list[list[Call]]:
        """The products of a step, one after the other; that which the lowest layer has not got is without calls."""
        back = [calls for i in self.update for calls in (self.down.get(i, []), self.update[i])]
        return [*self.forward, *back]

    def of_each_layer(self, flat: Array, widths: Sequence[int]) -> list[Array]:
        """A matrix for each layer: views of one flat array, one after the other."""
        batch = len(flat) // sum(widths)
        shapes = [(n, batch) if self.columns == "samples" else (batch, n) for n in widths]
        ends = np.cumsum([0, *widths]) * batch
        return [flat[p:q].reshape(shape, order="F") for (p, q), shape in zip(pairwise(ends), shapes, strict=True)]

    def _forward(self, wt: Array, a: Array | Samples, z: Array, sign: float, form: Form) -> list[Call]:
        """Here and below wt is a layer's weights transposed, (n_in, n_out) in Fortran order."""
        if form == "vector":
            return [Call("gemv", sign, wt, vector(a), sign, vector(z), flip_a=True)]
        parts = cut(wt, z, form)
        if self.columns == "samples":
            return [Call("gemm", sign, wt, take(a, part), sign, take(z, part), flip_a=True) for part in parts]
        flip = isinstance(a, Samples)
        return [Call("gemm", sign, a, take(wt, part), sign, take(z, part), flip_a=flip) for part in parts]

    def _down(self, wt: Array, delta: Array, below: Array, form: Form) -> list[Call]:
        if form == "vector":
            return [Call("gemv", 1.0, wt, vector(delta), 0.0, vector(below))]
        parts = cut(wt, delta, form)
        if self.columns == "samples":
            return [Call("gemm", 1.0, wt, take(delta, part), 0.0, take(below, part)) for part in parts]
        return [  # each block of units adds its share
            Call("gemm", 1.0, take(delta, part), take(wt, part), float(i > 0), below, flip_b=True)
            for i, part in enumerate(parts)
        ]

    def _update(self, wt: Array, a: Array | Samples, delta: Array, form: Form) -> list[Call]:
        if form == "vector":
            return [Call("ger", None, vector(a), vector(delta), 1.0, wt)]
        parts = cut(wt, delta, form)
        if self.columns == "samples":
            return [Call("gemm", None, take(a, part), take(delta, part), 1.0, wt, flip_b=True) for part in parts]
        flip = not isinstance(a, Samples)
        return [Call("gemm", None, a, take(delta, part), 1.0, take(wt, part), flip_a=flip) for part in parts]


class Blas:
    """Makes the calls by SciPy's wrappers for one dtype.

    They silently copy an array that is not in Fortran order or of another dtype, and what they write then goes nowhere:
    the tests prove that nothing is copied.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.routines = dict(zip(ROUTINES, get_blas_funcs(ROUTINES, dtype=dtype), strict=True))

    def ready(self, call: Call, x: Array | None = None) -> Callable[[], object]:
        """The call of what is known by now, ready to be made on the same arrays again and again."""
        given = (operand.of(x) if isinstance(operand, Samples) else operand for operand in self.arguments(call))
        return partial(self.routines[call.routine], *given)

    def of_rate(self, call: Call) -> Callable[[float], object]:
        """The call by the rate of the step."""
        routine, (_, *rest) = self.routines[call.routine], self.arguments(call)
        return lambda rate: routine(rate, *rest)

    def of_inputs(self, call: Call) -> Callable[[Array, float], object]:
        """The call by the inputs of the step, (n_in, batch) in Fortran order, and its rate."""
        routine, (alpha, a, b, *rest) = self.routines[call.routine], self.arguments(call)
        if isinstance(b, Samples) and not any(b):  # all of them, as they are: the usual case is to cost nothing more
            return lambda x, _: routine(alpha, a, x, *rest)
        if isinstance(b, Samples):
            return lambda x, _: routine(alpha, a, b.of(x), *rest)
        if alpha is None and not any(a):
            return lambda x, rate: routine(rate, x, b, *rest)
        return lambda x, rate: routine(rate if alpha is None else alpha, a.of(x), b, *rest)

    def arguments(self, call: Call) -> tuple[Any, ...]:
        """Those of SciPy's wrapper."""
        first = call.alpha, call.a, call.b
        if call.routine == "gemm":
            return *first, call.beta, call.c, call.flip_a, call.flip_b, 1
        if call.routine == "gemv":
            return *first, call.beta, call.c, 0, 1, 0, 1, call.flip_a, 1
        return *first, 1, 1, call.c, 1, 1, 1


def cut(wt: Array, columns: Array, form: Form) -> list[slice | None]:
    """The ranges of columns that make blocks of at most BLOCK multiply-adds; None is all columns at once."""
    batch = columns.size // wt.shape[1]
    count = min(-(-wt.size * batch // BLOCK), columns.shape[1])
    if form == "whole" or count == 1:
        return [None]
    ends = [round(columns.shape[1] * i / count) for i in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def take(matrix: Operand, part: slice | None) -> Operand:
    """These columns of a matrix in Fortran order: a view in Fortran order."""
    if isinstance(matrix, Samples):
        return Samples(part)
    return matrix if part is None else matrix[:, part]


def vector(matrix: Operand) -> Operand:
    """A matrix of one row or column, as the vector that it is: a view."""
    return Samples(flat=True) if isinstance(matrix, Samples) else matrix.reshape(-1)


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
    blas = Blas(x.dtype)
    alone = {plan: Products.alone(weights, x.shape[1], plan).in_order for plan in plans}
    calls = {
        plan: [[blas.ready(call, x) for call in product] for product in products if product]
        for plan, products in alone.items()
    }
    taken: dict[Plan, list[list[float]]] = {plan: [] for plan in calls}
    start = perf_counter()
    for number in range(ROUNDS[1]):
        if number >= ROUNDS[0] and perf_counter() - start > TRIAL_SECONDS:
            break
        for plan, products in calls.items():
            for product in products:
                for call in product:
                    call()
            seconds = []
            for product in products:
                before = perf_counter()
                for call in product:
                    call()
                seconds.append(perf_counter() - before)
            taken[plan].append(seconds)
    return {plan: [median(product) for product in zip(*times, strict=True)] for plan, times in taken.items()}
