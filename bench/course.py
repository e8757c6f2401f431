"""What the contestants of a race run over: a network to start from, and mini-batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backprop import Network, data
from backprop.network import Array
from backprop.training import batches

from .grid import Cell


@dataclass(frozen=True)
class Course:
    """A network to start from, and the mini-batches of a cell in order."""

    network: Network
    x: Array  # (samples, n_in), at least batch + 1 of them
    y: Array
    batches: Sequence[tuple[Array, Array]]
    steps: int | None  # steps in a slice where the cell says so: the whole epoch


def prepare(cell: Cell, rng: np.random.Generator) -> Course:
    """A random network, and random samples or the training part of the cell's data set."""
    network = Network.random(cell.sizes, rng, cell.dtype)
    if cell.data != "random":
        digits = data.load(cell.data, cell.dtype)
        epoch = list(batches(digits.x_train, digits.y_train, cell.batch))
        return Course(network, digits.x_train, digits.y_train, epoch, len(epoch))
    n_in, n_out = cell.sizes[0], cell.sizes[-1]
    x = rng.random((cell.batch + 1, n_in)).astype(cell.dtype)
    y = np.eye(n_out, dtype=cell.dtype)[rng.integers(n_out, size=cell.batch + 1)]
    return Course(network, x, y, [(x[: cell.batch], y[: cell.batch])], None)
