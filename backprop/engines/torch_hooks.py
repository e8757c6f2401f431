"""torch_hooks: per-sample gradients as privacy libraries make them: of each layer's inputs and errors, by einsum."""

import numpy as np
import torch
from torch.nn.functional import linear

from ..network import Array
from .torch_eager import TorchEager


class TorchHooks(TorchEager):
    """A peer: autograd gives each layer's errors, and einsum the gradient of every sample; then their mean.

    Opacus hooks itself to layers for the same two arrays, and calls it for a linear one. What stacked is, in PyTorch.
    """

    def step(self, x: Array, y: Array, eta: float) -> None:
        a, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        inputs, zs = [], []
        for w, b, function in zip(self.weights, self.biases, self.functions, strict=True):
            inputs.append(a.detach())
            zs.append(linear(a, w, b))
            a = function(zs[-1])
        errors = torch.autograd.grad(self.loss(a, targets), zs)  # of the mean cost: a sample's share of it
        with torch.no_grad():
            for w, b, own, error in zip(self.weights, self.biases, inputs, errors, strict=True):
                gradients = torch.einsum("bi,bj->bij", error, own)
                w.sub_(gradients.sum(0), alpha=eta)
                b.sub_(error.sum(0), alpha=eta)
