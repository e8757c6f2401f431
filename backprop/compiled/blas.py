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
from numpy.lib.stride_tricks import as_strided

from ..network import Array
from ..products import Call, Samples
from .scalars import compiled

ARGUMENTS = {"gemm": 13, "gemv": 11, "ger": 9}
ROUTINE, X_AT, X_OFFSET, WIDTH = 0, 14, 15, 16  # columns: whose call; which argument is inputs, or 0; how far in


def _routine(name: str) -> Any:
    symbol = f"backprop_bench_{name}"
    llvm.add_symbol(symbol, get_cython_function_address("scipy.linalg.cython_blas", name))
    return types.ExternalFunction(symbol, types.void(*[types.intp] * ARGUMENTS[name[1:]]))


ROUTINES = ("dgemm", "sgemm", "dgemv", "sgemv", "dger", "sger")
_dgemm, _sgemm, _dgemv, _sgemv, _dger, _sger = map(_routine, ROUTINES)
_DGEMM, _SGEMM, _DGEMV, _SGEMV, _DGER, _ = range(len(ROUTINES))


class Table:
    """The calls of these products as rows, one after the other, which can be made as long as this lives.

    rate is an array whose first number is that of the step; inputs is the shape of those of a step, (n_in, batch). So
    many rows before the first call are left to the caller.
    """

    def __init__(
        self, products: Sequence[Sequence[Call]], rate: Array, inputs: tuple[int, ...], before: int = 0
    ) -> None:
        self.calls, self.rate = [call for product in products for call in product], rate
        # It stands for them where addresses are reckoned: what lies there is not theirs, and is never read.
        self.x = as_strided(rate, inputs, (rate.itemsize, rate.itemsize * inputs[0]))
        self.kept: list[npt.NDArray[Any]] = []
        self.rows = np.zeros((before + len(self.calls), WIDTH), np.int64)
        for row, call in zip(self.rows[before:], self.calls, strict=True):
            self._fill(row, call)

    def _fill(self, row: npt.NDArray[np.int64], call: Call) -> None:
        a, b = (operand.of(self.x) if isinstance(operand, Samples) else operand for operand in (call.a, call.b))
        arguments = self._arguments(call, a, b)
        row[ROUTINE] = ROUTINES.index(("s" if self.rate.itemsize == 4 else "d") + call.routine)
        row[1 : 1 + len(arguments)] = [array.ctypes.data for array in arguments]
        for operand, array in ((call.a, a), (call.b, b)):
            if isinstance(operand, Samples):
                row[X_AT] = next(at for at, argument in enumerate(arguments, 1) if argument is array)
                row[X_OFFSET] = array.ctypes.data - self.x.ctypes.data

    def _arguments(self, call: Call, a: Array, b: Array) -> list[npt.NDArray[Any]]:
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
def make(table: Any, first: int, last: int, x: int) -> None:
    """Make the calls in the rows from the first to before the last; x is the address of the inputs."""
    for i in range(first, last):
        c = table[i]
        if c[X_AT]:
            c[c[X_AT]] = x + c[X_OFFSET]
        routine = c[ROUTINE]
        if routine == _DGEMM:
            _dgemm(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13])
        elif routine == _SGEMM:
            _sgemm(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13])
        elif routine == _DGEMV:
            _dgemv(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11])
        elif routine == _SGEMV:
            _sgemv(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11])
        elif routine == _DGER:
            _dger(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9])
        else:
            _sger(c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9])
