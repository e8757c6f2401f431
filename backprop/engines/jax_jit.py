"""jax_jit: the whole step, gradient and update, jitted by JAX for each shape, its parameters donated, on the CPU."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import backend

from ..engine import Calls, Engine
from ..network import Array, Network
from ..threads import current

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)  # or float64 would silently be float32
jax.config.update("jax_cpu_enable_async_dispatch", False)  # it is waited for, and to hand it to a thread takes time

Parameters = list[tuple[Any, Any]]
Jitted = Callable[..., Parameters]

threads = 0  # of XLA's pool, which is made once and then keeps its size


FUNCTIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "identity": lambda z: z}
CROSS_ENTROPIES = {  # by the last layer's z
    "sigmoid": lambda z, y: jnp.sum(jax.nn.softplus(z) - y * z),
    "softmax": lambda z, y: -jnp.sum(y * jax.nn.log_softmax(z)),
}


def mean_cost(activations: tuple[str, ...], cost: str, parameters: Parameters, x: Any, y: Any) -> Any:
    """As `Network.mean_cost`."""
    a = x
    for (w, b), function in zip(parameters[:-1], activations[:-1], strict=True):
        a = FUNCTIONS[function](a @ w.T + b)
    (w, b), top = parameters[-1], activations[-1]
    z = a @ w.T + b
    if cost == "cross-entropy":
        return CROSS_ENTROPIES[top](z, y) / len(x)
    return 0.5 * jnp.sum((FUNCTIONS[top](z) - y) ** 2) / len(x)


def descend(parameters: Parameters, gradient: Parameters, eta: Any) -> Parameters:
    """The parameters after a step of rate eta, a float64 scalar, down this gradient."""
    updated: Parameters = jax.tree.map(lambda p, slope: p - eta.astype(p.dtype) * slope, parameters, gradient)
    return updated


@cache
def jit_step(activations: tuple[str, ...], cost: str) -> Jitted:
    """The step for these functions, jitted for each shape when it first comes.

    Called as it is: what is compiled ahead, by `lower` and `compile`, takes longer to call.
    """
    gradient_of = jax.grad(partial(mean_cost, activations, cost))

    @partial(jax.jit, donate_argnums=0)
    def step(parameters: Parameters, x: Any, y: Any, eta: Any) -> Parameters:
        return descend(parameters, gradient_of(parameters, x, y), eta)

    jitted: Jitted = step
    return jitted


@jax.jit
def _products(weights: list[Any], x: Any) -> list[Any]:
    inputs = [x]
    for w in weights:
        inputs.append(inputs[-1] @ w.T)
    back = []
    for layer in reversed(range(len(weights))):
        if layer:
            back.append(inputs[layer + 1] @ weights[layer])
        back.append(inputs[layer + 1].T @ inputs[layer])
    return inputs[1:] + back


def products(network: Network, x: Array) -> Calls:
    """XLA makes them all in one call, and may make them side by side."""
    keep_to_threads()
    weights, inputs = [jnp.array(w) for w in network.weights], jnp.array(x)
    return [lambda: jax.block_until_ready(_products(weights, inputs))]


def most_bytes(jitted: Any, *given: Any) -> int | None:
    """What a call holds at the most, by XLA's plan for it: arguments, outputs, what lies between; None if it has none.

    NumPy's arrays are not among them: XLA reads them where they are if they start at a cache line, as timed ones do.
    """
    plan = jitted.lower(*given).compile().memory_analysis()
    if plan is None:
        return None
    lent = sum(one.nbytes for one in given if isinstance(one, np.ndarray))
    own = plan.argument_size_in_bytes - lent + plan.output_size_in_bytes - plan.alias_size_in_bytes
    return int(own + plan.temp_size_in_bytes)


def keep_to_threads() -> None:
    """Let XLA make its pool anew where the number of threads is another than the pool was made for."""
    global threads
    if threads != (threads := current()):
        backend.clear_backends()


class JaxJit(Engine):
    """A peer: XLA plans the whole step, and writes the new parameters where the old ones were."""

    compiles = True
    traced = False
    products = staticmethod(products)
    jit = staticmethod(jit_step)

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    @classmethod
    def peak_bytes(cls, network: Network, x: Array, y: Array) -> int | None:
        """Of the call that holds the most."""
        held = [most_bytes(*call) for call in cls(network).calls(x, y)]
        return None if None in held else max(filter(None, held))

    def __init__(self, network: Network) -> None:
        keep_to_threads()
        self.like, self.dtype = network.like, network.dtype
        self.jitted = self.jit(network.activations, network.cost)
        self.parameters = [(jnp.array(w), jnp.array(b)) for w, b in zip(network.weights, network.biases, strict=True)]

    def calls(self, x: Array, y: Array) -> list[tuple[Any, ...]]:
        """The calls of a step that differ, each what is jitted and what it is given."""
        return [(self.jitted, self.parameters, x, y, np.float64(1.0))]

    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (np.ascontiguousarray(array, self.dtype) for array in (x, y))
        self.parameters = self.jitted(self.parameters, inputs, targets, np.float64(eta))
        self.parameters[0][0].block_until_ready()  # one execution makes them all

    def network(self) -> Network:
        weights, biases = zip(*((np.array(w), np.array(b)) for w, b in self.parameters), strict=True)
        return self.like(weights, biases)
