"""torch_eager: PyTorch as most write it: autograd, and a loop over the parameters that updates them, on the CPU."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.autograd.profiler import profile
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, linear, mse_loss

from ..engine import Calls, Engine
from ..network import Array, Network
from ..threads import current

Function = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]

FUNCTIONS: dict[str, Function] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
}


def quadratic(a: Tensor, y: Tensor) -> Tensor:
    return mse_loss(a, y, reduction="sum") * (0.5 / len(y))


def sigmoid_cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)


CROSS_ENTROPIES: dict[str, Loss] = {"sigmoid": sigmoid_cross_entropy, "softmax": cross_entropy}  # of the last layer's z


def functions_of(activations: tuple[str, ...], cost: str) -> tuple[list[Function], Loss]:
    """What each layer's z passes through, and the mean cost of what comes out of the last."""
    if cost == "cross-entropy":
        return [FUNCTIONS[name] for name in (*activations[:-1], "identity")], CROSS_ENTROPIES[activations[-1]]
    return [FUNCTIONS[name] for name in activations], quadratic


def mean_cost(
    functions: list[Function], loss: Loss, weights: list[Tensor], biases: list[Tensor], x: Tensor, y: Tensor
) -> Tensor:
    """As `Network.mean_cost`."""
    a = x
    for w, b, function in zip(weights, biases, functions, strict=True):
        a = function(linear(a, w, b))
    return loss(a, y)


def products(network: Network, x: Array) -> Calls:
    """Each is written to the same memory every time."""
    torch.set_num_threads(current())
    weights, inputs = [torch.tensor(w) for w in network.weights], [torch.tensor(x)]
    calls: Calls = []

    def product(left: Tensor, right: Tensor) -> Tensor:
        out = left @ right
        calls.append(partial(torch.mm, left, right, out=out))
        return out

    for w in weights:
        inputs.append(product(inputs[-1], w.T))
    for layer in reversed(range(len(weights))):
        if layer:
            product(inputs[layer + 1], weights[layer])
        product(inputs[layer + 1].T, inputs[layer])
    return calls


def peak_bytes(engine: type[Engine], network: Network, x: Array, y: Array) -> int | None:
    """By each change that PyTorch's allocator reports to its profiler; None where that no longer tells them."""
    with profile(profile_memory=True) as told:
        engine(network).step(x, y, 1.0)
    with suppress(AttributeError):  # what `told` has is documented as a trace in a file alone: of a long loop, of 10 MB
        changes = [event for event in told.kineto_results.events() if event.name() == "[memory]"]
        changes.sort(key=lambda event: event.start_ns())
        return int(np.cumsum([event.nbytes() for event in changes]).max()) if changes else None
    return None


class TorchEager(Engine):
    """A peer: operations are dispatched one by one, and the gradient is autograd's.

    The loop is faster than torch.optim.SGD, by whichever of its kernels: fused, foreach, or neither.
    """

    traced = False
    products = staticmethod(products)
    peak_bytes = classmethod(peak_bytes)

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        torch.set_num_threads(current())
        self.like, self.dtype = network.like, network.dtype
        self.functions, self.loss = functions_of(network.activations, network.cost)
        self.weights = [torch.tensor(w, requires_grad=True) for w in network.weights]
        self.biases = [torch.tensor(b, requires_grad=True) for b in network.biases]
        self.parameters = [*self.weights, *self.biases]

    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        mean_cost(self.functions, self.loss, self.weights, self.biases, inputs, targets).backward()
        self.update(eta)

    @torch.no_grad()
    def update(self, rate: float) -> None:
        """Take this much of the gradient that autograd has added up, and let it begin anew."""
        for parameter in self.parameters:
            parameter.sub_(parameter.grad, alpha=rate)
            parameter.grad = None  # or the next would be added to it

    def network(self) -> Network:
        weights, biases = ([block.detach().numpy() for block in part] for part in (self.weights, self.biases))
        return self.like(weights, biases).copy()
