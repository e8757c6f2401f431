"""torch_eager: PyTorch as most write it, autograd and torch.optim.SGD with its foreach kernels, on the CPU."""

from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from ..engine import Calls, Engine
from ..network import Array, Network
from ..threads import current


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


class TorchEager(Engine):
    """A peer: operations are dispatched one by one, and the gradient is autograd's."""

    traced = False
    products = staticmethod(products)

    def __init__(self, network: Network) -> None:
        torch.set_num_threads(current())
        self.dtype = network.dtype
        self.weights = [torch.tensor(w, requires_grad=True) for w in network.weights]
        self.biases = [torch.tensor(b, requires_grad=True) for b in network.biases]
        self.optimizer = torch.optim.SGD([*self.weights, *self.biases], foreach=True)

    def step(self, x: Array, y: Array, eta: float) -> None:
        a, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        for w, b in zip(self.weights, self.biases, strict=True):
            a = torch.sigmoid(linear(a, w, b))
        cost = 0.5 * (a - targets).square().sum() / len(x)
        self.optimizer.zero_grad(set_to_none=True)
        cost.backward()
        self.optimizer.param_groups[0]["lr"] = eta
        self.optimizer.step()

    def network(self) -> Network:
        weights, biases = ([block.detach().numpy() for block in part] for part in (self.weights, self.biases))
        return Network(tuple(weights), tuple(biases)).copy()
