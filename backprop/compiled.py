"""The passes between the products of a step, compiled by Numba for the functions of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from .functions import SOFTMAX, Activation, Array


@cache
def compile_activation(function: Activation) -> Any:
    """The call that makes of z without its bias, (batch, units), the activation, in place."""
    if function is SOFTMAX:

        @njit(inline="always")
        def activate(_: int, arrays: Any) -> None:
            z, b = arrays
            for shares in z:
                shares += b
                shares -= shares.max()
                shares[:] = np.exp(shares)
                shares /= shares.sum()
    else:
        of = njit(inline="always")(function.of)

        @njit(inline="always")
        def activate(_: int, arrays: Any) -> None:
            z, b = arrays
            for sample in range(len(z)):
                for unit in range(len(b)):
                    z[sample, unit] = of(z[sample, unit] + b[unit])

    return activate


@cache
def compile_descent(of_activation: Callable[[Array], Array] | None) -> Any:
    """The call that takes delta through a slope, where there is one, and its mean from the biases."""
    slope = of_activation and njit(inline="always")(of_activation)

    @njit(inline="always")
    def descend(_: int, arrays: Any) -> None:
        delta, a, b, rate = arrays
        for sample in range(len(delta)):
            for unit in range(len(b)):
                if slope is not None:
                    delta[sample, unit] *= slope(a[sample, unit])
                b[unit] += rate * delta[sample, unit]

    return descend


def by_layer(calls: Sequence[Any]) -> Any:
    """One call for all layers, which takes the number of the layer first."""
    first, *others = calls
    if all(call is first for call in others):
        return first
    rest = by_layer(others)

    @njit(inline="always")
    def call(layer: int, arrays: Any) -> None:
        if layer == 0:
            first(layer, arrays)
        else:
            rest(layer - 1, arrays)

    return call
