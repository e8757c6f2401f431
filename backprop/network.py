"""The network: its parameters, how an input passes through it, and what its answer costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .functions import ACTIVATIONS, HEAD, HIDDEN, Activation, Head, InPlace, check_hidden, head_named
from .functions import Array as Array

CACHE_LINE = 64  # bytes, on x86-64 and most others

# Around each step. exp overflows far below zero, where the sigmoid that is made of it is right. And "invalid" need not
# be about the numbers: on some machines a BLAS sets that flag for finite ones, as it also computes with what lies
# beyond a vector's end, and throws that away. A NaN or an infinity of the network's own shows in what comes out.
quiet = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True)
class Network:
    """A fully connected network.

    weights: for each layer an array (n_out, n_in); biases: for each layer an array (n_out,).
    All of one dtype: float32 or float64 (complex128 is taken for complex-step derivatives).
    activations: for each layer the name of its function, by default the sigmoid; cost: that of the cost. Both are
    those of backprop/functions.py, where the last activation and the cost make a head.
    Raises InputError where shapes do not chain, dtypes differ, or functions do not go together.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activations: tuple[str, ...] = ()
    cost: str = "quadratic"

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "biases", tuple(self.biases))
        object.__setattr__(self, "activations", tuple(self.activations) or (HIDDEN,) * len(self.weights))
        blocks = self.weights + self.biases
        if not self.weights or len(self.weights) != len(self.biases):
            raise InputError(
                f"a network needs as many weights as biases, at least one of each; "
                f"got {len(self.weights)} and {len(self.biases)}"
            )
        if len({block.dtype for block in blocks}) > 1 or not np.issubdtype(self.dtype, np.inexact):
            found = ", ".join(sorted({str(block.dtype) for block in blocks}))
            raise InputError(f"weights and biases must share one floating dtype; got {found}")
        shapes = [w.shape for w in self.weights]
        chained = all(len(shape) == 2 for shape in shapes) and all(
            below[0] == above[1] for below, above in pairwise(shapes)
        )
        if not chained or any(b.shape != w.shape[:1] for w, b in zip(self.weights, self.biases, strict=True)):
            raise InputError(
                f"weights must be (n_out, n_in), each n_in the n_out before it, and biases (n_out,); "
                f"got {shapes} and {[b.shape for b in self.biases]}"
            )

        if len(self.activations) != len(self.weights):
            raise InputError(
                f"a network of {len(self.weights)} layers needs as many activations, not {len(self.activations)}"
            )
        for name in self.activations[:-1]:
            check_hidden(name)
        _ = self.head

    @classmethod
    def random(
        cls,
        sizes: Sequence[int],
        rng: np.random.Generator,
        dtype: npt.DTypeLike = np.float64,
        activations: Sequence[str] = (),
        cost: str = "quadratic",
    ) -> Network:
        """A network of these layer sizes (inputs first), normal: biases sd 1, weights sd 1/sqrt(n_in)."""
        pairs = list(pairwise(sizes))
        weights = [(rng.standard_normal((n, m)) / np.sqrt(m)).astype(dtype) for m, n in pairs]
        biases = [rng.standard_normal(n).astype(dtype) for _, n in pairs]
        return cls(tuple(weights), tuple(biases), tuple(activations), cost)

    def like(self, weights: Sequence[Array], biases: Sequence[Array]) -> Network:
        """A network of these parameters, with the functions of this one."""
        return replace(self, weights=tuple(weights), biases=tuple(biases))

    @property
    def functions(self) -> tuple[Activation, ...]:
        """The activation of each layer."""
        return tuple(ACTIVATIONS[name] for name in self.activations)

    @property
    def head(self) -> Head:
        """The last activation and the cost; InputError where they do not go together."""
        return head_named(f"{self.activations[-1]}-{self.cost}")

    @property
    def slopes_in_place(self) -> tuple[InPlace | None, ...]:
        """For each layer how its slope is taken in place; None where the error is to be multiplied by none.

        So it is where the slope is 1 everywhere, and on top where the cost matches the activation.
        """
        slopes = [function.slope_in_place for function in self.functions]
        return (*slopes[:-1], None if self.head.matched else slopes[-1])

    @property
    def is_plain(self) -> bool:
        """Whether it is of sigmoid layers under the quadratic cost, the source's and the default."""
        return set(self.activations) == {HIDDEN} and self.head.name == HEAD

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units in each layer, the inputs first."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that every parameter has."""
        return self.weights[0].dtype

    def copy(self) -> Network:
        """The same parameters in memory of their own, each in C order and from the start of a cache line."""
        return self.like(tuple(map(aligned, self.weights)), tuple(map(aligned, self.biases)))

    @quiet
    def feedforward(self, x: Array) -> Array:
        """The output, (batch, n_out), for inputs x, (batch, n_in)."""
        return self.functions[-1].of(self._top(x)).T

    @quiet
    def mean_cost(self, x: Array, y: Array) -> Any:
        """The cost of the answers to x, (batch, n_in), where y, (batch, n_out), is right: averaged over the batch."""
        return self.head.total(self._top(x), y.T) / len(x)

    def _top(self, x: Array) -> Array:
        """The z of the last layer, (n_out, batch)."""
        a = x.T
        for w, b, function in zip(self.weights, self.biases, self.functions, strict=True):
            z = w @ a + b[:, np.newaxis]
            a = function.of(z)
        return z


def aligned(block: Array) -> Array:
    """A copy in C order whose address is a multiple of CACHE_LINE.

    NumPy promises 16 bytes only, and what falls across two lines is read twice: copies of one engine would
    differ by where they happen to lie, measured as 4 % of a step of fused at 784-30-10, batch 1.
    """
    memory = np.empty(block.nbytes + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    own = memory[start : start + block.nbytes].view(block.dtype).reshape(block.shape)
    own[...] = block
    return own
