"""jax_loop: JAX sample by sample: a jitted call for each adds its gradient to the sum, and one more updates."""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..network import Array
from .jax_jit import JaxJit, Jitted, Parameters, descend, mean_cost


@cache
def jit_add_gradient(activations: tuple[str, ...], cost: str) -> Jitted:
    """The gradient of a batch of one, added to a sum that is donated; without a sum, the gradient."""
    gradient_of = jax.grad(partial(mean_cost, activations, cost))

    @partial(jax.jit, donate_argnums=0)
    def add_gradient(total: Parameters | None, parameters: Parameters, x: Any, y: Any) -> Parameters:
        gradient: Parameters = gradient_of(parameters, x, y)
        return gradient if total is None else jax.tree.map(jnp.add, total, gradient)

    jitted: Jitted = add_gradient
    return jitted


jit_descend = jax.jit(descend, donate_argnums=0)


class JaxLoop(JaxJit):
    """A peer: what per_sample is, in JAX. The loop is Python's, and all that it does for a sample is one jitted call.

    With the sum left to `jax.tree.map` outside, each sample would pay for four calls more; with `lax.scan` or
    `lax.map` in one jitted function, the loop would be XLA's and the samples not sent through one by one.
    """

    jit = staticmethod(jit_add_gradient)

    def calls(self, x: Array, y: Array) -> list[tuple[Any, ...]]:
        total = self.parameters  # of the same shapes
        return [
            (self.jitted, total, self.parameters, x[:1], y[:1]),
            (jit_descend, self.parameters, total, np.float64(1.0)),
        ]

    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (np.ascontiguousarray(array, self.dtype) for array in (x, y))
        total = None
        for i in range(len(x)):
            total = self.jitted(total, self.parameters, inputs[i : i + 1], targets[i : i + 1])
        self.parameters = jit_descend(self.parameters, total, np.float64(eta / len(x)))
        self.parameters[0][0].block_until_ready()
