"""The batch size from which on one engine overtakes another, by the cost model."""

from __future__ import annotations

import msgspec
import numpy as np

from ..cells.cell import Cell
from .cost_model import Model
from .intervals import Estimate
from .prices import Floats

BATCHES = np.unique(np.geomspace(1, 10_000, 80).round()).astype(int)  # at which both are predicted


def crossover(baseline: Model, challenger: Model, network: Cell) -> Estimate | None:
    """The batch size at which the challenger's predicted step takes as long as the baseline's, and wins beyond.

    It is for the network of a cell, whatever the batch of that: 0 where the challenger wins at any size; None where it
    does not win at the largest of BATCHES. The interval holds 95 % of the crossovers of models that are fitted to
    resampled cells.
    """
    cells = [msgspec.structs.replace(network, batch=batch) for batch in BATCHES.tolist()]
    slow, fast = (np.vstack([model.prices, model.resampled]) @ model.work(cells).T for model in (baseline, challenger))
    value, *drawn = map(_crossing, slow - fast)
    if not np.isfinite(value):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975], method="nearest").tolist()
    return Estimate(value, low, high)


def _crossing(gain: Floats) -> float:
    """Where the time that is gained, at each of BATCHES, stays above 0: between two of them it changes evenly."""
    behind = np.flatnonzero(gain <= 0)
    if not len(behind):
        return 0.0
    last = int(behind[-1])
    if last == len(gain) - 1:
        return float("inf")
    return float(np.interp(0, gain[last : last + 2], BATCHES[last : last + 2]))
