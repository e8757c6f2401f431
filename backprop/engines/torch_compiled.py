"""torch_compiled: the whole step, gradient and update, compiled by torch.compile for each shape, on the CPU."""

import os
import shutil
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor

from ..engine import Engine
from ..errors import InputError
from ..network import Array, Network
from ..threads import current
from .torch_eager import functions_of, mean_cost, peak_bytes, products

if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
    raise InputError("engine torch_compiled needs a C++ compiler, which is not installed: install g++ or clang++")

# Each shape is a compilation of its own; past PyTorch's limits it would go on eagerly without a word.
torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = 100_000


Step = Callable[[list[Tensor], list[Tensor], Tensor, Tensor, Tensor], None]


@cache
def compile_step(activations: tuple[str, ...], cost: str) -> Step:
    """The step for these functions, compiled for each shape when it first comes."""
    gradient_of = torch.func.grad(partial(mean_cost, *functions_of(activations, cost)), argnums=(0, 1))

    @torch.compile(dynamic=False, fullgraph=True)
    def step(weights: list[Tensor], biases: list[Tensor], x: Tensor, y: Tensor, eta: Tensor) -> None:
        gradient = gradient_of(weights, biases, x, y)
        for parameter, slope in zip(weights + biases, gradient[0] + gradient[1], strict=True):
            parameter.sub_(eta * slope)

    compiled: Step = step
    return compiled


class TorchCompiled(Engine):
    """A peer: no dispatch between the operations; their loops are fused into C++ kernels."""

    compiles = True
    traced = False
    products = staticmethod(products)
    peak_bytes = classmethod(peak_bytes)

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    def __init__(self, network: Network) -> None:
        torch.set_num_threads(current())
        self.like, self.dtype = network.like, network.dtype
        self.compiled = compile_step(network.activations, network.cost)
        self.weights = [torch.tensor(w) for w in network.weights]
        self.biases = [torch.tensor(b) for b in network.biases]
        self.eta = torch.zeros((), dtype=self.weights[0].dtype)  # a tensor: for each number it would compile anew

    @torch.no_grad()
    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        self.compiled(self.weights, self.biases, inputs, targets, self.eta.fill_(eta))

    def network(self) -> Network:
        weights, biases = ([block.numpy() for block in part] for part in (self.weights, self.biases))
        return self.like(weights, biases).copy()
