"""What a step has to do, as counts that prices are for: of calls, of products, of passes over memory.

A term is a kind of work, with a unit, that an engine pays one price for. Everything is counted from a cell alone, so
that a step can be priced where nothing was raced.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np

from backprop.functions import EVERYWHERE, HEADS, SIGMOID, SOFTMAX

from ..cells.cell import Cell, DType

Part = Literal["calls", "products", "passes"]
Unit = Literal["call", "flop", "byte"]
Beyond = Literal["the cache", "the last cache"]

LANES = 64  # bytes: of AVX-512, and of two registers of AVX2


class Term(NamedTuple):
    """A kind of work: the part of a step that it belongs to, its name in words, and what is counted.

    subtle says that it is told from others of other parts only where the parts of steps were raced. beyond: the cache
    that a pass goes beyond, the second-level one where nothing else is said; near is the name of the same pass within
    that, None where it is made in any case.
    """

    part: Part
    name: str
    unit: Unit
    subtle: bool = False
    near: str | None = None
    beyond: Beyond | None = None


def _far(near: str, beyond: Beyond, subtle: bool = False) -> Term:
    return Term("passes", f"{near} beyond {beyond}", "byte", subtle, near, beyond)


class Caches(NamedTuple):
    """Bytes of a core's second-level cache and of the last one; None where it is not known."""

    l2_bytes: int | None = None
    last_bytes: int | None = None


def beyond(size: float, cache_bytes: int | None) -> float:
    """The share of an array of so many bytes that is fetched from further away than this cache.

    Steps go over it again and again. A cache of which half is left to other arrays keeps what is half its size, and
    nothing of what is as large as itself; in between the share rises evenly. Where its size is not known, all fit.
    """
    return 0.0 if cache_bytes is None else min(1.0, max(0.0, 2 * size / cache_bytes - 1))


CALLS = (
    Term("calls", "layer", "call"),
    Term("calls", "layer of a sample", "call"),
    Term("calls", "layer of single numbers", "call", subtle=True),
    *(Term("calls", f"{name}, hidden", "call") for name in EVERYWHERE),
    *(Term("calls", f"{name}, top", "call") for name in HEADS),
)
MATRICES = (
    Term("products", "product of matrices", "call", subtle=True),
    Term("products", "sample of a product", "call", subtle=True),
    Term("products", "multiplications and additions", "flop"),
    Term("products", "those of idle lanes", "flop", subtle=True),
    Term("products", "results", "byte", subtle=True),
    Term("products", "weights", "byte", subtle=True),
    Term("products", "weights beyond the cache", "byte", subtle=True),
    Term("products", "inputs beyond the cache", "byte", subtle=True),
)
VECTORS = (
    Term("products", "product with a vector", "call", subtle=True),
    Term("products", "unit of a vector", "call", subtle=True),
    Term("products", "weights times a vector", "byte"),
    Term("products", "weights times a vector, beyond the cache", "byte"),
)
DTYPES = get_args(DType)
PRODUCTS = tuple(term._replace(name=f"{term.name}, {dtype}") for dtype in DTYPES for term in (*MATRICES, *VECTORS))
PASSES = (
    Term("passes", "parameters", "byte"),
    _far("parameters", "the cache"),
    Term("passes", "gradient of a sample", "byte", subtle=True),
    _far("gradient of a sample", "the cache", subtle=True),
    _far("gradient of a sample", "the last cache", subtle=True),
    Term("passes", "products in a slower form", "flop", subtle=True),
    Term("passes", "inputs", "byte", subtle=True),
    _far("inputs", "the cache", subtle=True),
    *(Term("passes", name, "byte") for name in EVERYWHERE),
    Term("passes", "activations beyond the cache", "byte", beyond="the cache"),
)
TERMS = (*CALLS, *PRODUCTS, *PASSES)


def of_calls(cell: Cell, one_by_one: bool) -> list[float]:
    """How often CALLS are made; the functions once a step, or once a sample where these go through one by one.

    Arrays of a single number, which one unit has at a batch of one, are dearer to NumPy than larger ones: so the calls
    that are raced there have a price of their own, which no network of more units pays.
    """
    single = cell.batch == 1 and max(cell.sizes) == 1
    layers, times = len(cell.sizes) - 1, cell.batch if one_by_one else 1
    hidden = [times * (layers - 1.0) * (cell.hidden == name) for name in EVERYWHERE]
    heads = [times * float(cell.head == name) for name in HEADS]
    return [layers, layers * cell.batch, layers * single, *hidden, *heads]


def of_products(cell: Cell, caches: Caches) -> list[float]:
    """How much of PRODUCTS a step takes in the fastest form: at a batch of one the matrices meet vectors.

    Each dtype has kernels, and prices, of its own.
    """
    matrices, vectors = [0.0] * len(MATRICES), [0.0] * len(VECTORS)
    if cell.batch == 1:
        vectors = _of_vectors(cell, caches)
    else:
        matrices = _of_matrices(cell, caches)
    return [count * (cell.dtype == dtype) for dtype in DTYPES for count in (*matrices, *vectors)]


def _of_matrices(cell: Cell, caches: Caches) -> list[float]:
    """Of the products of an update flops alone are counted: they have many for each byte of the others' matrices.

    A kernel works on LANES bytes of a column at once, and multiplies what lies beyond its end, too: a column is made
    of units or of samples, whichever fill the lanes better.
    """
    itemsize, batch, sizes = np.dtype(cell.dtype).itemsize, cell.batch, cell.sizes
    up = list(pairwise(sizes))
    made = [(n_out, n_in) for n_in, n_out in up] + up[1:]  # units, of as many others: forward, and errors passed down
    lanes = LANES // itemsize
    idle = sum(others * min(batch * (-units % lanes), units * (-batch % lanes)) for units, others in made)
    weights = itemsize * sum(units * others for units, others in made)
    far = weights * beyond(itemsize * cell.parameters, caches.l2_bytes)
    number, inputs = 3 * len(up) - 1, itemsize * batch * sizes[0]
    results = itemsize * batch * sum(units for units, _ in made)
    far_inputs = inputs * beyond(inputs, caches.l2_bytes)
    return [number, number * batch, cell.flops, 2 * idle, results, weights - far, far, far_inputs]


def _of_vectors(cell: Cell, caches: Caches) -> list[float]:
    """Weights are counted in each product: a flop of these is half a weight."""
    itemsize = np.dtype(cell.dtype).itemsize
    weights = itemsize * cell.flops / 2
    far = weights * beyond(itemsize * cell.parameters, caches.l2_bytes)
    return [3 * len(cell.sizes) - 4, sum(cell.sizes[1:]), weights - far, far]


def of_passes(cell: Cell, caches: Caches, one_by_one: bool) -> list[float]:
    """How much of PASSES a step takes; a byte is counted as often as must be: once read and once written, inputs read.

    The gradient of a sample is counted for each, though few engines form them: the others' price of it is nothing. Who
    sends samples through one by one forms it in the same memory again and again; else there is room for all of them.
    """
    itemsize, batch = np.dtype(cell.dtype).itemsize, cell.batch
    parameters, inputs = itemsize * cell.parameters, itemsize * batch * cell.sizes[0]
    units = dict.fromkeys(EVERYWHERE, 0)
    units[cell.hidden] += batch * sum(cell.sizes[1:-1])
    units[SIGMOID.name if cell.top.top is SOFTMAX else cell.top.top.name] += batch * cell.sizes[-1]
    activations = itemsize * sum(units.values())
    gradients = 2 * batch * parameters

    def split(moved: float, array: float) -> tuple[float, float]:
        far = beyond(array, caches.l2_bytes)
        return moved * (1 - far), moved * far

    formed = parameters if one_by_one else batch * parameters
    last = beyond(formed, caches.last_bytes)
    second = max(last, beyond(formed, caches.l2_bytes))
    return [
        *split(2 * parameters, 2 * parameters),  # they lie beside their gradient
        *(gradients * share for share in (1 - second, second - last, last)),
        cell.flops,
        *split(inputs, inputs),
        *(2.0 * itemsize * number for number in units.values()),
        2 * activations * beyond(activations, caches.l2_bytes),
    ]


@cache  # a model is fitted to the same cells again and again: left out in turn, drawn anew, at other paces
def of_step(cell: Cell, caches: Caches, one_by_one: bool) -> tuple[float, ...]:
    """How much of each of TERMS a step takes; who sends samples through one by one has a batch's products alone."""
    alone = cell.alone if one_by_one else cell
    times = cell.batch if one_by_one else 1
    products = [times * count for count in of_products(alone, caches)]
    return (*of_calls(cell, one_by_one), *products, *of_passes(cell, caches, one_by_one))
