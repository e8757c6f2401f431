"""jax_vmap: JAX's per-sample gradients of the whole batch, by vmap of grad, then their mean, all of it jitted."""

from functools import cache, partial
from typing import Any

import jax

from .jax_jit import JaxJit, Jitted, Parameters, descend, mean_cost


@cache
def jit_step(activations: tuple[str, ...], cost: str) -> Jitted:
    """The step for these functions, jitted for each shape when it first comes."""

    def cost_of_one(parameters: Parameters, x: Any, y: Any) -> Any:
        """Of a sample x (n_in,) and y (n_out,), as of a batch of one."""
        return mean_cost(activations, cost, parameters, x[None], y[None])

    gradients_of = jax.vmap(jax.grad(cost_of_one), in_axes=(None, 0, 0))

    @partial(jax.jit, donate_argnums=0)
    def step(parameters: Parameters, x: Any, y: Any, eta: Any) -> Parameters:
        mean = jax.tree.map(lambda gradients: gradients.mean(axis=0), gradients_of(parameters, x, y))
        return descend(parameters, mean, eta)

    jitted: Jitted = step
    return jitted


class JaxVmap(JaxJit):
    """A peer: JAX's own vectorisation of the loop over samples; what XLA keeps of their gradients is its choice."""

    jit = staticmethod(jit_step)
