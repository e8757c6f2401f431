"""torch_eager: PyTorch as most write it, autograd and torch.optim.SGD with its foreach kernels, on the CPU."""

import numpy as np
import torch
from torch.nn.functional import linear

from ..engine import Engine
from ..network import Array, Network
from ..threads import current


class TorchEager(Engine):
    """A peer: operations are dispatched one by one, and the gradient is autograd's."""

    traced = False

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
