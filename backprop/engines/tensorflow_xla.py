"""tensorflow_xla: the whole step, compiled by TensorFlow's XLA for each batch length, on variables, on the CPU."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

# Read when it is imported: only what is wrong is told. oneDNN's notice goes with oneDNN alone, which XLA does without.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

with suppress(Exception):
    import triton  # noqa: F401  PyTorch's: loaded after TensorFlow 2.20 or 2.21, it crashes (their issue 124205)
import tensorflow as tf

from ..engine import Calls, Engine
from ..network import Array, Network
from ..threads import current
from ..workspaces import Workspaces

Step = Callable[[Any, Any], object]

FUNCTIONS = {"sigmoid": tf.sigmoid, "tanh": tf.tanh, "relu": tf.nn.relu, "identity": tf.identity}
CROSS_ENTROPIES = {  # by the last layer's z
    "sigmoid": tf.nn.sigmoid_cross_entropy_with_logits,
    "softmax": tf.nn.softmax_cross_entropy_with_logits,
}
ALIGNED = 16  # bytes: code by XLA takes for granted that its arrays start at a multiple


def mean_cost(activations: tuple[str, ...], cost: str, weights: list[Any], biases: list[Any], x: Any, y: Any) -> Any:
    """As `Network.mean_cost`."""
    a, top = x, activations[-1]
    for w, b, function in zip(weights, biases, activations, strict=True):
        z = tf.matmul(a, w, transpose_b=True) + b
        a = FUNCTIONS[function](z) if function in FUNCTIONS else z  # softmax is in its cost
    if cost == "cross-entropy":
        return tf.reduce_sum(CROSS_ENTROPIES[top](y, z)) / x.shape[0]
    return 0.5 * tf.reduce_sum(tf.math.squared_difference(a, y)) / x.shape[0]


def compiled_step(
    activations: tuple[str, ...], cost: str, weights: list[Any], biases: list[Any], eta: Any, batch: int
) -> Step:
    """The step of x (batch, n_in) and y (batch, n_out) that updates these variables; compiled when first called.

    eta, a scalar, is a variable, too, because each argument makes a call slower. So does `tf.function`, which looks for
    the right one among its traces: this is one of them, a concrete function.
    """

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            mean = mean_cost(activations, cost, weights, biases, x, y)
        parameters = weights + biases
        for parameter, slope in zip(parameters, tape.gradient(mean, parameters), strict=True):
            parameter.assign_sub(eta * slope)

    dtype, n_in, n_out = weights[0].dtype, weights[0].shape[1], biases[-1].shape[0]
    taken = [tf.TensorSpec(shape, dtype) for shape in ((batch, n_in), (batch, n_out))]
    concrete: Step = tf.function(step, jit_compile=True, autograph=False).get_concrete_function(*taken)
    return concrete


def products(network: Network, x: Array) -> Calls:
    """XLA makes them all in one call."""
    keep_to_threads()

    def make(weights: list[Any], x: Any) -> list[Any]:
        inputs, back = [x], []
        for w in weights:
            inputs.append(tf.matmul(inputs[-1], w, transpose_b=True))
        for layer in reversed(range(len(weights))):
            if layer:
                back.append(tf.matmul(inputs[layer + 1], weights[layer]))
            back.append(tf.matmul(inputs[layer + 1], inputs[layer], transpose_a=True))
        return inputs[1:] + back

    given = [tf.constant(w) for w in network.weights], tf.constant(x)
    return [partial(tf.function(make, jit_compile=True, autograph=False).get_concrete_function(*given), *given)]


def keep_to_threads() -> None:
    """Before TensorFlow's first operation of a process; later it keeps what it has, and the cores are its limit."""
    with suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(current())
        tf.config.threading.set_inter_op_parallelism_threads(current())


def tensor_of(array: Array) -> Any:
    """A tensor in an array's own memory where XLA can read that as it lies; else of a copy, which makes calls slow."""
    if array.ctypes.data % ALIGNED or not array.flags.writeable:  # what is read-only, NumPy does not lend so
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


class TensorflowXla(Engine):
    """A peer: one call of a compiled function, that comes back when the step is done."""

    compiles = True
    traced = False
    products = staticmethod(products)

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        keep_to_threads()
        self.like, self.dtype = network.like, network.dtype
        self.weights, self.biases = (
            [tf.Variable(block) for block in part] for part in (network.weights, network.biases)
        )
        self.eta, self.rate = 0.0, tf.Variable(0, dtype=self.dtype)
        own = network.activations, network.cost, self.weights, self.biases, self.rate
        self.compiled = Workspaces(partial(compiled_step, *own))

    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (tensor_of(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        if eta != self.eta:
            self.eta = eta
            self.rate.assign(eta)
        self.compiled[len(x)](inputs, targets)

    def network(self) -> Network:
        weights, biases = ([block.numpy() for block in part] for part in (self.weights, self.biases))
        return self.like(weights, biases).copy()
