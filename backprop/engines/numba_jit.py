"""numba_jit: the step of fused, compiled whole: nothing is left of the interpreter, and each pass is vectorised."""

from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy import ascontiguousarray

from ..compiled.addresses import array_at
from ..compiled.blas import Table, make
from ..compiled.kept import Types, entry_point
from ..compiled.passes import CODES, NO_SLOPE, TILE, activate, descend, fill, subtract
from ..engine import Calls, Engine
from ..network import Array, Network, aligned
from ..products import Products
from ..workspaces import Workspaces

# The columns of a layer's row. Its functions and sizes; addresses; the rows at which its products begin and end.
FUNCTION, SLOPE, UNITS, SIZE, BIAS, Z, DELTA, FORWARD, FORWARD_END, DOWN, UPDATE, END = range(12)
# And what is the same for all: whether samples are the columns of the matrices; addresses. It is as wide as a call's.
BY_SAMPLES, RATE, SUMS, SUMS_SIZE = range(12, 16)


def step(table: Any, depth: int, x: Any, y: Any, eta: float) -> None:
    """One step of a network of so many layers: a row each of the table, whose other rows are the products."""
    inputs, by_samples = x.ctypes.data, table[0, BY_SAMPLES] == 1
    rate, sums = array_at(table[0, RATE], 1, x), array_at(table[0, SUMS], table[0, SUMS_SIZE], x)
    rate[0] = -eta / len(x)  # where the products look for it
    error = array_at(table[depth - 1, DELTA], table[depth - 1, SIZE], x)
    for layer in range(depth):
        z, bias = array_at(table[layer, Z], table[layer, SIZE], x), array_at(table[layer, BIAS], table[layer, UNITS], x)
        fill(z, bias, by_samples)
        make(table, table[layer, FORWARD], table[layer, FORWARD_END], inputs)  # z = W a + b
        activate(table[layer, FUNCTION], z, table[layer, UNITS], by_samples, error)
    subtract(z, y, error, by_samples)
    for layer in range(depth - 1, -1, -1):
        a, delta = (
            array_at(table[layer, Z], table[layer, SIZE], x),
            array_at(table[layer, DELTA], table[layer, SIZE], x),
        )
        bias = array_at(table[layer, BIAS], table[layer, UNITS], x)
        descend(table[layer, SLOPE], delta, a, bias, rate[0], by_samples, sums)
        make(table, table[layer, DOWN], table[layer, UPDATE], inputs)  # the error goes down through W as it was
        make(table, table[layer, UPDATE], table[layer, END], inputs)


def make_all(table: Any, x: Any) -> None:
    """Make all products of a table on these inputs."""
    make(table, 0, len(table), x.ctypes.data)


def products(network: Network, x: Array) -> Calls:
    """All in one call, without the interpreter between them."""
    alone, types = Products.alone(network.copy().weights, len(x)), Types(network.dtype)
    table = Table(alone.in_order, np.zeros(1, network.dtype), x.T.shape)
    make_them = entry_point(make_all, types.table, types.matrix)
    return [lambda: make_them(table.rows, x)]  # and the table lives as long as the call


class Workspace:
    """What a step of one batch length works on: flat memory, and the table."""

    def __init__(self, network: Network, batch: int) -> None:
        depth, (n_in, *units), types = len(network.weights), network.sizes, Types(network.dtype)
        spare = padded(1 + max(TILE, *units))  # the rate, and sums for the biases
        self.memory = aligned(np.zeros(spare + 2 * batch * sum(units), network.dtype))
        products = Products(network.weights, batch, memory=self.memory[spare:])
        self.calls = Table(products.in_order, self.memory, (n_in, batch), before=depth)
        self.depth, self.table = depth, self.calls.rows
        self.step = entry_point(step, types.table, types.whole, types.matrix, types.matrix, types.number)
        self.x_shape, self.y_shape = (batch, n_in), (batch, units[-1])

        layers = self.table[:depth].T
        layers[FUNCTION] = codes = [CODES[name] for name in network.activations]
        layers[SLOPE] = [c if steep else NO_SLOPE for c, steep in zip(codes, network.slopes_in_place, strict=True)]
        layers[UNITS], layers[SIZE] = units, [batch * n for n in units]
        for column, arrays in ((BIAS, network.biases), (Z, products.activations), (DELTA, products.deltas)):
            layers[column] = [array.ctypes.data for array in arrays]
        ends = depth + np.cumsum([0, *map(len, products.in_order)])
        layers[FORWARD], layers[FORWARD_END] = ends[:depth], ends[1 : depth + 1]
        layers[DOWN], layers[UPDATE], layers[END] = (ends[depth + i :: 2][:depth][::-1] for i in range(3))
        layers[BY_SAMPLES] = products.columns == "samples"
        layers[RATE], layers[SUMS], layers[SUMS_SIZE] = self.memory.ctypes.data, self.memory[1:].ctypes.data, spare - 1


class NumbaJit(Engine):
    """Changes from fused: compiled whole, so no pass is called from Python, and exp made of what vectors can do."""

    after = "fused"
    compiles = True
    products = staticmethod(products)

    @classmethod
    def handles(cls, network: Network) -> str | None:
        """Any network of the functions that are compiled."""
        unknown = [name for name in network.activations if name not in CODES]
        return f"{unknown[0]} is not among the functions that are compiled: {', '.join(CODES)}" if unknown else None

    def __init__(self, network: Network) -> None:
        blocks, depth = (*network.weights, *network.biases), len(network.weights)
        *starts, end = accumulate((padded(block.size) for block in blocks), initial=0)
        self.parameters = aligned(np.zeros(end, network.dtype))
        own = []
        for start, block in zip(starts, blocks, strict=True):
            own.append(self.parameters[start : start + block.size].reshape(block.shape))
            own[-1][...] = block
        self.own, self.dtype = network.like(own[:depth], own[depth:]), network.dtype
        self.workspaces = Workspaces(partial(Workspace, self.own))

    def step(self, x: Array, y: Array, eta: float) -> None:
        work, dtype = self.workspaces[len(x)], self.dtype
        if x.shape != work.x_shape or y.shape != work.y_shape:  # what is compiled would read and write beyond
            raise ValueError(f"x {x.shape} and y {y.shape} are not {work.x_shape} and {work.y_shape}")
        work.step(work.table, work.depth, ascontiguousarray(x, dtype), ascontiguousarray(y, dtype), eta)

    def network(self) -> Network:
        return self.own.copy()


def padded(size: int) -> int:
    """The next multiple of 64 numbers, so that what comes after begins at a cache line."""
    return -(-size // 64) * 64
