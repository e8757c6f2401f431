"""Training: epochs of stochastic gradient descent by any engine, and how well the network does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .engine import Engine
from .network import Array, Network


def batches(x: Array, y: Array, batch: int) -> Iterator[tuple[Array, Array]]:
    """Mini-batches of x (n, n_in) and y (n, n_out) in order, as views; the last may be shorter."""
    for start in range(0, len(x), batch):
        yield x[start : start + batch], y[start : start + batch]


def epoch(engine: Engine, x: Array, y: Array, batch: int, eta: float, rng: np.random.Generator) -> None:
    """One pass over all samples, x (n, n_in) and y (n, n_out), in a random order."""
    order = rng.permutation(len(x))
    for batch_x, batch_y in batches(x[order], y[order], batch):
        engine.step(batch_x, batch_y, eta)


def accuracy(network: Network, x: Array, y: Array) -> float:
    """The share of samples whose largest output is where their largest target is."""
    return float(np.mean(network.feedforward(x).argmax(axis=1) == y.argmax(axis=1)))
