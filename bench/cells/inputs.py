"""What the contestants of a race run over: a network to start from, and mini-batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backprop import Network
from backprop.network import Array, aligned
from backprop.training import batches

from . import datasets, targets
from .cell import Cell


@dataclass(frozen=True)
class Inputs:
    """A network to start from, and the mini-batches of a cell in order."""

    cell: Cell
    network: Network
    x: Array  # (samples, n_in), at least batch + 1 of them
    y: Array
    batches: Sequence[tuple[Array, Array]]
    steps: int | None  # steps in a slice where the cell says so: the whole epoch


def prepare(cell: Cell, rng: np.random.Generator, samples: str | None = None) -> Inputs:
    """A random network, and random samples with random targets, or the training part of the cell's data set.

    samples is a file with that part as x and y, which is read in a hundredth of the time that parsing it takes.
    The samples start at a cache line. NumPy leaves that to chance, and by chance the products that read them took a
    third longer: a step of fused at 784-10-10, batch 100, 65 us in one race and 84 us in the next (AVX-512).
    """
    network = cell.network(rng)
    if cell.data != "random":
        if samples:
            with np.load(samples, allow_pickle=False) as arrays:
                x, y = (aligned(arrays[name]) for name in "xy")
        else:
            dataset = datasets.read(cell.data, cell.dtype, cell.head)
            x, y = aligned(dataset.x_train), aligned(dataset.y_train)
        epoch = list(batches(x, y, cell.batch))
        return Inputs(cell, network, x, y, epoch, len(epoch))
    n_in, n_out = cell.sizes[0], cell.sizes[-1]
    x = aligned(rng.random((cell.batch + 1, n_in)).astype(cell.dtype))
    y = aligned(targets.random(cell.top, cell.batch + 1, n_out, rng).astype(cell.dtype))
    return Inputs(cell, network, x, y, [(x[: cell.batch], y[: cell.batch])], None)
