"""The network: its parameters, how an input passes through it, and what its answer costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError

Array = npt.NDArray[np.floating[Any]]

CACHE_LINE = 64  # bytes, on x86-64 and most others


def sigmoid(z: Array) -> Array:
    """The logistic function of each element, of z's shape and dtype.

    Far below zero `exp(-z)` overflows to inf and the result, 0, is right: callers silence that warning
    once a step, with `np.errstate(over="ignore")`, which would cost a third of a small call in here.
    """
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    """The derivative of `sigmoid` at each element, of z's shape and dtype."""
    s = sigmoid(z)
    return s * (1.0 - s)


@dataclass(frozen=True)
class Network:
    """A fully connected network of sigmoid layers with a quadratic cost.

    weights: for each layer an array (n_out, n_in); biases: for each layer an array (n_out,).
    All of one dtype: float32 or float64 (complex128 is taken for complex-step derivatives).
    Raises InputError where shapes do not chain or dtypes differ.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "biases", tuple(self.biases))
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

    @classmethod
    def random(cls, sizes: Sequence[int], rng: np.random.Generator, dtype: npt.DTypeLike = np.float64) -> Network:
        """A network of these layer sizes (inputs first), normal: biases sd 1, weights sd 1/sqrt(n_in)."""
        pairs = list(pairwise(sizes))
        weights = [(rng.standard_normal((n, m)) / np.sqrt(m)).astype(dtype) for m, n in pairs]
        biases = [rng.standard_normal(n).astype(dtype) for _, n in pairs]
        return cls(tuple(weights), tuple(biases))

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
        return Network(tuple(map(aligned, self.weights)), tuple(map(aligned, self.biases)))

    @np.errstate(over="ignore")
    def feedforward(self, x: Array) -> Array:
        """The output, (batch, n_out), for inputs x, (batch, n_in)."""
        a = x
        for w, b in zip(self.weights, self.biases, strict=True):
            a = sigmoid(a @ w.T + b)
        return a

    def cost(self, x: Array, y: Array) -> Any:
        """The quadratic cost, half the squared distance to y, (batch, n_out), averaged over the batch."""
        return 0.5 * np.sum((self.feedforward(x) - y) ** 2) / len(x)


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
