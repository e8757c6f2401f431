"""The activation functions and slopes of one number, in float32 and float64, so that LLVM vectorises loops of them.

LLVM has no vector form of exp. Here it is arithmetic alone: exp(-|x|) = 2^n e^r with n the nearest whole number to
-|x| / log 2, and e^r by the approximations of S. Moshier's Cephes library (exp.c, expf.c): in float64 a ratio
(q + p) / (q - p) of polynomials, whose division falls together with that of the sigmoid; in float32 a polynomial. The
power of two is made by shifting n into the bits of the exponent, in two factors, so that results below the smallest
normal number come out right, too. n comes from the low bits of a sum with 1.5 * 2^52 (or 2^23), which every processor
can vectorise. tests/backprop/test_compiled.py measures the error over the whole range: a few units in the last place.

Nothing branches, so that a loop can be vectorised; in float32 no literal is used, as Numba would make float64 of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

NUMERICS = {"error_model": "numpy", "fastmath": {"contract"}}  # a fused multiply-add rounds once; NaN stays NaN
compiled = njit(**NUMERICS)

Function = Callable[[Any], Any]


@compiled
def _decay64(x: Any) -> tuple[Any, Any, Any]:
    """exp(-|x|) as e / b; and u, of which it is (b + u) / b where |x| is less than log 2 / 2, and else 0."""
    x = -abs(x)
    x = -746.0 if x < -746.0 else x  # where it is 0; NaN stays
    shifted = x * 1.4426950408889634 + 6755399441055799.0  # 1.5 * 2^52 + 55
    n = shifted - 6755399441055799.0
    r = x - n * 6.93145751953125e-1 - n * 1.42860682030941723212e-6  # log 2 in two parts: n times the first is exact
    rr = r * r
    p = r * ((1.26177193074810590878e-4 * rr + 3.02994407707441961300e-2) * rr + 9.99999999999999999910e-1)
    q = 3.00198505138664455042e-6 * rr + 2.52448340349684104192e-3
    q = (q * rr + 2.27265548208155028766e-1) * rr + 2.00000000000000000009
    scaled = np.float64(q + p).view(np.int64) + (np.float64(shifted).view(np.int64) << np.int64(52))
    e = np.int64(scaled).view(np.float64) * 2.0**-55
    return e, q - p, p + p if n == 0.0 else 0.0


_LOG2_E, _MAGIC, _LEAST = np.float32(1.44269504), np.float32(12582912.0 + 26.0), np.float32(-104.0)
_LOG2_HIGH, _LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_ONE, _ZERO, _BACK = np.float32(1.0), np.float32(0.0), np.float32(2.0**-26)
_C5, _C4, _C3 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_C2, _C1, _C0 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)


@compiled
def _decay32(x: Any) -> tuple[Any, Any, Any]:
    """As _decay64; b is 1."""
    x = -abs(x)
    x = _LEAST if x < _LEAST else x
    shifted = x * _LOG2_E + _MAGIC
    n = shifted - _MAGIC
    r = x - n * _LOG2_HIGH - n * _LOG2_LOW
    u = (((((_C5 * r + _C4) * r + _C3) * r + _C2) * r + _C1) * r + _C0) * (r * r) + r
    scaled = np.float32(_ONE + u).view(np.int32) + np.int32(np.float32(shifted).view(np.int32) << np.int32(23))
    return np.int32(scaled).view(np.float32) * _BACK, _ONE, u if n == _ZERO else _ZERO


def _of_one_number(zero: Any, one: Any, decay: Function) -> dict[str, Function]:
    """The functions for one dtype, whose constants and decay these are."""

    def decayed(x: Any) -> Any:
        e, b, _ = decay(x)
        return e / b

    def sigmoid(x: Any) -> Any:
        e, b, _ = decay(x)
        return (e if x < zero else b) / (b + e)

    def tanh(x: Any) -> Any:
        e, b, u = decay(x + x)
        t = (b - e if u == zero else -u) / (b + e)
        return -t if x < zero else t

    def relu(x: Any) -> Any:
        return zero if x < zero else x

    def sigmoid_slope(x: Any) -> Any:
        return x * (one - x)

    def tanh_slope(x: Any) -> Any:
        return one - x * x

    def relu_slope(x: Any) -> Any:
        return zero if x <= zero else one

    functions = (decayed, sigmoid, tanh, relu, sigmoid_slope, tanh_slope, relu_slope)
    return {function.__name__: function for function in functions}


_OF = {
    types.float64: _of_one_number(0.0, 1.0, _decay64),
    types.float32: _of_one_number(np.float32(0.0), np.float32(1.0), _decay32),
}


def _for_each_dtype(name: str) -> Function:
    """The function of this name, for compiled code alone: by the dtype of its argument."""

    def function(x: Any) -> Any:
        raise NotImplementedError("this is for compiled code")

    @overload(function, jit_options=NUMERICS)
    def of_dtype(x: Any) -> Function:
        return _OF[x][name]

    return function


decayed, sigmoid, tanh, relu, sigmoid_slope, tanh_slope, relu_slope = map(_for_each_dtype, _OF[types.float64])
