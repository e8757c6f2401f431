"""The roofline: what engines do per second against what a step does per byte, and the roofs that a machine sets.

After S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance model for multicore
architectures", Communications of the ACM 52(4), 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

KEYS = ["machine", "dtype", "threads"]  # what the roofs are of; the functions of a network don't move them
MEASURED = ["peak_flops_per_second", "copy_bytes_per_second", "copied_bytes", "cache_bytes_per_second", "hertz"]


class Roofs(NamedTuple):
    """The median of what the races of a machine, dtype and number of threads measured; NaN where it is not known.

    They are flop/s of a product, bytes/s of a copy between arrays of copied_bytes together and of one within the
    second-level caches, and cycles in a second.
    """

    machine: str
    dtype: str
    threads: int
    flops_per_second: float
    copy_bytes_per_second: float
    copied_bytes: float
    cache_bytes_per_second: float
    hertz: float

    def share(self, flops_per_second: float) -> float:
        """Of the peak of the products."""
        return flops_per_second / self.flops_per_second

    def flops_per_cycle(self, flops_per_second: float) -> float:
        """In each cycle of one core; NaN where the frequency is not known."""
        return flops_per_second / self.hertz / self.threads


def roofs(rows: pd.DataFrame) -> Iterator[tuple[Roofs, pd.DataFrame]]:
    """Each machine, dtype and number of threads whose roofs are known, with the rows of what was timed under them.

    A race over a data set is no part of it: its last mini-batches are shorter than the cell's.
    """
    timed = (rows["data"] == "random") & rows["seconds_per_step"].notna() & rows["peak_flops_per_second"].notna()
    for (machine, dtype, threads), part in rows[timed].groupby(KEYS, sort=False):
        medians = part.drop_duplicates("cell")[MEASURED].astype(float).median()
        yield Roofs(machine, dtype, threads, *medians), part
