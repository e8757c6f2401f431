"""torch_loop: PyTorch sample by sample: autograd adds up the gradients of a batch, and one update ends it."""

import numpy as np
import torch

from ..network import Array
from .torch_eager import TorchEager, mean_cost


class TorchLoop(TorchEager):
    """A peer: what per_sample is, in PyTorch. Each sample is a batch of one, and `backward` adds to what is there."""

    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        for sample, target in zip(inputs.split(1), targets.split(1), strict=True):
            mean_cost(self.functions, self.loss, self.weights, self.biases, sample, target).backward()
        self.update(eta / len(x))
