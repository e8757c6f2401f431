"""BLAS for compiled code: SciPy's, by the addresses of its routines, and calls of it as rows of a table.

A row is what a routine of BLAS is given in Fortran: the address of each argument, numbers too. So a call costs what it
costs in C, whatever its form; and code that makes them can be kept on the disk, as it has no address in it: the
routines are symbols to it, which are resolved when it is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import get_cython_function_address

from ..network import Array
from ..products import Call, Samples
from .scalars import compiled

ARGUMENTS = {"gemm": 13, "gemv": 11, "ger": 9}
CODE, X_AT, X_OFFSET, WIDTH = 0, 14, 15, 16  # columns: the routine; which argument is inputs, 0 for none; how far in


def _routine(name: str) -> Any:
    symbol = f"backprop_bench_{name}"
    llvm.add_symbol(symbol, get_cython_function_address("scipy.linalg.cython_blas", name))
    return types.ExternalFunction(symbol, types.void(*[types.intp] * ARGUMENTS[name[1:]]))


CODES = {name: code for code, name in enumerate(("dgemm", "sgemm", "dgemv", "sgemv", "dger", "sger"))}
_dgemm, _sgemm, _dgemv, _sgemv, _dger, _sger = map(_routine, CODES)


class Table:
    """The calls of these products as rows, one after the other, which can be made as long as this lives.

    rate is an array whose first number is that of the step; x are inputs such as those of a step, (n_in, batch) in
    Fortran order, of which only the shape matters.
    """

    def __init__(self, products: Sequence[Sequence[Call]], rate: Array, x: Array) -> None:
        self.calls = calls = [call for product in products for call in product]
        self.rate, self.x, self.kept = rate, x, list[npt.NDArray[Any]]()
        self.rows = np.zeros((len(calls), WIDTH), np.int64)
        for row, call in zip(self.rows, calls, strict=True):
            row[CODE] = CODES[("s" if rate.itemsize == 4 else "d") + call.routine]
            arguments = self._arguments(call)
            row[1 : 1 + len(arguments)] = [array.ctypes.data for array in arguments]
            for at, array in enumerate(arguments, 1):
                if np.may_share_memory(array, x):
                    row[X_AT], row[X_OFFSET] = at, array.ctypes.data - x.ctypes.data

    def _arguments(self, call: Call) -> list[npt.NDArray[Any]]:
        a, b = (operand.of(self.x) if isinstance(operand, Samples) else operand for operand in (call.a, call.b))
        c, one, flip = call.c, self._whole(1), self._letter(call.flip_a)
        alpha = self.rate if call.alpha is None else self._number(call.alpha)
        m, n = map(self._whole, (a if call.routine == "gemv" else c).shape)
        first_a, first_c = self._whole(len(a)), self._whole(len(c))  # leading dimensions: no rows are left out
        if call.routine == "gemm":
            k, first_b = self._whole(a.shape[0 if call.flip_a else 1]), self._whole(len(b))
            beta = self._number(call.beta)
            return [flip, self._letter(call.flip_b), m, n, k, alpha, a, first_a, b, first_b, beta, c, first_c]
        if call.routine == "gemv":
            return [flip, m, n, alpha, a, first_a, b, one, self._number(call.beta), c, one]
        return [m, n, alpha, a, one, b, one, c, first_c]

    def _letter(self, flip: bool) -> npt.NDArray[Any]:
        return self._keep(np.array(b"T" if flip else b"N"))

    def _whole(self, number: int) -> npt.NDArray[Any]:
        return self._keep(np.array(number, np.int32))

    def _number(self, number: float) -> npt.NDArray[Any]:
        return self._keep(np.array(number, self.rate.dtype))

    def _keep(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        self.kept.append(array)
        return array


@compiled
def make(calls: Any, first: int, last: int, x: int) -> None:
    """Make the calls of the table from the first to before the last; x is the address of the inputs."""
    for i in range(first, last):
        c = calls[i]
        if c[X_AT]:
            c[c[X_AT]] = x + c[X_OFFSET]
        code = c[CODE]
        if code == 0:
            _dgemm(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13])
        elif code == 1:
            _sgemm(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13])
        elif code == 2:
            _dgemv(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11])
        elif code == 3:
            _sgemv(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11])
        elif code == 4:
            _dger(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9])
        else:
            _sger(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9])
