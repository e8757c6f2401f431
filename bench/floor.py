"""The floor: the products that a step needs and nothing else, as calls of BLAS that are ready to be made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from scipy.linalg import get_blas_funcs

from backprop import Engine, Network
from backprop.network import Array
from backprop.products import Products, steps


class Floor(Engine):
    """What no engine can take less time than: its step is no step, and computes no gradient.

    The products are those of `fused`, in the forms that its trial found fastest here, over memory made once.
    Their calls are recorded, arguments and all, and made again in each step: so nothing is left of the
    interpreter but one call for each product or block of one. The inputs are the first that it is given of a
    length: whatever their values, the work is the same.
    """

    name = "floor"

    def __init__(self, network: Network) -> None:
        self.initial = network.copy()
        self.weights = list(self.initial.copy().weights)
        self.calls: dict[int, list[Callable[[], object]]] = {}

    def step(self, x: Array, y: Array, eta: float) -> None:  # noqa: ARG002
        if len(x) not in self.calls:
            self.calls[len(x)] = self.record(x.copy())
        for call in self.calls[len(x)]:
            call()

    def record(self, x: Array) -> list[Callable[[], object]]:
        calls: list[Callable[[], object]] = []

        def noted(function: Callable[..., object]) -> Callable[..., None]:
            return lambda *arguments: calls.append(partial(function, *arguments))

        blas = get_blas_funcs(("gemm", "gemv", "ger"), dtype=self.initial.dtype)
        for product in steps(Products(self.weights, len(x), functions=[noted(f) for f in blas]), x.T):
            product()
        return calls

    def network(self) -> Network:
        return self.initial.copy()
