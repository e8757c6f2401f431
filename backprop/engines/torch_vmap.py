"""torch_vmap: torch.func's per-sample gradients of the whole batch, by vmap of grad, then their mean."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..network import Array, Network
from .torch_eager import TorchEager, mean_cost


class TorchVmap(TorchEager):
    """A peer: PyTorch's own vectorisation of the loop over samples; what stacked is, in PyTorch."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        own = partial(mean_cost, self.functions, self.loss)

        def cost_of_one(weights: list[Tensor], biases: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
            """Of a sample x (n_in,) and y (n_out,), as of a batch of one."""
            return own(weights, biases, x[None], y[None])

        gradient_of_one = torch.func.grad(cost_of_one, argnums=(0, 1))
        self.gradients_of = torch.func.vmap(gradient_of_one, in_dims=(None, None, 0, 0))

    @torch.no_grad()
    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        of_weights, of_biases = self.gradients_of(self.weights, self.biases, inputs, targets)
        for parameter, gradients in zip(self.parameters, of_weights + of_biases, strict=True):
            parameter.sub_(gradients.mean(0), alpha=eta)
