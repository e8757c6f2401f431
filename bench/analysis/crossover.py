"""The batch size from which on one engine overtakes another, by the cost model."""

from __future__ import annotations

import msgspec
import numpy as np

from .cost_model import Floats, Model
from .intervals import Estimate

NOTHING = 1e-9  # of a sample's time: rounding


def crossover(baseline: Model, challenger: Model, sizes: tuple[int, ...]) -> Estimate | None:
    """The batch size at which the challenger's predicted step takes as long as the baseline's, and wins beyond.

    A step's time is linear in the batch size, while the mini-batch is small, so there is one at the most: 0 where the
    challenger wins at any size; None where it does not win at large ones. The interval holds 95 % of the crossovers of
    models that are fitted to resampled cells.
    """
    pair = [msgspec.structs.replace(challenger.cells[0], sizes=sizes, batch=batch) for batch in (1, 2)]
    slow, fast = (np.vstack([model.prices, model.resampled]) @ model.work(pair).T for model in (baseline, challenger))
    value, *drawn = (_crossing(*line) for line in zip(slow, fast, strict=True))
    if not np.isfinite(value):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975], method="nearest").tolist()
    return Estimate(value, low, high)


def _crossing(slow: Floats, fast: Floats) -> float:
    """The batch size beyond which `fast` takes less time, infinite where there is none; both at batches of 1 and 2."""
    gain = float((slow - fast)[1] - (slow - fast)[0])  # by one more sample
    fixed = float((fast - slow)[0]) + gain  # without any
    if abs(gain) < NOTHING * float(slow[1] - slow[0]):
        return 0.0 if fixed < 0 else float("inf")
    return max(0.0, fixed / gain) if gain > 0 else float("inf")
