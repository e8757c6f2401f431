"""numba_jit: fused, the whole step compiled, so that nothing is left of the interpreter between the products."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numba.extending import get_cython_function_address

from ..compiled import by_layer, compile_activation, compile_descent
from ..engine import Engine
from ..functions import Activation
from ..network import Array, Network
from ..workspaces import Workspaces


class NumbaJit(Engine):
    """Changes from fused: compiled by Numba; each elementwise pass is one loop, each product one call of gemm."""

    after = "fused"
    compiles = True

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = own = network.copy()
        self.dtype, self.weights, self.biases = own.dtype, own.weights, own.biases
        self.compiled = compile_step(self.dtype.char, own.functions, tuple(map(bool, own.slopes_in_place)))
        widths, dtype = [len(b) for b in own.biases], own.dtype
        self.workspaces = Workspaces(
            lambda m: tuple(tuple(np.empty((m, n), dtype) for n in widths) for _ in range(2))  # activations, deltas
        )

    def step(self, x: Array, y: Array, eta: float) -> None:
        m = len(x)
        x, y = np.ascontiguousarray(x, self.dtype), np.ascontiguousarray(y, self.dtype)
        self.compiled(self.weights, self.biases, *self.workspaces[m], x, y, -eta / m)

    def network(self) -> Network:
        return self.own.copy()


@cache
def compile_step(char: str, functions: tuple[Activation, ...], sloped: tuple[bool, ...]) -> Callable[..., None]:
    """The step for float32 ("f") or float64 ("d") and these functions, of which those that are sloped have a slope.

    Numba compiles it at its first call.
    """
    address = get_cython_function_address("scipy.linalg.cython_blas", {"f": "sgemm", "d": "dgemm"}[char])
    gemm = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(address)
    plain, transposed = np.frombuffer(b"N", np.uint8), np.frombuffer(b"T", np.uint8)
    dtype = np.dtype(char)

    @njit
    def product(
        flip_a: Any, flip_b: Any, m: int, n: int, k: int, alpha: float, a: Any, b: Any, beta: float, c: Any
    ) -> None:
        """C <- alpha A B + beta C for matrices as BLAS has them: each array's rows are the columns."""
        sizes = np.array([m, n, k, a.shape[1], b.shape[1], c.shape[1]], np.int32)
        factors = np.array([alpha, beta], dtype)
        gemm(
            flip_a.ctypes, flip_b.ctypes, sizes.ctypes, sizes[1:].ctypes, sizes[2:].ctypes,
            factors.ctypes, a.ctypes, sizes[3:].ctypes, b.ctypes, sizes[4:].ctypes,
            factors[1:].ctypes, c.ctypes, sizes[5:].ctypes,
        )  # fmt: skip

    activate = by_layer([compile_activation(function) for function in functions])
    descend = by_layer(
        [compile_descent(own.slope if steep else None) for own, steep in zip(functions, sloped, strict=True)]
    )

    @njit
    def step(weights: Any, biases: Any, activations: Any, deltas: Any, x: Any, y: Any, rate: float) -> None:
        m, last = len(x), len(weights) - 1
        for layer in range(last + 1):
            w, z = weights[layer], activations[layer]
            a = x if layer == 0 else activations[layer - 1]
            product(transposed, plain, w.shape[0], m, w.shape[1], 1.0, w, a, 0.0, z)
            activate(layer, (z, biases[layer]))
        for sample in range(m):
            for unit in range(y.shape[1]):
                deltas[last][sample, unit] = activations[last][sample, unit] - y[sample, unit]
        for layer in range(last, -1, -1):
            w, delta = weights[layer], deltas[layer]
            descend(layer, (delta, activations[layer], biases[layer], rate))
            if layer:
                product(plain, plain, w.shape[1], m, w.shape[0], 1.0, w, delta, 0.0, deltas[layer - 1])
            below = x if layer == 0 else activations[layer - 1]
            product(plain, transposed, w.shape[1], w.shape[0], m, rate, below, delta, 1.0, w)

    compiled: Callable[..., None] = step
    return compiled
