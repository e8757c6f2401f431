"""torch_by_hand: PyTorch's kernels without its autograd, in buffers made once: what the tape of torch_eager costs."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..engine import Engine
from ..network import Array, Network
from ..threads import current
from ..workspaces import Workspaces
from .torch_eager import peak_bytes, products

Call = Callable[[], object]

ACTIVATE: dict[str, Callable[[Tensor], Call | None]] = {  # how z (batch, units) becomes the activation, in place
    "sigmoid": lambda z: z.sigmoid_,
    "tanh": lambda z: z.tanh_,
    "relu": lambda z: z.relu_,
    "identity": lambda _: None,
    "softmax": lambda z: partial(torch.softmax, z, 1, out=z),
}
TAKE_SLOPE: dict[str, Callable[[Tensor, Tensor], Call]] = {  # how delta is multiplied by the slope, from a
    "sigmoid": lambda delta, a: partial(torch.ops.aten.sigmoid_backward.grad_input, delta, a, grad_input=delta),
    "tanh": lambda delta, a: partial(torch.ops.aten.tanh_backward.grad_input, delta, a, grad_input=delta),
    "relu": lambda delta, a: partial(torch.ops.aten.threshold_backward.grad_input, delta, a, 0, grad_input=delta),
}


class Workspace:
    """The tensors of a step at one batch length, (batch, units) for each layer, and what is called to work on them."""

    def __init__(
        self, functions: tuple[str, ...], sloped: list[bool], weights: list[Tensor], biases: list[Tensor], batch: int
    ) -> None:
        activations, deltas = ([b.new_empty(batch, len(b)) for b in biases] for _ in range(2))
        slopes = [
            TAKE_SLOPE[name](delta, a) if steep else None
            for name, steep, delta, a in zip(functions, sloped, deltas, activations, strict=True)
        ]
        self.up = [
            (b, w.T, z, ACTIVATE[name](z))
            for b, w, z, name in zip(biases, weights, activations, functions, strict=True)
        ]
        self.top, self.top_slope = deltas[-1], slopes[-1]
        self.ones = biases[0].new_ones(batch)
        self.back = []
        for i in reversed(range(len(weights))):
            down = partial(torch.mm, deltas[i], weights[i], out=deltas[i - 1]) if i else None
            self.back.append(
                (down, slopes[i - 1], deltas[i].T, activations[i - 1] if i else None, weights[i], biases[i])
            )


class TorchByHand(Engine):
    """A peer: the backward pass is written out, and the gradient is added into the weights by its product."""

    traced = False
    products = staticmethod(products)
    peak_bytes = classmethod(peak_bytes)

    @classmethod
    def handles(cls, _: Network) -> None:
        """Any network."""

    @torch.inference_mode()
    def __init__(self, network: Network) -> None:
        torch.set_num_threads(current())
        self.like, self.dtype = network.like, network.dtype
        self.weights = [torch.tensor(w) for w in network.weights]
        self.biases = [torch.tensor(b) for b in network.biases]
        sloped = list(map(bool, network.slopes_in_place))
        self.workspaces = Workspaces(partial(Workspace, network.activations, sloped, self.weights, self.biases))

    @torch.inference_mode()
    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, targets = (torch.from_numpy(np.ascontiguousarray(array, self.dtype)) for array in (x, y))
        work = self.workspaces[len(x)]
        a = inputs
        for bias, weights, z, activate in work.up:
            torch.addmm(bias, a, weights, out=z)
            if activate:
                activate()
            a = z

        torch.sub(a, targets, out=work.top)
        if work.top_slope:
            work.top_slope()
        rate, ones = -eta / len(x), work.ones
        for down, take_slope, delta, below, weights, bias in work.back:
            if down:  # the error passes down through the weights as they were
                down()
                if take_slope:
                    take_slope()
            weights.addmm_(delta, inputs if below is None else below, alpha=rate)
            bias.addmv_(delta, ones, alpha=rate)

    def network(self) -> Network:
        weights, biases = ([block.numpy() for block in part] for part in (self.weights, self.biases))
        return self.like(weights, biases).copy()
