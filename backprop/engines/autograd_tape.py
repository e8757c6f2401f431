"""autograd_tape: the forward pass alone is written, in NumPy; the package autograd tapes it and derives the rest."""

from functools import partial
from typing import Any

import numpy as np
from autograd import grad
from autograd import numpy as anp
from autograd.scipy.special import expit, logsumexp

from ..engine import Engine
from ..network import Array, Network, quiet

FUNCTIONS = {
    "sigmoid": expit,
    "tanh": anp.tanh,
    "relu": lambda z: z * (z > 0),  # its derivative is a product; that of anp.maximum looks for ties
    "identity": lambda z: z,
}
CROSS_ENTROPIES = {  # by the last layer's z
    "sigmoid": lambda z, y: anp.sum(anp.logaddexp(0, z) - y * z),
    "softmax": lambda z, y: anp.sum(y * (logsumexp(z, axis=1, keepdims=True) - z)),
}


def mean_cost(activations: tuple[str, ...], cost: str, *given: Any) -> Any:
    """As `Network.mean_cost`, of all weights, all biases, x and y one by one: a tape of lists takes longer."""
    *parameters, a, y = given
    batch, depth = len(a), len(activations)
    for w, b, function in zip(parameters[:depth], parameters[depth:], activations, strict=True):
        z = a @ w.T + b
        a = FUNCTIONS[function](z) if function in FUNCTIONS else z  # softmax is in its cost
    if cost == "cross-entropy":
        return CROSS_ENTROPIES[activations[-1]](z, y) * (1 / batch)
    difference = a - y
    return anp.sum(difference * difference) * (0.5 / batch)


class AutogradTape(Engine):
    """A peer: full_matrix's products by the same BLAS, and a tape."""

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        self.own = own = network.copy()
        self.parameters = [*own.weights, *own.biases]
        own_cost = partial(mean_cost, own.activations, own.cost)
        self.gradient_of = grad(own_cost, argnum=tuple(range(len(self.parameters))))

    @quiet
    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (np.ascontiguousarray(array, self.own.dtype) for array in (x, y))
        for parameter, slope in zip(self.parameters, self.gradient_of(*self.parameters, inputs, targets), strict=True):
            parameter -= eta * slope

    def network(self) -> Network:
        return self.own.copy()
