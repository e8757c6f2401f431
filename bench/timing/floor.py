"""The floor: the products that a step needs and nothing else, as calls that are ready to be made."""

from __future__ import annotations

from collections.abc import Callable

from backprop import Engine, Network
from backprop.engine import Calls
from backprop.network import Array
from backprop.products import Blas, Products


def by_blas(network: Network, x: Array) -> Calls:
    """The products of `fused`, in the forms that its trial found fastest here, over memory made once.

    They are ready to be made, arguments and all: so nothing is left of the interpreter but one call for each product or
    block of one.
    """
    products, blas = Products.alone(network.copy().weights, len(x)), Blas(network.dtype)
    return [blas.ready(call, x.T) for product in products.in_order for call in product]


class Floor(Engine):
    """What no engine can take less time than: its step is no step, and computes no gradient.

    products: whose, None for BLAS called from Python; an engine that has its products made otherwise may have faster
    ones. The inputs are the first that it is given of a length, no copy of them: where they lie in memory they cost it
    what they cost the engines, and whatever their values, the work is the same. So an epoch over a data set has no
    floor: its mini-batches are many, each fetched from memory, and calls that are ready for every one of them would
    need memory for each.
    """

    name = "floor"

    def __init__(self, network: Network, products: Callable[[Network, Array], Calls] | None = None) -> None:
        self.initial = network.copy()
        self.prepare = products or by_blas
        self.calls: dict[int, Calls] = {}

    def step(self, x: Array, y: Array, eta: float) -> None:  # noqa: ARG002
        if len(x) not in self.calls:
            self.calls[len(x)] = self.prepare(self.initial, x)
        for call in self.calls[len(x)]:
            call()

    def network(self) -> Network:
        return self.initial.copy()
